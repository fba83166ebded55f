"""Scenes for pictures: cameras, lights, render settings, and the engine's own view to compare with."""

import math

import bpy
import numpy as np

from . import exr
from .conftest import part


def add_camera(location, rotation, lens=50.0, size=(200, 160)):
    """The scene's camera and render size."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    data.lens = lens
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.camera.location, scene.camera.rotation_euler = location, rotation
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y = size
    bpy.context.view_layer.update()
    return scene.camera


def orbit_camera(yaw=0.0, pitch=0.0, distance=0.8, **options):
    """A camera that looks at the world's origin from the front, turned by degrees to its right and up."""
    yaw, pitch = math.radians(yaw), math.radians(pitch)
    flat = distance * math.cos(pitch)
    location = (flat * math.sin(yaw), -flat * math.cos(yaw), distance * math.sin(pitch))
    return add_camera(location, (math.radians(90) - pitch, 0.0, yaw), **options)


def side_camera():
    """Four fifths of a metre away, 25 degrees to the side, a little above."""
    return orbit_camera(25.0, 8.0)


def set_world(strength, color=(1.0, 1.0, 1.0)):
    """The same light from all sides."""
    world = bpy.context.scene.world = bpy.data.worlds.new("World")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    node = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    node.inputs["Color"].default_value, node.inputs["Strength"].default_value = (*color, 1.0), strength


def add_sun(rotation, energy=3.0):
    """rotation: degrees; (0, 0, 0) shines straight down."""
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy = energy
    sun = bpy.data.objects.new("Sun", data)
    sun.rotation_euler = [math.radians(angle) for angle in rotation]
    bpy.context.scene.collection.objects.link(sun)
    return sun


def use_cycles(samples=64):
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.film_transparent = True


def use_eevee(samples=1):
    scene = bpy.context.scene
    names = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items.keys()
    scene.render.engine = next((name for name in names if "EEVEE" in name), "BLENDER_EEVEE_NEXT")
    scene.eevee.taa_render_samples = samples
    scene.render.filter_size = 0.0
    scene.render.film_transparent = True


def use_portrait_engine(samples="1", transparent=True):
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.portrait_manifolds.samples = samples
    scene.render.film_transparent = transparent


def render(path):
    """Render the scene to a PNG. Returns (H, W, 4) float32, straight sRGB."""
    from PIL import Image

    scene = bpy.context.scene
    scene.render.dither_intensity = 0
    scene.render.filepath = str(path)
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    bpy.ops.render.render(write_still=True)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), np.float32) / 255.0


def render_passes(path):
    """Render to a multilayer EXR and read all of its channels."""
    settings = bpy.context.scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"
    if hasattr(settings, "use_exr_interleave"):
        settings.use_exr_interleave = True  # one part, as older versions write
    settings.file_format, settings.exr_codec, settings.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return exr.read(path)


def engine_view(portrait):
    """The engine's view through the scene's camera, (color, alpha, depth)."""
    return part("operators.portrait.render_view").view_through_camera(bpy.context, portrait)


def smooth_view(portrait, factor=4):
    """The engine's view with factor x factor samples averaged in linear light; premultiplied sRGB (H, W, 4)."""
    render_settings = bpy.context.scene.render
    percentage = render_settings.resolution_percentage
    render_settings.resolution_percentage = percentage * factor
    view = engine_view(portrait)
    render_settings.resolution_percentage = percentage
    height, width = view.alpha.shape[0] // factor, view.alpha.shape[1] // factor
    light = premultiplied(to_linear(view.color), view.alpha)
    light = light.reshape(height, factor, width, factor, 4).mean(axis=(1, 3))
    return premultiplied(to_srgb(light[..., :3] / np.maximum(light[..., 3:], 1e-6)), light[..., 3])


def premultiplied(color, alpha=None):
    """(..., 3) colour and (...) alpha, or (..., 4) straight, to (..., 4) premultiplied."""
    color = np.asarray(color)
    alpha = color[..., 3] if alpha is None else np.asarray(alpha)
    return np.concatenate([color[..., :3] * alpha[..., None], alpha[..., None]], -1)


def to_linear(color):
    color = np.asarray(color, np.float64)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def to_srgb(color):
    color = np.asarray(color, np.float64)
    return np.where(color <= 0.0031308, color * 12.92, 1.055 * np.maximum(color, 1e-9) ** (1 / 2.4) - 0.055)


def to_portrait_space(camera, matrix_world):
    """A camera of Blender's world as a portrait sees it that is scaled evenly, and the portrait's scale."""
    placed = part("operators.engine.placement").place(camera, matrix_world)
    assert not placed.mirrored and not placed.shifts().any()
    return placed.camera, placed.scale
