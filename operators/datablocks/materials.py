"""Materials of layers and meshes."""

import bpy


def layer_material(name, image):
    """The look of one sheet: it shines with its own colours, and its back is invisible.

    Under the view transform Standard a render shows the texture's sRGB values, as the engine's views do.
    """
    material, tree, texture, front = _layer(name, image)
    emission = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(texture.outputs["Color"], emission.inputs["Color"])
    # The same for camera rays and all others; Blender's glTF exporter knows unlit materials by this choice.
    path = tree.nodes.new("ShaderNodeLightPath")
    choice = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(path.outputs["Is Camera Ray"], choice.inputs[0])
    tree.links.new(emission.outputs[0], choice.inputs[1])
    tree.links.new(emission.outputs[0], choice.inputs[2])
    _show(tree, front, choice.outputs[0])
    return material


def lit_layer_material(name, image, normals=None):
    """One sheet as a matte surface in the scene's light; its back is invisible.

    normals: image of the portrait's surface normals in object space (0.5 + 0.5 n, not a colour), or None for those of
    the geometry. A sheet's own normals would show its curvature instead of the face's.
    """
    material, tree, texture, front = _layer(name, image)
    shader = _matte(tree, 0.1)  # the photo brings its own highlights along
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    if normals is not None:
        packed = _texture(tree, normals)
        unpacked = tree.nodes.new("ShaderNodeNormalMap")
        unpacked.space = "OBJECT"
        tree.links.new(packed.outputs["Color"], unpacked.inputs["Color"])
        tree.links.new(unpacked.outputs["Normal"], shader.inputs["Normal"])
    tree.links.new(front, shader.inputs["Alpha"])
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    return material


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


def surface_material(name, image):
    """A lit, matte material with the texture as base colour."""
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    texture = _texture(tree, image)
    shader = _matte(tree)
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    _arrange(tree)
    return material


def _layer(name, image):
    """Start of a sheet's material: (material, node tree, texture node, socket of the opacity seen from the front).

    Bilinear sampling of colours that are not multiplied by alpha (channel packed) is what the engine does, too.
    """
    image.alpha_mode = "CHANNEL_PACKED"
    material = bpy.data.materials.new(name)
    material.use_backface_culling = True
    material.use_transparency_overlap = False
    tree = _nodes(material)
    texture = _texture(tree, image)
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    front = tree.nodes.new("ShaderNodeMath")
    front.operation = "SUBTRACT"
    front.use_clamp = True
    tree.links.new(texture.outputs["Alpha"], front.inputs[0])
    tree.links.new(geometry.outputs["Backfacing"], front.inputs[1])
    return material, tree, texture, front.outputs[0]


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
