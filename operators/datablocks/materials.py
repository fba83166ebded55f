"""Materials of layers and meshes."""

import bpy
import numpy as np

from ...inference.photo.srgb import GAMMA, KNEE, OFFSET, SLOPE, to_linear

LIT, UNLIT, OUTPUT = "Lit", "Unlit", "Output"  # nodes of a surface's material that the switch connects


def layer_material(name, image, detail=None):
    """The look of one sheet: it shines with its own colours, and its back is invisible.

    Under the view transform Standard a render shows the texture's sRGB values, as the engine's views do.
    detail: node group of :func:`detail_group`, or None.
    """
    material, tree, colour, front = _layer(name, image, detail)
    _show(tree, front, _shining(tree, colour))
    return material


def lit_layer_material(name, image, detail=None, normals=None):
    """One sheet as a matte surface in the scene's light; its back is invisible.

    detail: node group of :func:`detail_group`, or None. normals: image of normals in tangent space (0.5 + 0.5 n, not a
    colour), or None for those of the mesh.
    """
    material, tree, colour, front = _layer(name, image, detail)
    shader = _matte(tree, 0.1)  # the photo brings its own highlights along
    tree.links.new(colour, shader.inputs["Base Color"])
    if normals is not None:
        _bend(tree, normals, shader)
    tree.links.new(front, shader.inputs["Alpha"])
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    return material


def detail_group(name, image):
    """Node group that adds a detail map to a sheet's colours, as the engine does: sRGB values in, linear light out.

    image: of a map of :mod:`inference.geometry.detail_maps`, over the same UVs as the sheets, which share the group.
    """
    from ...inference.geometry.detail_maps import NO_DETAIL

    image.colorspace_settings.name = "Non-Color"
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    tree.interface.new_socket("Color", in_out="INPUT", socket_type="NodeSocketColor")
    tree.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    given, result = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")

    def vector(operation, *operands):
        node = tree.nodes.new("ShaderNodeVectorMath")
        node.operation = operation
        for operand, socket in zip(operands, node.inputs, strict=False):
            if isinstance(operand, float):
                socket.default_value = (operand,) * 3
            else:
                tree.links.new(operand, socket)
        return node.outputs[0]

    # glTF's exporter takes the first texture it meets on its way back from a shader: the sheet's own.
    value = vector("ADD", given.outputs[0], vector("SUBTRACT", _texture(tree, image).outputs["Color"], NO_DETAIL / 255))
    value = vector("MINIMUM", vector("MAXIMUM", value, 0.0), 1.0)
    curve = tree.nodes.new("ShaderNodeGamma")
    curve.inputs["Gamma"].default_value = GAMMA
    bright = vector("MULTIPLY_ADD", vector("MAXIMUM", value, KNEE), 1 / (1 + OFFSET), OFFSET / (1 + OFFSET))
    tree.links.new(bright, curve.inputs["Color"])
    below = vector("MINIMUM", vector("MULTIPLY_ADD", value, 1 / SLOPE, -KNEE / SLOPE), 0.0)
    tree.links.new(vector("ADD", curve.outputs[0], below), result.inputs[0])
    _arrange(tree)
    return tree


def shadow_material(name, image):
    """Dark where the image (opacity, not a colour) is white, but for shadow rays only; else nothing is there."""
    image.colorspace_settings.name = "Non-Color"
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    texture = _texture(tree, image)
    path = tree.nodes.new("ShaderNodeLightPath")
    share = tree.nodes.new("ShaderNodeMath")
    share.operation = "MULTIPLY"
    tree.links.new(texture.outputs["Color"], share.inputs[0])
    tree.links.new(path.outputs["Is Shadow Ray"], share.inputs[1])
    dark = tree.nodes.new("ShaderNodeBsdfDiffuse")
    _show(tree, share.outputs[0], dark.outputs[0])
    material.surface_render_method = "BLENDED"
    return material


def proxy_material(name, image, pixels):
    """For Solid views only, which show the image, of pixels (h, w, 3) uint8, or its middle colour; lights pass it."""
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    tree.nodes.active = _texture(tree, image)
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(clear.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    height, width = pixels.shape[:2]
    face = pixels[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3].reshape(-1, 3)
    material.diffuse_color = (*to_linear(np.median(face, 0) / 255.0).tolist(), 1.0)
    return material


def surface_material(name, image, normals=None, alpha=False):
    """A lit, matte material with the texture as base colour; :func:`set_unlit` switches the light off and on.

    normals: image of normals in tangent space (0.5 + 0.5 n, not a colour), or None for those of the mesh. alpha: clear
    where the image is.
    """
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    texture = _texture(tree, image)
    shader = _matte(tree)
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    unlit = _shining(tree, texture.outputs["Color"])
    if normals is not None:
        _bend(tree, normals, shader)
    if alpha:
        tree.links.new(texture.outputs["Alpha"], shader.inputs["Alpha"])
        clear = tree.nodes.new("ShaderNodeBsdfTransparent")
        opaque = tree.nodes.new("ShaderNodeMixShader")
        tree.links.new(texture.outputs["Alpha"], opaque.inputs[0])
        tree.links.new(clear.outputs[0], opaque.inputs[1])
        tree.links.new(unlit, opaque.inputs[2])
        unlit = opaque.outputs[0]
    shader.name, unlit.node.name = LIT, UNLIT
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    output.name = OUTPUT
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    return material


def has_switch(material):
    """Whether :func:`set_unlit` can switch this material."""
    tree = material and material.node_tree
    return bool(tree) and {LIT, UNLIT, OUTPUT} <= set(tree.nodes.keys())


def is_unlit(material):
    """Whether a material that has the switch shows its texture as it is."""
    return material.node_tree.nodes[OUTPUT].inputs["Surface"].links[0].from_node.name == UNLIT


def set_unlit(material, unlit):
    """Show the texture as it is, without light, or as a surface in the scene's light.

    Exporters know both: the one as a principled surface, the other as glTF's unlit material.
    """
    nodes = material.node_tree.nodes
    chosen = nodes[UNLIT if unlit else LIT]
    material.node_tree.links.new(chosen.outputs[0], nodes[OUTPUT].inputs["Surface"])


def _layer(name, image, detail):
    """Start of a sheet's material: (material, node tree, sockets of the colour and of the opacity from the front).

    Bilinear sampling of colours that are not multiplied by alpha (channel packed) is what the engine does, too.
    """
    image.alpha_mode = "CHANNEL_PACKED"
    material = bpy.data.materials.new(name)
    material.use_backface_culling = True
    material.use_transparency_overlap = False
    tree = _nodes(material)
    texture = _texture(tree, image)
    colour = texture.outputs["Color"]
    if detail is not None:
        image.colorspace_settings.name = "Non-Color"  # the group adds to sRGB values
        group = tree.nodes.new("ShaderNodeGroup")
        group.node_tree = detail
        tree.links.new(colour, group.inputs[0])
        colour = group.outputs[0]
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    front = tree.nodes.new("ShaderNodeMath")
    front.operation = "SUBTRACT"
    front.use_clamp = True
    tree.links.new(texture.outputs["Alpha"], front.inputs[0])
    tree.links.new(geometry.outputs["Backfacing"], front.inputs[1])
    return material, tree, colour, front.outputs[0]


def _show(tree, share, shader):
    """End of a material: as much of the shader as the socket `share` says, the rest transparent."""
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    mix = tree.nodes.new("ShaderNodeMixShader")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(share, mix.inputs[0])
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(shader, mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    _arrange(tree)


def _shining(tree, colour):
    """Socket of a shader that shines with the colour of a socket."""
    emission = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(colour, emission.inputs["Color"])
    # The same for camera rays and all others; Blender's glTF exporter knows unlit materials by this choice.
    path = tree.nodes.new("ShaderNodeLightPath")
    choice = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(path.outputs["Is Camera Ray"], choice.inputs[0])
    tree.links.new(emission.outputs[0], choice.inputs[1])
    tree.links.new(emission.outputs[0], choice.inputs[2])
    return choice.outputs[0]


def _bend(tree, normals, shader):
    """Give a shader the normals of an image in tangent space."""
    packed = _texture(tree, normals)
    unpacked = tree.nodes.new("ShaderNodeNormalMap")
    tree.links.new(packed.outputs["Color"], unpacked.inputs["Color"])
    tree.links.new(unpacked.outputs["Normal"], shader.inputs["Normal"])


def _matte(tree, specular=0.25):
    """A rough surface. specular: strength of its highlights."""
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.6
    shader.inputs["Specular IOR Level"].default_value = specular
    return shader


def _nodes(material):
    if bpy.app.version < (5, 0, 0):  # always on, and deprecated, from 5.0
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material.node_tree


def _texture(tree, image):
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.interpolation = "Linear"
    node.extension = "EXTEND"
    return node


def _arrange(tree):
    for column, node in enumerate(tree.nodes):
        node.location = (260.0 * column, -120.0 * (column % 2))
