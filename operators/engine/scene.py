"""What of a scene is rendered: its visible portraits, and the colour behind them."""

import bpy

from ..state.background import background_of
from ..state.portrait import is_portrait
from ..state.portrait_files import file_of


def visible_portraits(depsgraph, view3d=None):
    """[(path of the portrait, world matrix, background)] of every visible inverted portrait object, with instances.

    background: "source" where the photo's is shown, else "none".

    view3d: a 3D viewport's space, whose local view and hidden collections count, too.
    """
    found = []
    for instance in depsgraph.object_instances:
        obj = instance.object.original  # evaluated copies may not know yet what a script has set
        if obj.type != "EMPTY" or not is_portrait(obj) or not obj.portrait_manifolds.portrait_path:
            continue
        owner = instance.parent.original if instance.is_instance else obj
        if view3d is None or owner.visible_in_viewport_get(view3d):
            found.append((file_of(obj), instance.matrix_world.copy(), background_of(obj)))
    return found


def world_colour(scene):
    """(3,) linear colour behind everything: the world's background node, else its viewport colour, else black."""
    world = scene.world
    if world is None:
        return (0.0, 0.0, 0.0)
    tree = world.node_tree if bpy.app.version >= (5, 0, 0) or world.use_nodes else None
    node = next((node for node in tree.nodes if node.type == "BACKGROUND"), None) if tree else None
    if node is None or node.inputs["Color"].is_linked:
        return tuple(world.color)
    strength = node.inputs["Strength"].default_value
    return tuple(channel * strength for channel in node.inputs["Color"].default_value[:3])
