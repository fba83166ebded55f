"""Views through Blender's cameras: what the operator and the added cameras show is what the engine shows."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.portrait import load_portrait  # noqa: E402
from inference.view.render import render_view  # noqa: E402

from .conftest import part, place, psnr  # noqa: E402
from .scenes import engine_view, premultiplied, side_camera  # noqa: E402

VIEW = "Portrait View"


def image_pixels(image):
    return part("operators.datablocks.images").get_pixels(image)


def photo_camera(portrait):
    bpy.ops.portrait_manifolds.match_photo(whole_photo=False)
    bpy.context.view_layer.update()
    return bpy.context.scene.camera


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

    from inference.alignment.align import warp_to_crop
    from inference.portrait import save_portrait
    from tests.portraits import analytic_portrait

    scale, angle = 1.7, math.radians(11)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    affine = np.column_stack([linear, (170.0, 40.0)])
    stored = dataclasses.replace(analytic_portrait(), crop_to_photo=affine, photo_size=(680, 620))
    save_portrait(stored, tmp_path / "turned.manifolds")
    portrait = place(tmp_path / "turned.manifolds")
    portrait.location, portrait.rotation_euler = (0.3, -0.2, 1.6), (0.0, 0.1, 0.4)
    assert bpy.ops.portrait_manifolds.match_photo(background=False) == {"FINISHED"}
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
    left, top, right, bottom = part("operators.engine.cameras").render_border(scene)
    assert (left, top, right, bottom) == (90, 60, 210, 180)
    cut = whole.alpha[top:bottom, left:right]
    assert part_view.alpha.shape == cut.shape
    assert np.mean(np.abs(part_view.alpha - cut) > 0.02) < 1e-2  # single pixels of the silhouette
