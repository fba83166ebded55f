"""Render scenes of :mod:`training.synthetic.cycles_scene` with Cycles: ``python -m training.synthetic.cycles_render ...``.

Runs under an interpreter that has bpy, Blender's Python module; :mod:`training.synthetic.cycles` starts it. Everything
stays in portrait space, where y points up.
"""

import argparse
import json
import math
import pathlib
import tempfile

import bpy
import numpy as np
from mathutils import Matrix, Vector

from inference.geometry.cameras import camera_from_json

SENSOR = 36.0  # millimetres
KEY_ANGLE = math.radians(12.0)  # diameter of the lamps as seen from the head
SKIN_DEPTH = 0.0035  # metres that red light travels below the skin
SKIN_RADII = (1.0, 0.36, 0.22)  # of red, green and blue, times that
ROUGHNESS = {"skin": 0.5, "eyes": 0.3, "teeth": 0.25, "tongue": 0.3, "glasses": 0.15, "hair": 0.5}  # others: 0.85
THROUGH_HAIR = 0.35  # share of the light that a layer of hair lets through
CARDS = ("hair", "brow", "lash")  # cards, which take the Studio's softened normals instead of their own


def set_camera(obj, camera):
    """Give a camera object the pose and the projection of a perspective Camera with square pixels, exactly."""
    data = obj.data
    data.type, data.sensor_fit, data.sensor_width = "PERSP", "HORIZONTAL", SENSOR
    data.clip_start, data.lens = 0.01, camera.fx / camera.width * SENSOR
    data.shift_x = (camera.width / 2 - camera.cx) / camera.width
    data.shift_y = (camera.cy - camera.height / 2) / camera.width
    obj.matrix_world = Matrix(camera.camera_to_world.tolist())


def add_image(name, pixels, space):
    """Blender image of (h, w, 3 or 4) uint8 or float32, row 0 on top. space: ``sRGB`` or ``Non-Color``."""
    height, width, channels = pixels.shape
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=pixels.dtype != np.uint8)
    image.colorspace_settings.name, image.alpha_mode = space, "CHANNEL_PACKED"
    values = np.ones((height, width, 4), np.float32)
    values[..., :channels] = pixels[::-1] / np.float32(255 if pixels.dtype == np.uint8 else 1)
    image.pixels.foreach_set(values.ravel())
    image.update()
    return image


def add_mesh(name, arrays, k, softened):
    """Object of part ``k`` with uv, smooth normals and the attribute ``cover``."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(arrays[f"positions_{k}"], [], arrays[f"triangles_{k}"])
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", arrays[f"uv_{k}"].astype(np.float32).ravel())
    mesh.attributes.new("cover", "FLOAT", "POINT").data.foreach_set("value", arrays[f"cover_{k}"])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    if softened:
        mesh.normals_split_custom_set_from_vertices(arrays[f"normals_{k}"])
    obj = bpy.data.objects.new(name, mesh)
    obj.cycles.shadow_terminator_geometry_offset = 0.1
    bpy.context.scene.collection.objects.link(obj)
    return obj


class Nodes:
    """Adds nodes to a tree and links them."""

    def __init__(self, tree):
        self.tree = tree

    def add(self, kind, settings=(), **inputs):
        """A node; settings: its properties; inputs: values or sockets by name, or ``at0`` for the first one."""
        node = self.tree.nodes.new(kind)
        for name, value in dict(settings).items():
            setattr(node, name, value)
        for name, value in inputs.items():
            socket = node.inputs[int(name[2:]) if name.startswith("at") else name.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node

    def math(self, operation, *values):
        inputs = {f"at{i}": value for i, value in enumerate(values)}
        return self.add("ShaderNodeMath", {"operation": operation}, **inputs).outputs[0]


def strands(nodes, part, noise):
    """Sockets of colour and opacity of a layer of strands: the shader's STRANDS branch."""
    uv = nodes.add("ShaderNodeTexCoord").outputs["UV"]

    def blue(scale, shift):
        mapped = nodes.add("ShaderNodeMapping", Vector=uv, Scale=(*scale, 1.0), Location=(shift, shift, 0.0))
        texel = nodes.add("ShaderNodeTexImage", {"image": noise}, Vector=mapped.outputs[0])
        return nodes.add("ShaderNodeSeparateColor", Color=texel.outputs["Color"]).outputs["Blue"]

    across, along = part["noise_scale"]
    grain, fine = blue((across, along), 0.0), blue((3.3 * across, 1.7 * along), 0.31)
    shade = nodes.math("MULTIPLY_ADD", grain, 0.75, nodes.math("MULTIPLY_ADD", fine, 0.35, 0.45))
    shade = nodes.math("POWER", shade, part["power"])
    colour = nodes.add("ShaderNodeVectorMath", {"operation": "SCALE"}, at0=part["gain"], Scale=shade).outputs[0]
    cover = nodes.add("ShaderNodeAttribute", {"attribute_name": "cover"}).outputs["Fac"]
    left = nodes.math("MULTIPLY_ADD", cover, part["opacity"], nodes.math("MULTIPLY", grain, -0.4))
    left = nodes.math("MULTIPLY_ADD", fine, -0.6, left)
    opacity = nodes.add("ShaderNodeMapRange", {"interpolation_type": "SMOOTHSTEP"}, at0=left, at1=0.0, at2=0.3)
    return colour, opacity.outputs[0]


def add_material(part, arrays, k, noise):
    """Material of part ``k``."""
    material = bpy.data.materials.new(part["name"])
    material.use_nodes = True
    material.node_tree.nodes.clear()
    nodes = Nodes(material.node_tree)
    if part["strands"]:
        colour, alpha = strands(nodes, part, noise)
    else:
        texel = nodes.add("ShaderNodeTexImage", {"image": add_image(part["name"], arrays[f"image_{k}"], "sRGB")})
        colour, alpha = texel.outputs["Color"], texel.outputs["Alpha"]
    kind = "hair" if part["kind"] in CARDS else part["kind"]
    surface = nodes.add("ShaderNodeBsdfPrincipled", Base_Color=colour, Roughness=ROUGHNESS.get(kind, 0.85))
    specular = {"skin": 0.3 + 4.0 * part["shine"], "eyes": 0.0, "glasses": 0.5, "hair": 0.06}.get(kind, 0.2)
    surface.inputs["Specular IOR Level"].default_value = specular
    shader = surface.outputs[0]
    if kind == "skin":
        surface.inputs["Subsurface Weight"].default_value = 1.0
        surface.inputs["Subsurface Radius"].default_value = SKIN_RADII
        surface.inputs["Subsurface Scale"].default_value = SKIN_DEPTH
    elif kind == "eyes":  # the cornea's reflection over the painted iris
        surface.inputs["Coat Weight"].default_value, surface.inputs["Coat IOR"].default_value = 0.7, 1.38
        surface.inputs["Coat Roughness"].default_value = 0.03
    elif kind == "hair":  # light comes through
        lighter = nodes.add("ShaderNodeGamma", Color=colour, Gamma=0.5).outputs[0]  # a strand takes little of the light
        lighter = nodes.add("ShaderNodeVectorMath", {"operation": "SCALE"}, at0=lighter, Scale=THROUGH_HAIR).outputs[0]
        through = nodes.add("ShaderNodeBsdfTranslucent", Color=lighter).outputs[0]
        shader = nodes.add("ShaderNodeAddShader", at0=shader, at1=through).outputs[0]
    if kind == "hair" or part["strands"]:  # the gaps show what is behind
        clear = nodes.add("ShaderNodeBsdfTransparent").outputs[0]
        shader = nodes.add("ShaderNodeMixShader", at0=alpha, at1=clear, at2=shader).outputs[0]
    nodes.add("ShaderNodeOutputMaterial", Surface=shader)
    return material


def add_light(lights, environment):
    """Lamps far away and the environment map round the head."""
    for i, light in enumerate(lights):
        lamp = bpy.data.lights.new(f"Light {i}", "SUN")
        strength = max(light["colour"])
        lamp.angle, lamp.energy = KEY_ANGLE, math.pi * strength  # a white surface that faces it becomes ``colour``
        lamp.color = [value / strength for value in light["colour"]]
        obj = bpy.data.objects.new(lamp.name, lamp)
        obj.rotation_mode = "QUATERNION"
        obj.rotation_quaternion = Vector(light["direction"]).to_track_quat("Z", "Y")
        bpy.context.scene.collection.objects.link(obj)
    world = bpy.context.scene.world = bpy.data.worlds.new("World")
    world.use_nodes = True
    world.node_tree.nodes.clear()
    nodes = Nodes(world.node_tree)
    direction = nodes.add("ShaderNodeTexCoord").outputs["Generated"]
    upright = nodes.add("ShaderNodeMapping", Vector=direction, Rotation=(math.pi / 2, 0.0, 0.0))  # y up to z up
    image = add_image("environment", environment, "Non-Color")
    texel = nodes.add("ShaderNodeTexEnvironment", {"image": image}, Vector=upright.outputs[0])
    background = nodes.add("ShaderNodeBackground", Color=texel.outputs[0])
    nodes.add("ShaderNodeOutputWorld", Surface=background.outputs[0])


def use_cycles(samples, threads):
    """Render settings. threads: 0 for all."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.film_transparent, scene.render.use_persistent_data = True, True
    if threads:
        scene.render.threads_mode, scene.render.threads = "FIXED", threads
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, False
    cycles.use_denoising, cycles.denoiser, cycles.denoising_input_passes = True, "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transparent_max_bounces = 4, 3, 2, 32
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.sample_clamp_direct = 4.0, 12.0
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"


def build(arrays, samples, threads):
    """Fill an empty Blender with a scene's arrays. Returns its cameras."""
    description = json.loads(str(arrays["description"]))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    use_cycles(samples, threads)
    noise = add_image("noise", arrays["noise"], "Non-Color")
    for k, part in enumerate(description["parts"]):
        obj = add_mesh(part["name"], arrays, k, part["kind"] in CARDS)
        obj.data.materials.append(add_material(part, arrays, k, noise))
    add_light(description["lights"], arrays["environment"])
    return [camera_from_json(camera) for camera in description["cameras"]]


def render(camera):
    """A picture of the scene, (h, w, 4) float32 linear, premultiplied, row 0 on top."""
    scene = bpy.context.scene
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
    set_camera(scene.camera, camera)
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(pathlib.Path(folder) / "picture.exr")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(scene.render.filepath)
        values = np.empty(camera.height * camera.width * 4, np.float32)
        image.pixels.foreach_get(values)
        bpy.data.images.remove(image)
    return values.reshape(camera.height, camera.width, 4)[::-1]


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene", type=pathlib.Path, help=".npz file of the scene")
    parser.add_argument("out", type=pathlib.Path, help=".npy file for the pictures, (cameras, h, w, 4) float32")
    parser.add_argument("--samples", type=int, default=16, help="paths per pixel")
    parser.add_argument("--threads", type=int, default=0, help="of the processor, 0 = all")
    args = parser.parse_args()
    cameras = build(dict(np.load(args.scene, allow_pickle=False)), args.samples, args.threads)
    np.save(args.out, np.stack([render(camera) for camera in cameras]))


if __name__ == "__main__":
    main()
