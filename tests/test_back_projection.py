"""What a camera sees of a texture: where, how much it lacks, and that one step brings nearly all of it back."""

import cv2
import numpy as np
import pytest

from inference.geometry.cameras import orbit_camera
from inference.mesh.back_projection import ASIDE, Seen

SIDE = 96  # pixels of the camera, and texels
UV = np.float32([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]])


@pytest.fixture(scope="module")
def camera():
    return orbit_camera(0.0, 0.0, width=SIDE, height=SIDE)


def board(z, half=0.05, facing=1.0):
    """Corners of two triangles that face the camera: points, uv, cosines, and that they are skin."""
    points = np.float32([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])
    one = np.ones((2, 3, 1), np.float32)
    return points[np.int32([[0, 1, 2], [0, 2, 3]])], UV, np.float32(facing) * one, one


def places(camera, z, half=0.05):
    """Where the texels of a board lie in the picture, and their depths."""
    share = ((np.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0) * half
    x, y = np.meshgrid(share, -share)
    return camera.project(np.stack([x, y, np.full(x.shape, z)], -1), np.float32)


def test_the_nearest_is_seen(camera):
    near, far = board(0.05), board(-0.05, 0.06)
    seen = Seen(camera, *(np.concatenate(pair) for pair in zip(near, far)))
    place, depth = places(camera, 0.05)
    assert (seen.shows(place.reshape(-1, 2), depth.ravel()) == 1.0).all()
    column, row = (place[SIDE // 2, SIDE // 2] - 0.5).round().astype(int)
    np.testing.assert_allclose(seen.depth[row, column], depth[SIDE // 2, SIDE // 2], atol=1e-5)
    place, depth = places(camera, -0.05, 0.06)
    shown = seen.shows(place.reshape(-1, 2), depth.ravel()).reshape(SIDE, SIDE)
    assert (shown[20:-20, 20:-20] == 0.0).all() and (shown[:3] == 1.0).all()


def test_what_looks_away_is_not_seen(camera):
    points, uv, *rest = board(0.05)
    assert not len(Seen(camera, points[:, ::-1], uv[:, ::-1], *rest).pixel)


def test_one_step_brings_what_was_lost(camera):
    """Noise as fine as the pixels, looked up for every texel and seen again."""
    noise = np.random.default_rng(3).uniform(40, 215, (SIDE, SIDE, 3))
    picture = cv2.GaussianBlur(noise, (0, 0), 0.7).astype(np.uint8)
    seen, (place, _) = Seen(camera, *board(0.05)), places(camera, 0.05)
    x, y = np.float32(place - 0.5).transpose(2, 0, 1)
    texture = cv2.remap(picture, x, y, cv2.INTER_CUBIC)
    trust = np.ones((SIDE, SIDE), np.float32)
    inner = cv2.erode(np.isfinite(seen.depth).astype(np.uint8), np.ones((5, 5))) > 0
    lacks = seen.lacking(texture, picture, trust)
    more = cv2.remap(lacks, x, y, cv2.INTER_CUBIC)
    again = seen.lacking(np.rint(np.clip(texture + more, 0, 255)).astype(np.uint8), picture, trust)
    assert inner.sum() > 500 and np.std(again[inner]) < 0.2 * np.std(lacks[inner])
    untold = seen.lacking(texture, picture, 0 * trust)
    assert not untold.any()


def test_little_is_told_of_what_is_seen_from_aside(camera):
    """With more, the pixels beside an ear are streaks over the cheek, which are seen from 20 degrees on."""
    assert ASIDE[0] < 10.0  # of 255: a shade
    texture, trust = np.zeros((SIDE, SIDE, 3), np.uint8), np.ones((SIDE, SIDE), np.float32)
    white = np.full_like(texture, 255)
    for cosine, most in ((1.0, 255.0), (0.2, ASIDE[0]), (0.05, ASIDE[0])):
        lacks = Seen(camera, *board(0.05, facing=cosine)).lacking(texture, white, trust)
        assert lacks.max() == pytest.approx(most)
