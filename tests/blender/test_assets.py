"""Levels of detail, and assets with a picture."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.portrait import load_portrait  # noqa: E402
from inference.view.render import render_view, view_pixels  # noqa: E402

from .conftest import psnr  # noqa: E402

RESOLUTION = 96


def pixels_of(block):
    width, height = block.preview.image_size
    pixels = np.empty(width * height * 4, np.float32)
    block.preview.image_pixels_float.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def levels(portrait, **options):
    bpy.context.view_layer.objects.active = portrait
    assert bpy.ops.portrait_manifolds.extract_lods(resolution=RESOLUTION, **options) == {"FINISHED"}
    return sorted((child for child in portrait.children if child.type == "MESH"), key=lambda child: child.name)


def test_each_level_has_a_quarter_of_the_faces(portrait):
    made = levels(portrait, faces=8000)
    assert [child.name for child in made] == [f"{portrait.name}_LOD{level}" for level in range(3)]
    counts = [len(child.data.polygons) for child in made]
    assert counts == pytest.approx([8000, 2000, 500], rel=0.02)
    (collection,) = {collection for child in made for collection in child.users_collection}
    assert set(collection.objects) == set(made) and collection.name in bpy.context.scene.collection.children
    assert [child.hide_render for child in made] == [child.hide_get() for child in made] == [False, True, True]
    assert len({child.data.materials[0] for child in made}) == 1 and len(bpy.data.materials) == 1
    assert len([image for image in bpy.data.images if image.packed_file]) == 1
    assert bpy.context.view_layer.objects.active == made[0]
    boxes = np.array([[list(corner) for corner in child.bound_box] for child in made])
    assert np.abs(boxes - boxes[:1]).max() < 0.02


def test_levels_of_all_faces(portrait):
    made = levels(portrait, levels=2)
    counts = [len(child.data.polygons) for child in made]
    assert counts[0] > 10_000 and counts[1] == pytest.approx(counts[0] / 4, rel=0.02)


def test_an_asset_shows_the_portrait(portrait, portrait_file):
    bpy.ops.portrait_manifolds.extract_mesh(resolution=RESOLUTION)
    mesh = bpy.context.view_layer.objects.active
    assert bpy.ops.portrait_manifolds.mark_asset() == {"FINISHED"}
    assert mesh.asset_data is not None and portrait.asset_data is None
    assert "ball" in mesh.asset_data.description or "sphere" in mesh.asset_data.description
    assert {tag.name for tag in mesh.asset_data.tags} == {"portrait", "head"}
    shown = load_portrait(portrait_file)
    wanted = view_pixels(render_view(shown, shown.camera.resized(256, 256))) / 255
    assert psnr(pixels_of(mesh), wanted) > 40
    assert bpy.ops.portrait_manifolds.mark_asset() == {"FINISHED"}  # once more changes nothing
    assert len(mesh.asset_data.tags) == 2


def test_what_is_marked(portrait):
    """The portrait itself when it is active; of levels of detail all of them together."""
    made = levels(portrait, faces=2000, levels=2)
    bpy.context.view_layer.objects.active = made[0]
    bpy.ops.portrait_manifolds.mark_asset()
    (collection,) = made[0].users_collection
    assert collection.asset_data is not None and made[0].asset_data is None
    bpy.context.view_layer.objects.active = portrait
    bpy.ops.portrait_manifolds.mark_asset()
    assert portrait.asset_data is not None


def test_an_asset_keeps_its_picture_in_the_file(portrait, tmp_path):
    bpy.ops.portrait_manifolds.mark_asset()
    name, before = portrait.name, pixels_of(portrait)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "library.blend"))
    loaded = bpy.data.objects[name]
    assert loaded.asset_data is not None and psnr(pixels_of(loaded), before) > 40
