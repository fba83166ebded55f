"""Materials of layers and meshes."""

import bpy


def layer_material(name, image):
    """The look of one sheet: it shines with its own colours, and its back is invisible.

    Under the view transform Standard a render shows the texture's sRGB values, as the engine's views do. Bilinear
    sampling of colours that are not multiplied by alpha (channel packed) is what the engine does, too.
    """
    image.alpha_mode = "CHANNEL_PACKED"
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    texture = _texture(tree, image)
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    front = tree.nodes.new("ShaderNodeMath")
    front.operation = "SUBTRACT"
    front.use_clamp = True
    emission = tree.nodes.new("ShaderNodeEmission")
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    mix = tree.nodes.new("ShaderNodeMixShader")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(texture.outputs["Color"], emission.inputs["Color"])
    tree.links.new(texture.outputs["Alpha"], front.inputs[0])
    tree.links.new(geometry.outputs["Backfacing"], front.inputs[1])
    tree.links.new(front.outputs[0], mix.inputs[0])
    tree.links.new(clear.outputs[0], mix.inputs[1])
    tree.links.new(emission.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    material.use_backface_culling = True
    material.surface_render_method = "BLENDED"  # EEVEE sorts the sheets by their objects' origins
    material.use_transparency_overlap = False
    _arrange(tree)
    return material


def surface_material(name, image):
    """A lit, matte material with the texture as base colour."""
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    texture = _texture(tree, image)
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.6
    shader.inputs["Specular IOR Level"].default_value = 0.25
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    return material


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
