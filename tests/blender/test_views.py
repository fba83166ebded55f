"""Views through Blender's cameras: the operator, the render engine, and Cycles on the layers agree with the engine."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.portrait import load_portrait  # noqa: E402
from inference.view import render_view  # noqa: E402

from .conftest import part, place, psnr  # noqa: E402

VIEW = "Portrait View"


def image_pixels(image):
    return part("operators.images").get_pixels(image)


def premultiplied(color, alpha):
    return np.concatenate([np.asarray(color) * np.asarray(alpha)[..., None], np.asarray(alpha)[..., None]], -1)


def photo_camera(portrait):
    bpy.ops.portrait_manifolds.add_camera()
    bpy.context.view_layer.update()
    return bpy.context.scene.camera


def add_camera(location, rotation, lens=50.0, size=(200, 160)):
    scene = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    data.lens = lens
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.camera.location, scene.camera.rotation_euler = location, rotation
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y = size
    bpy.context.view_layer.update()
    return scene.camera


def side_camera():
    """Four fifths of a metre away, 25 degrees to the side, a little above."""
    angle = math.radians(25)
    location = (0.8 * math.sin(angle), -0.8 * math.cos(angle), 0.12)
    return add_camera(location, (math.radians(82), 0.0, angle))


def render(path):
    bpy.context.scene.render.dither_intensity = 0
    bpy.context.scene.render.filepath = str(path)
    bpy.context.scene.render.image_settings.file_format = "PNG"
    bpy.context.scene.render.image_settings.color_mode = "RGBA"
    bpy.ops.render.render(write_still=True)
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), np.float32) / 255.0


def engine_view(portrait):
    """The engine's view through the scene's camera, (color, alpha, depth)."""
    return part("operators.render_view").view_through_camera(bpy.context, portrait)


@pytest.mark.parametrize("moved", [False, True])
def test_photo_camera_gives_the_stored_view(portrait, portrait_file, moved):
    if moved:
        portrait.location, portrait.rotation_euler, portrait.scale = (1, -2, 0.5), (0.2, 0.4, -1.1), (3, 3, 3)
    photo_camera(portrait)
    assert bpy.ops.portrait_manifolds.render_view() == {"FINISHED"}
    stored = load_portrait(portrait_file)
    wanted = render_view(stored, stored.camera)
    pixels = image_pixels(bpy.data.images[VIEW])
    assert pixels.shape == (256, 256, 4)
    ours = premultiplied(pixels[..., :3], pixels[..., 3])
    # Blender's single precision moves a few pixels across the silhouette; all others are rounded to bytes only
    error = np.abs(ours - premultiplied(wanted.color, wanted.alpha))
    assert psnr(ours, premultiplied(wanted.color, wanted.alpha)) >= 35
    assert np.quantile(error, 0.999) <= 3 / 255


def test_whole_photo_camera_overlays_the_photo(scene, tmp_path):
    """What it sees, cut out by the crop's transform (turned, scaled, off centre), is what the crop's camera sees."""
    import dataclasses

    from inference.alignment import warp_to_crop
    from inference.portrait import save_portrait
    from tests.portraits import analytic_portrait

    scale, angle = 1.7, math.radians(11)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    affine = np.column_stack([linear, (170.0, 40.0)])
    stored = dataclasses.replace(analytic_portrait(), crop_to_photo=affine, photo_size=(680, 620))
    save_portrait(stored, tmp_path / "turned.manifolds")
    portrait = place(tmp_path / "turned.manifolds")
    portrait.location, portrait.rotation_euler = (0.3, -0.2, 1.6), (0.0, 0.1, 0.4)
    assert bpy.ops.portrait_manifolds.add_camera(whole_photo=True, background=False) == {"FINISHED"}
    bpy.context.view_layer.update()
    view = engine_view(portrait)
    assert view.alpha.shape == (620, 680)
    got = warp_to_crop(premultiplied(view.color, view.alpha).astype(np.float32), affine)
    wanted = render_view(stored, stored.camera)
    inside = (got[..., 3] > 0.99) & (wanted.alpha > 0.99)
    assert inside.mean() > 0.2 and np.mean(np.abs(got[..., 3] - wanted.alpha) > 0.5) < 2e-3
    assert psnr(got[..., :3][inside], wanted.color[inside]) >= 33


def test_view_file_holds_srgb_bytes_with_straight_alpha(portrait, portrait_file, tmp_path):
    from PIL import Image

    photo_camera(portrait)
    path = tmp_path / "view.png"
    assert bpy.ops.portrait_manifolds.render_view(filepath=str(path)) == {"FINISHED"}
    with Image.open(path) as image:
        assert image.mode == "RGBA" and image.size == (256, 256)
        pixels = np.asarray(image, np.float32) / 255
    view = engine_view(portrait)
    assert np.abs(pixels[..., 3] - view.alpha).max() <= 0.5 / 255 + 1e-6
    assert np.abs(pixels[..., :3] - view.color)[view.alpha > 0].max() <= 0.5 / 255 + 1e-6
    assert [entry.name for entry in tmp_path.iterdir()] == ["view.png"]


def test_border_and_percentage(portrait):
    side_camera()
    scene = bpy.context.scene
    scene.render.resolution_percentage = 150
    whole = engine_view(portrait)
    assert whole.alpha.shape == (240, 300)
    render_settings = scene.render
    render_settings.use_border = True
    render_settings.border_min_x, render_settings.border_max_x = 0.3, 0.7
    render_settings.border_min_y, render_settings.border_max_y = 0.25, 0.75
    part_view = engine_view(portrait)
    left, top, right, bottom = part("operators.cameras").render_border(scene)
    assert (left, top, right, bottom) == (90, 60, 210, 180)
    cut = whole.alpha[top:bottom, left:right]
    assert part_view.alpha.shape == cut.shape
    assert np.mean(np.abs(part_view.alpha - cut) > 0.02) < 1e-2  # single pixels of the silhouette


@pytest.mark.parametrize("border", [False, True])
def test_render_engine_gives_the_engines_view(portrait, tmp_path, border):
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.render.film_transparent = True
    scene.portrait_manifolds.samples = "1"
    side_camera()
    if border:
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.border_min_x, scene.render.border_max_x = 0.31, 0.77
        scene.render.border_min_y, scene.render.border_max_y = 0.2, 0.9
    got = render(tmp_path / "f12.png")
    view = engine_view(portrait)
    assert got.shape[:2] == view.alpha.shape
    ours = premultiplied(got[..., :3], got[..., 3])
    assert psnr(ours, premultiplied(view.color, view.alpha)) >= 40
    assert view.alpha.mean() > 0.1


def test_render_engine_smooths_edges(portrait, tmp_path):
    """Averaged samples come close to a view of twice the size, averaged."""
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.render.film_transparent = True
    side_camera()
    smooth = render(tmp_path / "smooth.png")[..., 3]
    scene.render.resolution_percentage = 200
    fine = engine_view(portrait).alpha.reshape(160, 2, 200, 2).mean(axis=(1, 3))
    assert psnr(smooth, fine) >= 35
    assert np.mean((smooth > 0.1) & (smooth < 0.9)) > 0.003


def test_render_engine_border_inside_the_full_image(portrait, tmp_path):
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.render.film_transparent = True
    side_camera()
    whole = render(tmp_path / "whole.png")
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.3, 0.6
    scene.render.border_min_y, scene.render.border_max_y = 0.3, 0.8
    left, top, right, bottom = part("operators.cameras").render_border(scene)
    cut = render(tmp_path / "cut.png")
    assert cut.shape == whole.shape
    assert np.mean(np.abs(cut - whole)[top:bottom, left:right] > 0.02) < 1e-2
    cut[top:bottom, left:right] = 0
    assert cut.max() == 0


def test_several_portraits_in_depth_order(portrait, portrait_file):
    """A second head behind the first one shows only beside it; depth is in Blender's units."""
    second = place(portrait_file, "Second")
    second.location, second.scale = (0.1, 1.0, 0.0), (2.0, 2.0, 2.0)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    engine = part("operators.render_engine")
    camera = part("operators.cameras").world_camera(bpy.context.scene.camera, depsgraph, bpy.context.scene)
    load_file = part("operators.portraits").load_file
    found = [(load_file(path), matrix) for path, matrix in engine.visible_portraits(depsgraph)]
    assert len(found) == 2
    both, depth = engine.render_portraits(found, camera)
    swapped, _ = engine.render_portraits(found[::-1], camera)
    assert np.abs(both - swapped).max() < 1e-5
    near, near_depth = engine.render_portraits(found[:1], camera)
    far, far_depth = engine.render_portraits(found[1:], camera)
    in_front = near[..., 3] > 0.999
    assert np.abs(both - near)[in_front].max() < 1e-2
    behind = (near[..., 3] == 0) & (far[..., 3] > 0)
    assert np.abs(both - far)[behind].max() < 1e-5
    assert np.allclose(depth, np.minimum(near_depth, far_depth))
    assert np.median(near_depth[near_depth < 1e9]) == pytest.approx(1.1, abs=0.05)
    assert np.median(far_depth[far_depth < 1e9]) == pytest.approx(2.0, abs=0.1)


def test_render_engine_passes_and_backdrop(portrait, tmp_path):
    """Depth is a pass; without a transparent film the world's colour is behind the subject."""
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.view_layers[0].use_pass_z = True
    world = scene.world = bpy.data.worlds.new("World")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = False
    world.color = (0.5, 0.0, 0.25)
    if world.node_tree:
        node = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
        node.inputs["Color"].default_value = (0.5, 0.0, 0.25, 1)
    side_camera()
    got = render(tmp_path / "opaque.png")
    assert got[..., 3].min() == 1.0
    corner = np.round(got[0, 0, :3] * 255)
    assert np.abs(corner - (188, 0, 137)).max() <= 1


def test_depth_pass(portrait, tmp_path):
    """The Depth pass exists and holds metres along the view axis."""
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    scene.portrait_manifolds.samples = "1"
    scene.view_layers[0].use_pass_z = True
    side_camera()
    kept = {}
    engine = part("operators.render_engine").PORTRAIT_MANIFOLDS_engine
    write = engine._write

    def keep(self, depsgraph, y, combined, depth):
        write(self, depsgraph, y, combined, depth)
        result = self.begin_result(0, y, *depth.shape[::-1], layer=depsgraph.view_layer.name)
        kept["passes"] = {render_pass.name for layer in result.layers for render_pass in layer.passes}
        self.end_result(result, cancel=True)
        kept["depth"] = depth

    engine._write = keep
    try:
        bpy.ops.render.render()
    finally:
        engine._write = write
    assert kept["passes"] == {"Combined", "Depth"}
    depth = kept["depth"]
    view = engine_view(portrait)
    seen = np.isfinite(view.depth)
    assert np.allclose(depth[seen], view.depth[seen], atol=1e-4)
    assert (depth[~seen] > 1e9).all()


def test_render_engine_failures_are_reports(portrait):
    scene = bpy.context.scene
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    portrait.portrait_manifolds.portrait_path = "/nowhere/at/all.manifolds"
    side_camera()
    with pytest.raises(RuntimeError, match="missing"):
        bpy.ops.render.render()


@pytest.mark.parametrize("count, bar", [(24, 35.0), (12, 28.0)])
def test_layers_in_cycles_equal_the_engines_view(portrait, tmp_path, count, bar):
    """The layered geometry rendered by Cycles through the same camera."""
    scene = bpy.context.scene
    portrait.rotation_euler, portrait.location = (0.05, 0.1, 0.2), (0.02, 0.05, -0.01)
    assert bpy.ops.portrait_manifolds.add_layers(count=str(count), resolution=80) == {"FINISHED"}
    layers = [obj for obj in portrait.children if obj.type == "MESH"]
    assert len(layers) == {24: 16, 12: 9}[count]  # the outer sheets of this subject are empty
    side_camera()
    use_cycles(scene)
    got = render(tmp_path / "cycles.png")
    view = engine_view(portrait)
    ours = premultiplied(got[..., :3], got[..., 3])
    score = psnr(ours, premultiplied(view.color, view.alpha))
    scene.render.resolution_percentage = 400  # Cycles averages over the pixel's area
    fine = engine_view(portrait)
    fine = premultiplied(fine.color, fine.alpha).reshape(160, 4, 200, 4, 4).mean(axis=(1, 3))
    smooth = psnr(ours, fine)
    print(f"{count} layers in Cycles against the engine: {score:.2f} dB, {smooth:.2f} dB with averaged pixels")
    assert score >= bar and smooth >= bar


def use_cycles(scene, samples=64):
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.transparent_max_bounces = max(scene.cycles.transparent_max_bounces, 64)
    scene.render.film_transparent = True


@pytest.mark.slow
@pytest.mark.parametrize("count, bar", [(24, 27.0), (12, 25.0)])
def test_layers_in_eevee(portrait, tmp_path, count, bar):
    """EEVEE sorts the sheets by their objects' origins. Software OpenGL takes a minute or more for the first one."""
    scene = bpy.context.scene
    bpy.ops.portrait_manifolds.add_layers(count=str(count), resolution=80)
    side_camera()
    names = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items.keys()
    scene.render.engine = next((name for name in names if "EEVEE" in name), "BLENDER_EEVEE_NEXT")
    scene.eevee.taa_render_samples = 8
    scene.render.filter_size = 0.0
    scene.render.film_transparent = True
    got = render(tmp_path / "eevee.png")
    view = engine_view(portrait)
    score = psnr(premultiplied(got[..., :3], got[..., 3]), premultiplied(view.color, view.alpha))
    print(f"{count} layers in EEVEE against the engine: {score:.2f} dB")
    assert score >= bar
