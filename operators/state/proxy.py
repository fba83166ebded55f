"""The proxy of a portrait: what Solid and Wireframe views show in its place, to see it, snap to it and click on it.

It is a mesh in a collection of its own that the portrait object, an empty, instances. So a click on it selects the
portrait, and it moves, is duplicated, appended and deleted with it; the collection itself is in no scene.
"""

import contextlib

import bpy

from ...inference.errors import PortraitError
from ..datablocks import images, materials, meshes
from ..language import strings
from .loaded import load
from .portrait import is_editable

PROXY = "portrait_manifolds_proxy"  # custom property of the collections made here
RAYS = "camera", "diffuse", "glossy", "transmission", "volume_scatter", "shadow"


def update(obj, textured=None):
    """Give a portrait object the proxy of what it shows now, or take it away where it shall have none.

    textured: of :func:`inference.mesh.proxy.proxy_mesh` where it is at hand. An object that instances something else
    keeps that. Raises PortraitError when the portrait cannot be read.
    """
    old = obj.instance_collection
    if not is_editable(obj) or old is not None and PROXY not in old:
        return
    settings = obj.portrait_manifolds
    if not settings.show_proxy or not settings.portrait_path:
        textured = None
    elif textured is None:
        from ...inference.mesh.proxy import proxy_mesh

        textured = proxy_mesh(load(obj))
    if textured is None:
        obj.instance_type, obj.instance_collection = "NONE", None
    else:
        obj.instance_type, obj.instance_collection = "COLLECTION", _collection(obj.name, textured)
    if old is not None and old.users == 0:
        _remove(old)


def shown_changed(obj):
    """After the user has turned the proxy on or off; what cannot be read has none."""
    with contextlib.suppress(PortraitError):
        update(obj)


def has_proxy(obj):
    """True when Solid views show a portrait object's proxy."""
    shown = obj.instance_collection if obj.instance_type == "COLLECTION" else None
    return shown is not None and PROXY in shown


def _collection(of, textured):
    """A collection with a proxy mesh of the portrait called so."""
    name = f"{of} {strings.PROXY_NAME}"
    trash = []
    try:
        mesh = meshes.new_mesh(name, meshes.to_blender(textured.vertices), textured.faces, textured.uv)
        trash.append(mesh)
        image = images.new_image(name, textured.texture)
        trash.append(image)
        material = materials.proxy_material(name, image, textured.texture)
        trash.append(material)
        mesh.materials.append(material)
        made = bpy.data.objects.new(name, mesh)
        trash.append(made)
        made.hide_render = True
        for ray in RAYS:  # rendered viewports show what hides from renders
            setattr(made, f"visible_{ray}", False)
        collection = bpy.data.collections.new(name)
    except Exception:
        bpy.data.batch_remove(trash)
        raise
    collection.objects.link(made)
    collection[PROXY] = True
    return collection


def _remove(collection):
    """Delete a proxy's collection, and of what is in it all that nothing else uses."""
    floors = [[collection]]
    for users in (_objects, _data, _materials, _images):
        floors.append([item for user in floors[-1] for item in users(user) if item is not None])
    for floor in floors:
        bpy.data.batch_remove({item for item in floor if item.users == 0})


def _objects(collection):
    return collection.objects


def _data(obj):
    return [obj.data]


def _materials(mesh):
    return getattr(mesh, "materials", ())


def _images(material):
    return [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"] if material.node_tree else ()
