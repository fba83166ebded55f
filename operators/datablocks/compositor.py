"""Scenes' compositor nodes, alike in all Blender versions: since 5.0 they are a node group that scenes share."""

import bpy

GROUPS = bpy.app.version >= (5, 0, 0)
MATH = "ShaderNodeMath" if GROUPS else "CompositorNodeMath"
NOTHING = 1e9  # depths beyond are of nothing
EDGE = 1  # pixels to each side of an edge that are mixed
PASSING = {"R_LAYERS", "REROUTE", "COMPOSITE", "GROUP_OUTPUT", "VIEWER"}  # types of nodes that pass pictures on
INPUTS = {
    "Scene": "NodeSocketColor",
    "Scene Depth": "NodeSocketFloat",
    "Portraits": "NodeSocketColor",
    "Portraits Depth": "NodeSocketFloat",
}
# Options that are properties of nodes in older versions and sockets in newer ones: {option: (socket, values)}
OPTIONS = {"distance": ("Size", {}), "mode": ("Type", {"STEP": "Steps", "APPLY": "Apply Mask"})}


def tree_of(scene):
    """The node tree that composites the scene's renders, or None."""
    if GROUPS:
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def new_tree(scene, layer):
    """Let a scene without compositing have it: its own nodes if they were off, else nodes that pass a view layer on."""
    if GROUPS:
        tree = scene.compositing_node_group = bpy.data.node_groups.new(scene.name, "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        start, end = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
        start.scene, start.layer = scene, layer
        start.location, end.location = (-300.0, 0.0), (600.0, 0.0)
        tree.links.new(start.outputs["Image"], end.inputs[0])
        return tree
    had_nodes = scene.node_tree is not None
    scene.use_nodes = True  # adds such nodes where there are none
    if not had_nodes:
        next(node for node in scene.node_tree.nodes if node.type == "R_LAYERS").layer = layer
    return scene.node_tree


def drop_tree(scene):
    """Let a scene have no compositing again, if its nodes do no more than pass its renders on."""
    tree = tree_of(scene)
    if {node.type for node in tree.nodes} - PASSING:
        return
    if GROUPS:
        scene.compositing_node_group = None
        if not tree.users:
            bpy.data.node_groups.remove(tree)
    else:
        scene.use_nodes = False


def render_layers(tree, scene, layer):
    """The nodes of a tree that bring in renders of a view layer, by its name."""
    nodes = (node for node in tree.nodes if node.type == "R_LAYERS")
    return [node for node in nodes if node.scene == scene and node.layer == layer]


def depth_group(name):
    """A new node group that puts one picture among another by depth.

    Inputs: INPUTS; "Portraits" premultiplied, with a depth beyond NOTHING where nothing of them is. Output: "Image".
    Portraits cover the scene by their opacity where they are nearer, and elsewhere are covered. The edge of what covers
    them is smoothed. The scene's pixels there are mixed with what is behind them, so their colours are taken from a
    pixel further inside; things too thin for that keep theirs.
    """
    group = bpy.data.node_groups.new(name, "CompositorNodeTree")
    for label, kind in INPUTS.items():
        group.interface.new_socket(label, in_out="INPUT", socket_type=kind)
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    build = _Builder(group)
    given = group.nodes.new("NodeGroupInput").outputs
    scene, scene_depth, portraits, portraits_depth = (given[label] for label in INPUTS)
    nearer = build(MATH, scene_depth, portraits_depth, operation="LESS_THAN")
    there = build(MATH, portraits_depth, NOTHING, operation="LESS_THAN")
    covered = build("CompositorNodeAntiAliasing", build(MATH, nearer, there, operation="MULTIPLY"))
    inside = build("CompositorNodeDilateErode", nearer, mode="STEP", distance=-EDGE)
    pure = build("CompositorNodeSetAlpha", scene, inside, mode="APPLY")
    front = build("CompositorNodeInpaint", pure, distance=2 * EDGE)
    front = build("CompositorNodeAlphaOver", scene, front)
    front = build("CompositorNodeSetAlpha", front, covered, mode="APPLY")
    behind = build("CompositorNodeAlphaOver", scene, portraits)
    image = build("CompositorNodeAlphaOver", behind, front)
    group.links.new(image, group.nodes.new("NodeGroupOutput").inputs[0])
    for column, node in enumerate(group.nodes):
        node.location = (200.0 * column, -80.0 * (column % 3))
    return group


class _Builder:
    """Adds nodes to a tree: called with a type, sources of its inputs, and options; returns its first output."""

    def __init__(self, tree):
        self._tree = tree

    def __call__(self, kind, *sources, **options):
        node = self._tree.nodes.new(kind)
        for name, value in options.items():
            socket, values = OPTIONS.get(name, (None, {}))
            if hasattr(node, name):
                setattr(node, name, value)
            else:
                node.inputs[socket].default_value = values.get(value, value)
        inputs = [socket for socket in node.inputs if socket.name != "Fac"]
        for socket, source in zip(inputs, sources, strict=False):
            if isinstance(source, bpy.types.NodeSocket):
                self._tree.links.new(source, socket)
            else:
                socket.default_value = source
        return node.outputs[0]
