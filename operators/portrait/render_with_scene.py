"""Render with Scene: F12 shows the portraits among the scene's other objects, which EEVEE or Cycles render."""

import json

import bpy
from bpy.props import BoolProperty

from ...inference.errors import PortraitError
from ..datablocks import compositor
from ..engine.render_engine import RIM_DEPTH_PASS
from ..language import strings
from ..state import portraits_scene
from ..state.layers import LAYER
from ..state.portrait import INVERTED, is_portrait
from ..work.operator import PortraitOperator, needs, one_line
from .add_layers import add_shadow

MARK = "portrait_manifolds_apart"  # custom property of what is added, with which it is found
EEVEE = "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def renders_with_scene(context):
    """True when the scene's portraits are put among the rest."""
    return portraits_scene.find(context.scene) is not None


@needs(INVERTED)
class PORTRAIT_MANIFOLDS_OT_render_with_scene(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.render_with_scene"
    bl_label = strings.RENDER_WITH_SCENE.label
    bl_description = strings.RENDER_WITH_SCENE.description
    bl_options = {"REGISTER", "UNDO"}

    shadow: BoolProperty(name=strings.LAYER_SHADOW.label, description=strings.LAYER_SHADOW.description, default=True)

    def run(self, context):
        scene = context.scene
        set_up(scene, context.view_layer)
        for text in cast_shadows(scene) if self.shadow else ():
            self.report({"WARNING"}, text)
        engine = bpy.types.UILayout.enum_item_name(scene.render, "engine", scene.render.engine)
        self.report({"INFO"}, strings.RENDERS_WITH_SCENE.format(engine=engine))


@needs((renders_with_scene, strings.NOT_WITH_SCENE))
class PORTRAIT_MANIFOLDS_OT_render_alone(PortraitOperator, bpy.types.Operator):
    bl_idname = "portrait_manifolds.render_alone"
    bl_label = strings.RENDER_ALONE.label
    bl_description = strings.RENDER_ALONE.description
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        take_down(context.scene)


def set_up(scene, view_layer):
    """Let a scene's compositor put its portraits into what a view layer renders; what is set up already stays.

    Raises PortraitError where the compositor cannot be changed, or does not show the view layer.
    """
    apart, render = scene.portrait_manifolds_apart, scene.render
    if apart.of is not None:
        raise PortraitError(strings.IS_PORTRAITS_SCENE.format(name=scene.name, owner=apart.of.name))
    tree = compositor.tree_of(scene)
    if tree is not None and tree.library is not None:
        raise PortraitError(strings.LINKED.format(name=tree.name))
    had_nodes = tree is not None
    tree = tree or compositor.new_tree(scene, view_layer.name)
    starts = compositor.render_layers(tree, scene, view_layer.name)
    if not starts:
        raise PortraitError(strings.NO_RENDER_LAYERS.format(layer=view_layer.name))
    if portraits_scene.find(scene) is None:
        before = {"engine": render.engine, "use_compositing": render.use_compositing, "nodes": had_nodes}
        before |= {"layer": view_layer.name, "depth": view_layer.use_pass_z}
        apart.before = json.dumps(before)
    if render.engine == "PORTRAIT_MANIFOLDS":
        render.engine = EEVEE
    render.use_compositing = view_layer.use_pass_z = True
    view_layer.update_render_passes()
    portraits = portraits_scene.portraits_scene(scene)
    portraits.view_layers[0].name = view_layer.name
    portraits.view_layers[0].update_render_passes()
    _connect(tree, starts, portraits)


def cast_shadows(scene):
    """Add what casts the shadows of a scene's portraits, except where it is, or layers are. Returns what went wrong."""
    failed = []
    for obj in [obj for obj in scene.objects if is_portrait(obj) and obj.portrait_manifolds.portrait_path]:
        if any(LAYER in child or MARK in child for child in obj.children):
            continue
        collections = scene.collection, *scene.collection.children_recursive
        try:
            shadow = add_shadow(obj, next(one for one in collections if obj in set(one.objects)))
        except PortraitError as error:
            failed.append(strings.LEFT_OUT.format(name=obj.name, reason=one_line(error)))
        else:
            shadow[MARK] = True
    return failed


def take_down(scene):
    """Undo what :func:`set_up` and :func:`cast_shadows` did, and leave the rest of the compositor as it is."""
    bpy.data.batch_remove([datablock for obj in scene.objects if MARK in obj for datablock in _made_for(obj)])
    tree = compositor.tree_of(scene)
    if tree is not None:
        _disconnect(tree)
    portraits_scene.remove(scene)
    before = json.loads(scene.portrait_manifolds_apart.before or "{}")
    if not before:
        return
    layer = scene.view_layers.get(before["layer"])
    if layer is not None:
        layer.use_pass_z = before["depth"]
    if tree is not None and not before["nodes"]:
        compositor.drop_tree(scene)
    scene.render.engine, scene.render.use_compositing = before["engine"], before["use_compositing"]
    scene.portrait_manifolds_apart.before = ""


def _made_for(shadow):
    """The datablocks of an object that casts a shadow: itself, its mesh, material and image."""
    material = shadow.data.materials[0]
    images = [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"]
    return [shadow, shadow.data, material, *images]


def _connect(tree, starts, portraits):
    """Put the group between the renders and what is made of them. starts: nodes that bring in the scene's renders."""
    start = starts[0]
    source = _marked(tree, "R_LAYERS") or _add(tree, "CompositorNodeRLayers", start, (0.0, -420.0))
    source.scene, source.layer = portraits, portraits.view_layers[0].name
    group = _marked(tree, "GROUP")
    if group is None:
        group = _add(tree, "CompositorNodeGroup", start, (320.0, 0.0))
        group.node_tree = compositor.depth_group(strings.PORTRAITS_IN_SCENE)
        _move_links(tree, starts, group.outputs["Image"])
    tree.links.new(start.outputs["Image"], group.inputs["Scene"])
    tree.links.new(start.outputs["Depth"], group.inputs["Scene Depth"])
    tree.links.new(source.outputs["Image"], group.inputs["Portraits"])
    tree.links.new(source.outputs[RIM_DEPTH_PASS], group.inputs["Portraits Depth"])


def _disconnect(tree):
    """Take the group out again."""
    group, source = _marked(tree, "GROUP"), _marked(tree, "R_LAYERS")
    if group is not None:
        links = group.inputs["Scene"].links
        if links:
            _move_links(tree, [group], links[0].from_socket)
        made = group.node_tree
        tree.nodes.remove(group)
        if made is not None and not made.users:
            bpy.data.node_groups.remove(made)
    if source is not None:
        tree.nodes.remove(source)


def _move_links(tree, nodes, socket):
    """Let what takes its picture from some nodes take it from another socket."""
    for link in list(tree.links):
        if link.from_node in nodes and link.from_socket.name == "Image":
            tree.links.new(socket, link.to_socket)


def _add(tree, kind, beside, offset):
    node = tree.nodes.new(kind)
    node[MARK] = True
    node.location = beside.location.x + offset[0], beside.location.y + offset[1]
    return node


def _marked(tree, kind):
    return next((node for node in tree.nodes if node.type == kind and MARK in node), None)


CLASSES = PORTRAIT_MANIFOLDS_OT_render_with_scene, PORTRAIT_MANIFOLDS_OT_render_alone
