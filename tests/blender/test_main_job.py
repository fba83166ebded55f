"""The whole path with the model that ships, on a real portrait."""

import json
import pathlib
import re

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, psnr  # noqa: E402
from .test_views import image_pixels  # noqa: E402


@pytest.fixture
def astronaut(tmp_path):
    """NASA's portrait of Eileen Collins (public domain), as scikit-image carries it."""
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


def test_photo_to_views_mesh_and_blend(scene, astronaut, tmp_path):
    operators = bpy.ops.portrait_manifolds
    assert operators.import_portrait(filepath=str(astronaut)) == {"FINISHED"}
    obj = bpy.context.view_layer.objects.active
    settings = obj.portrait_manifolds
    assert len(settings.faces) == 1 and abs(settings.pose[0]) < 45

    assert operators.invert() == {"FINISHED"}
    report = json.loads(settings.report)
    assert report["model"]["sha256"] == settings.model_sha256 and len(settings.model_sha256) == 64
    assert pathlib.Path(settings.portrait_path).is_file()

    assert operators.render_view() == {"FINISHED"}
    view = image_pixels(bpy.data.images["Portrait View"])
    crop = part("operators.state.loaded").load(obj).crop / 255.0
    head = np.zeros((256, 256), bool)
    head[90:190, 85:170] = True
    solid = head & (view[..., 3] > 0.9)
    assert solid.sum() > 0.9 * head.sum(), "the face is solid"
    score = psnr(view[..., :3][solid], crop[solid])
    print(f"view through the photo's camera against the photo, face: {score:.1f} dB")
    assert score > 20.0

    assert operators.extract_mesh(resolution=96, faces=20000) == {"FINISHED"}
    mesh = bpy.context.view_layer.objects.active
    assert mesh.parent == obj and 1000 < len(mesh.data.polygons) <= 20500

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "astronaut.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "astronaut.blend"))
    again = bpy.data.objects["astronaut"]
    assert re.fullmatch(r"//astronaut_portraits/astronaut(_\d+)?\.manifolds", again.portrait_manifolds.portrait_path)
    assert part("operators.state.loaded").load(again).model_sha256 == report["model"]["sha256"]


def test_no_face_and_a_crop_by_hand(scene, astronaut, tmp_path):
    """A picture without a face is imported, says so, and its inversion asks for a crop."""
    from PIL import Image

    path = tmp_path / "wall.png"
    ramp = np.linspace(60, 200, 400)[:, None, None] * np.ones((1, 500, 3))
    Image.fromarray(ramp.astype(np.uint8)).save(path)
    assert bpy.ops.portrait_manifolds.import_portrait(filepath=str(path)) == {"FINISHED"}
    settings = bpy.context.view_layer.objects.active.portrait_manifolds
    assert settings.use_crop and not settings.faces
    settings.use_crop = False
    with pytest.raises(RuntimeError, match="no face was found"):
        bpy.ops.portrait_manifolds.invert()
    assert not settings.portrait_path
