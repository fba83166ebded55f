"""What of a scene is rendered: its visible portraits, and the colour behind them."""

import collections

import bpy

from ...inference.errors import PortraitError
from ..language import strings
from ..state.background import background_of
from ..state.loaded import load_file
from ..state.portrait import is_portrait
from ..state.portrait_files import file_of
from ..state.portraits_scene import rendered_objects, source_of
from ..work.operator import one_line
from .visibility import HOLDOUT, UNSEEN, camera_sees

# name: of the object. path: of its file. matrix: 4x4, to the world. background: "source" where the photo's is shown,
# else "none". holdout: True for a hole in the picture. problem: why there is no path, or "".
Shown = collections.namedtuple("Shown", "name path matrix background holdout problem")
# portrait: as it was read. The rest as above.
Placed = collections.namedtuple("Placed", "portrait matrix background holdout")


def visible_portraits(depsgraph, view3d=None):
    """[:class:`Shown`] of every inverted portrait object that cameras see, with instances.

    view3d: a 3D viewport's space, whose local view and hidden collections count, too.
    """
    source, view_layer = source_of(depsgraph.scene, depsgraph.view_layer)
    present = None if source == depsgraph.scene else rendered_objects(view_layer)
    found = []
    for instance in depsgraph.object_instances:
        obj = instance.object.original  # evaluated copies may not know yet what a script has set
        if obj.type != "EMPTY" or not is_portrait(obj) or not obj.portrait_manifolds.portrait_path:
            continue
        owner = instance.parent if instance.is_instance else instance.object
        if present is not None and owner.original not in present:
            continue
        sight = camera_sees(instance.object, owner, view_layer)
        if sight != UNSEEN and (view3d is None or owner.original.visible_in_viewport_get(view3d)):
            path = problem = ""
            try:
                path = file_of(obj)
            except PortraitError as error:  # what is packed is damaged
                problem = one_line(error)
            matrix, held_out = instance.matrix_world.copy(), sight == HOLDOUT
            found.append(Shown(obj.name, path, matrix, background_of(obj), held_out, problem))
    return found


def load_shown(shown):
    """Read what is to be drawn, [:class:`Shown`]; safe in a thread.

    Returns [:class:`Placed`] of what can be, and one line for each object that cannot.
    """
    found, left_out = [], {}
    for item in shown:
        try:
            if item.problem:
                raise PortraitError(item.problem)
            found.append(Placed(load_file(item.path), item.matrix, item.background, item.holdout))
        except PortraitError as error:
            left_out[item.name] = strings.LEFT_OUT.format(name=item.name, reason=one_line(error))
    return found, list(left_out.values())


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
