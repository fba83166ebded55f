"""The scene in which a scene's portraits are rendered apart, to be put among the rest by its compositor.

A Blender scene has one render engine. This second scene has the portraits' own, holds the first one's portraits,
cameras, and what instances portraits, and takes all settings from the first one.
"""

import bpy

from ..language import strings
from .portrait import is_portrait


def portraits_scene(scene):
    """The scene that renders a scene's portraits, made and brought up to date."""
    if find(scene) is None:
        made = bpy.data.scenes.new(f"{scene.name} {strings.PORTRAITS}")
        made.render.engine, made.render.film_transparent = "PORTRAIT_MANIFOLDS", True
        made.portrait_manifolds_apart.of, scene.portrait_manifolds_apart.scene = scene, made
    update(scene)
    return find(scene)


def find(scene):
    """The scene that renders a scene's portraits, or None."""
    found = scene.portrait_manifolds_apart.scene
    if found is None or found.portrait_manifolds_apart.of != scene:  # a copied scene still has the other's
        return None
    return found


def update(scene):
    """Let the portraits' scene of a scene, if it has one, hold what the scene holds now."""
    portraits = find(scene)
    if portraits is None:
        return
    held, wanted = set(portraits.collection.objects), {obj for obj in scene.objects if _counts(obj)}
    for obj in held - wanted:
        portraits.collection.objects.unlink(obj)
    for obj in sorted(wanted - held, key=lambda obj: obj.name):
        portraits.collection.objects.link(obj)
    if portraits.camera != scene.camera:
        portraits.camera = scene.camera


def remove(scene):
    """Delete the portraits' scene of a scene."""
    portraits, scene.portrait_manifolds_apart.scene = find(scene), None
    if portraits is not None:
        bpy.data.scenes.remove(portraits)


def source_of(scene, view_layer):
    """(scene, view layer) whose settings count when a scene is rendered: of a portraits' scene those of its owner."""
    owner = scene.portrait_manifolds_apart.of
    if owner is None:
        return scene, view_layer
    return owner, owner.view_layers.get(view_layer.name) or owner.view_layers[0]


def rendered_objects(view_layer):
    """Set of the objects in collections that a view layer renders; objects may be hidden by themselves."""
    found, waiting = set(), [view_layer.layer_collection]
    while waiting:
        layer = waiting.pop()
        if not (layer.exclude or layer.collection.hide_render):
            found.update(layer.collection.objects)
            waiting.extend(layer.children)
    return found


def _counts(obj):
    instanced = obj.instance_collection if obj.instance_type == "COLLECTION" else None
    return obj.type == "CAMERA" or is_portrait(obj) or instanced and any(map(is_portrait, instanced.all_objects))
