"""Lips are closed where the photo shows lips, and left open where it shows teeth or the mouth's inside."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.geometry.cameras import orbit_camera
from inference.head.closed_lips import OUTER, RINGS, with_closed_lips
from inference.head.lips import LOWER, UPPER
from tests.head_portraits import portrait_of_columns

LIPS, SEAM, TEETH, INSIDE = (176, 104, 98), (92, 48, 44), (214, 206, 190), (40, 18, 16)
MIDDLE, TOP, MEETING, BOTTOM = 128.0, 150.0, 158.0, 170.0  # pixels of the crop
CORNERS = 106.0, 150.0
APART = 7.0  # pixels, some 9 mm, between the inner lips as the network sees them


@pytest.fixture(scope="module")
def mouth():
    """A portrait with lips in the colour of lips, and landmarks that have the inner ones apart."""
    radius = np.full((320, 320), 0.1, np.float32)
    portrait = portrait_of_columns(radius, radius > 0.0, radius * 0.0 + 0.002, None, orbit_camera(0.0, 0.0))
    crop = np.full((256, 256, 3), (150, 110, 90), np.uint8)
    centre, axes = (int(MIDDLE), int(0.5 * (TOP + BOTTOM))), (24, int(0.5 * (BOTTOM - TOP)))
    cv2.ellipse(crop, centre, axes, 0, 0, 360, LIPS, -1, cv2.LINE_AA)
    cv2.line(crop, (int(CORNERS[0]), int(MEETING)), (int(CORNERS[1]), int(MEETING)), SEAM, 1, cv2.LINE_AA)
    points = np.full((468, 2), 60.0, np.float32)
    across = np.linspace(*CORNERS, 11)
    open_at = 0.5 * APART * np.sin(np.linspace(0.0, np.pi, 11)) ** 0.5
    for ring, share in zip((*RINGS, OUTER), (0.0, 1 / 3, 2 / 3, 1.0), strict=True):
        for curve, edge, sign in zip(ring, (TOP, BOTTOM), (-1.0, 1.0), strict=True):
            inner = MEETING + 1.0 + sign * open_at
            points[list(curve), 0] = across
            points[list(curve), 1] = inner + share * (edge - inner)
    return dataclasses.replace(portrait, crop=crop, landmarks=points)


def gap(portrait):
    return portrait.landmarks[list(LOWER), 1] - portrait.landmarks[list(UPPER), 1]


def filled(portrait, colour):
    """The portrait with something between the lips."""
    crop, outline = portrait.crop.copy(), portrait.landmarks[[*UPPER, *LOWER[::-1]]]
    cv2.fillPoly(crop, [np.rint(outline).astype(np.int32)], colour, cv2.LINE_AA)
    return dataclasses.replace(portrait, crop=crop)


def test_lips_with_nothing_between_them_are_closed(mouth):
    closed = with_closed_lips(mouth)
    assert gap(mouth).max() > 6.0 and np.abs(gap(closed)).max() < 0.01
    assert np.abs(closed.landmarks[list(UPPER[2:-2]), 1] - (MEETING + 0.5)).max() < 1.0  # where it is dark
    moved = closed.landmarks - mouth.landmarks
    assert not moved[:, 0].any() and not moved[list(OUTER[0] + OUTER[1])].any()
    heights = [[closed.landmarks[curve[5], 1] for curve in curves] for curves in (*RINGS, OUTER)]
    assert np.all(np.diff([upper for upper, _ in heights]) < 0.0) and np.all(np.diff([low for _, low in heights]) > 0.0)


@pytest.mark.parametrize("colour", [TEETH, INSIDE])
def test_open_mouths_stay_open(mouth, colour):
    shown = filled(mouth, colour)
    assert with_closed_lips(shown) is shown


def test_without_landmarks_nothing_changes(mouth):
    without = dataclasses.replace(mouth, landmarks=None)
    assert with_closed_lips(without) is without
