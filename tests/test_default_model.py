"""The model that ships, on a real portrait: recognisably that person, standing in depth."""

import cv2
import numpy as np
import pytest

from inference.geometry import cameras
from inference.inversion.segmentation import subject_matte
from inference.networks.model import DEFAULT_FOLDER, load_model
from inference.pipeline import invert_photo
from inference.view.render import render_view
from tests.data_pack import data_pack
from tests.golden.measures import psnr

# Decibels of the face in the photo's own view, as measured; a margin of 0.2 is twenty times what rounding moves.
MEASURED = {"astronaut": 37.06, "A000365": 41.39, "B001210": 42.55}


@pytest.fixture(scope="module")
def inversion(astronaut):
    return astronaut


@pytest.fixture(scope="module")
def own_view(inversion):
    return render_view(inversion.portrait, inversion.portrait.camera)


def face_of(inversion):
    """Mask of the face's inside in the crop."""
    face = np.zeros(inversion.portrait.crop.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(inversion.alignment.landmarks.astype(np.int32)), 1)
    return cv2.erode(face, np.ones((7, 7), np.uint8)) > 0


def test_card_states_what_ships():
    card = load_model().card
    assert card["license"] == "CC0-1.0"
    assert card["gmac_total"] <= 40
    assert sum(entry["bytes"] for entry in card["files"].values()) <= 60e6
    assert {"data", "training", "quality"} <= set(card)
    assert {path.name for path in DEFAULT_FOLDER.glob("*.onnx")} == {n for n in card["files"] if n.endswith(".onnx")}


def test_own_view_is_the_photo(inversion, own_view):
    """Inside the face the portrait shows the photo's pixels in place."""
    crop, face = inversion.portrait.crop.astype(np.float32) / 255, face_of(inversion)
    assert own_view.alpha[face].min() > 0.88  # of the matte, in the one pixel that lies at its edge
    found = psnr(own_view.color, crop, face)
    assert found > MEASURED["astronaut"] - 0.2
    assert found > psnr(own_view.color, np.roll(crop, 1, 1), face) + 6.0  # it overlays the photo, not something near it


@pytest.mark.parametrize("name", sorted(set(MEASURED) - {"astronaut"}))
def test_own_view_of_other_portraits(name, shipped_model):
    inversion = invert_photo(data_pack() / "portraits" / "test" / f"{name}.jpg", shipped_model)
    view, crop = render_view(inversion.portrait, inversion.portrait.camera), inversion.portrait.crop / np.float32(255)
    assert psnr(view.color, crop, face_of(inversion)) > MEASURED[name] - 0.2


def test_background_is_left_out(inversion, own_view, shipped_model):
    """Silhouettes fade over three pixels: further from the photo's matte nothing is left, deeper nothing missing."""
    crop = inversion.portrait.crop
    photo = crop.astype(np.float32).transpose(2, 0, 1)[None] / 255
    logits = shipped_model.session("detail_encoder").run(None, {"photo": photo})[1][0, 0]
    matte = subject_matte(logits, crop, inversion.alignment.landmarks, shipped_model)
    around = np.ones((9, 9), np.uint8)
    beyond = cv2.dilate((matte > 0.12).astype(np.uint8), around) == 0
    inside = cv2.erode((matte > 0.88).astype(np.uint8), around) > 0
    assert beyond.sum() > 10_000 and own_view.alpha[beyond].max() < 0.05
    assert own_view.alpha[:200][inside[:200]].min() > 0.9
    assert own_view.alpha[:7].max() < 0.1  # hair begins in row 9, and fades over three pixels
    assert own_view.alpha[:, :6][:150].max() < 0.3
    assert 0.2 < (own_view.alpha > 0.5).mean() < 0.8


def test_face_stands_in_depth(inversion, own_view):
    """The nose is the nearest point of the face, and the ears lie centimetres behind it."""
    landmarks = inversion.alignment.landmarks
    depth = lambda index: own_view.depth[tuple(landmarks[index][::-1].astype(int))]  # noqa: E731
    nose, eyes, cheeks = depth(4), np.mean([depth(159), depth(386)]), np.mean([depth(234), depth(454)])
    assert 0.01 < eyes - nose < 0.06
    assert 0.04 < cheeks - nose < 0.16


@pytest.mark.parametrize("yaw", [-20.0, 20.0])
def test_side_views_are_that_head_turned(inversion, yaw):
    """Landmarks lifted with the own view's depth land on skin of the same colour in a view from the side."""
    portrait = inversion.portrait
    own = render_view(portrait, portrait.camera)
    side_camera = cameras.orbit_camera(yaw=yaw)
    side = render_view(portrait, side_camera)
    points = inversion.alignment.landmarks[[9, 4, 152, 61, 291, 50, 280, 33, 263, 199]]
    origins, directions = portrait.camera.rays(points[:, 0], points[:, 1])
    columns, rows = points.T.astype(int)
    axis = -portrait.camera.camera_to_world[:3, 2]
    lifted = origins + directions * (own.depth[rows, columns] / (directions @ axis))[:, None]
    pixels, depth = side_camera.project(lifted)
    seen = pixels.astype(int)
    visible = np.abs(side.depth[seen[:, 1], seen[:, 0]] - depth) < 0.01
    assert visible.sum() >= 6
    gap = np.abs(side.color[seen[:, 1], seen[:, 0]] - own.color[rows, columns]).mean(-1)[visible]
    assert np.median(gap) < 0.08


def test_same_crop_gives_the_same_bytes(inversion, shipped_model):
    from inference.inversion.invert import invert_crop

    textures, radii, detail, rim, _ = invert_crop(inversion.alignment, shipped_model)
    assert np.array_equal(textures, inversion.portrait.textures) and np.array_equal(radii, inversion.portrait.radii)
