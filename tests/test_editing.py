"""Edits: what was painted on a portrait's photo, or on its crop, is inverted with the camera the photo had."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference import editing, pipeline
from inference.errors import PhotoUnusable
from inference.geometry.cameras import orbit_camera
from inference.photo.warp import square_to_photo, warp_to_crop
from tests.fakes import fake_model, fake_stages
from tests.portraits import analytic_portrait

LANDMARKS = np.random.default_rng(3).uniform(60, 200, (468, 2)).astype(np.float32)


@pytest.fixture
def portrait():
    """Of a photo of 800 x 700 pixels whose crop reaches over the left border, rolled by 10 degrees."""
    to_photo = square_to_photo((250.0, 300.0), 640.0, np.deg2rad(10.0))
    return dataclasses.replace(
        analytic_portrait(texture=64),
        camera=orbit_camera(12.0, -4.0),
        crop_to_photo=to_photo,
        photo_size=(800, 700),
        photo_name="before.jpg",
        pose={"yaw": 12.0, "pitch": -4.0, "roll": 10.0},
        settings={"face": 2},
        landmarks=LANDMARKS,
    )


@pytest.fixture
def photo():
    noise = np.random.default_rng(5).uniform(0, 255, (70, 80, 3)).astype(np.uint8)
    return cv2.resize(noise, (800, 700), interpolation=cv2.INTER_CUBIC)


def test_where_the_crop_lies_in_an_edit(portrait):
    assert np.array_equal(editing.crop_in((800, 700), portrait), portrait.crop_to_photo)
    np.testing.assert_allclose(editing.crop_in((512, 512), portrait), [[2, 0, 0], [0, 2, 0]], atol=1e-12)
    with pytest.raises(PhotoUnusable, match="640 x 480.*800 x 700"):
        editing.crop_in((640, 480), portrait)


def test_an_edit_is_aligned_as_the_photo_was(portrait, photo):
    found = editing.align_edit(photo, portrait.crop_to_photo, portrait, fake_model())
    assert found.camera is portrait.camera and found.landmarks is LANDMARKS
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((12.0, -4.0, 10.0))
    assert np.array_equal(found.crop, warp_to_crop(photo, portrait.crop_to_photo))
    assert 0.02 < found.beyond.mean() < 0.3 and found.detail.shape == (640, 640, 3)


def test_the_crop_and_the_photo_give_the_same_alignment(portrait, photo):
    whole = editing.align_edit(photo, portrait.crop_to_photo, portrait, fake_model())
    square = editing.align_edit(whole.detail, editing.whole_square(640), portrait, fake_model())
    assert np.array_equal(square.detail, whole.detail) and np.array_equal(square.beyond, whole.beyond)
    assert square.roll == whole.roll and np.array_equal(square.crop_to_photo, whole.crop_to_photo)
    assert np.abs(square.crop.astype(float) - whole.crop)[~whole.beyond].mean() < 2.0  # of noise


def test_a_portrait_without_landmarks_has_those_of_its_crop(portrait, photo, monkeypatch):
    asked = []

    def landmarks_within(crop, to_crop, roll, model):
        asked.append((crop, to_crop, roll))
        return LANDMARKS + 1

    monkeypatch.setattr(editing, "landmarks_within", landmarks_within)
    older = dataclasses.replace(portrait, landmarks=None)
    found = editing.align_edit(photo, portrait.crop_to_photo, older, fake_model())
    assert np.array_equal(found.landmarks, LANDMARKS + 1)
    ((crop, to_crop, roll),) = asked
    assert crop is portrait.crop and roll == 0.0
    np.testing.assert_allclose(to_crop, [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    monkeypatch.setattr(editing, "landmarks_within", lambda *_: None)
    found = editing.align_edit(photo, portrait.crop_to_photo, older, fake_model())
    np.testing.assert_allclose(found.landmarks, np.broadcast_to(found.landmarks[0], (468, 2)))  # the fake mean head


@pytest.mark.parametrize("side", [None, 512, 700])
def test_the_portrait_of_an_edit_is_one_of_the_same_photo(portrait, photo, monkeypatch, side):
    fake_stages(monkeypatch, faces=0)
    picture = photo if side is None else photo[:side, :side]
    found = pipeline.invert_photo(picture, fake_model(), like=portrait)
    made, report = found.portrait, found.report
    assert made.camera is portrait.camera and np.array_equal(made.crop_to_photo, portrait.crop_to_photo)
    assert made.photo_size == (800, 700) and made.photo_name == "before.jpg" and made.pose == portrait.pose
    assert made.settings == {"face": 2, "edited": True} and np.array_equal(made.landmarks, LANDMARKS)
    assert np.array_equal(made.crop, found.alignment.crop) and report["matte"] == "networks"


def test_alpha_cuts_an_edited_crop_out(portrait, photo, monkeypatch):
    fake_stages(monkeypatch)
    mattes = []
    invert = __import__("inference.inversion.invert", fromlist=["invert_crop"]).invert_crop

    def invert_crop(alignment, model, progress=None, matte=None, doubted=None, fine_matte=None):
        mattes.append(matte)
        return invert(alignment, model, progress, matte, doubted)

    monkeypatch.setattr("inference.inversion.invert.invert_crop", invert_crop)
    alpha = np.zeros((512, 512, 1), np.uint8)
    alpha[64:, 64:448] = 255
    found = pipeline.invert_photo(np.concatenate([photo[:512, :512], alpha], -1), fake_model(), like=portrait)
    assert found.report["matte"] == "alpha channel"
    np.testing.assert_allclose(mattes[0], alpha[::2, ::2, 0] / 255.0, atol=1e-6)


def test_paint_appears_in_3d_and_nowhere_else(tmp_path):
    """A spot on the cheek stays on it when the head is turned; without paint the portrait stays as it was."""
    from skimage import data

    from inference.geometry.viewpoints import orbit_like
    from inference.networks.model import load_model
    from inference.portrait import load_portrait, save_portrait
    from inference.view.render import render_view

    model = load_model()
    save_portrait(pipeline.invert_photo(data.astronaut(), model).portrait, tmp_path / "a.manifolds")
    before = load_portrait(tmp_path / "a.manifolds")
    again = pipeline.invert_photo(data.astronaut(), model, like=before).portrait

    def turned(portrait, yaw):
        return render_view(portrait, orbit_like(before.camera, yaw, 0.0, size=(256, 256)))

    error = np.square(turned(again, 15).color - turned(before, 15).color).mean()
    assert -10 * np.log10(error) > 49  # 49.7

    place = before.landmarks[[50, 280]].mean(0)  # between the cheeks: on the nose
    crop = warp_to_crop(data.astronaut(), before.crop_to_photo)
    painted = cv2.circle(crop.copy(), tuple(int(value) for value in place), 6, (0, 0, 255), -1, cv2.LINE_AA)
    edited = pipeline.invert_photo(painted, model, like=before).portrait
    own = render_view(before, before.camera)
    column, row = (int(value) for value in place)
    origins, directions = before.camera.rays(*(place[:, None]))
    axis = -before.camera.camera_to_world[:3, 2]
    point = origins[0] + directions[0] * own.depth[row, column] / (directions[0] @ axis)
    for yaw in (-15, 0, 15):
        view, camera = turned(edited, yaw), orbit_like(before.camera, yaw, 0.0, size=(256, 256))
        x, y = camera.project(point[None])[0][0]
        shown = view.color[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean((0, 1))
        assert shown[2] > 0.7 and shown[0] < 0.35, (yaw, shown)
        rest = np.hypot(*(np.mgrid[:256, :256] - np.array([y, x])[:, None, None])) > 30
        solid = rest & (view.alpha > 0.9)
        assert np.abs(view.color - turned(before, yaw).color)[solid].mean() < 0.03


