"""The outline of splats: that of the sheets, and in the photo's view the rim's."""

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np

from ..geometry import domes
from ..geometry.cameras import Camera, orbit_angles
from ..geometry.rims import DEPTH, WEIGHT, Rim
from ..geometry.sampling import sample_image
from ..geometry.viewpoints import orbit_like
from ..portrait import Portrait
from ..view.render import View, render_view
from .discs import Splats, discs

YAWS = 0.0, -25.0, 25.0  # degrees from the photo's camera from where the outline shall be the sheets'
SIZE = 512  # pixels of the views that tell it
INSIDE = 0.75  # alpha there that discs' centres shall have: discs are half a pixel wide, and more
PULL, PULLED = 0.0004, 0.006  # metres per step by which discs outside go inwards, and in all
HIDDEN = 0.005  # metres behind what the photo's view shows from which on a disc is not seen in it
EDGE_COLOUR = 0.3  # share of the photo's colours at the edge: they are right from its camera, and smeared from aside
BESIDE = 8.0  # pixels from the surface at which the rim's own discs have faded: from aside they stand alone
STRAND_SIGMA = 0.6  # of a pixel, standard deviation of the discs that show them
CLEAR = 0.02  # opacity below which there is no disc


def outline_views(
    portrait: Portrait, threads: int, progress: Callable[[float], object]
) -> list[tuple[Camera, View]]:
    """The views whose outline splats shall have, the photo's first. progress: called with a fraction before each."""
    photo, views = portrait.camera, []
    yaw, pitch = orbit_angles(photo.camera_to_world)
    for number, aside in enumerate(YAWS):
        progress(number / len(YAWS))
        camera = orbit_like(photo, yaw + aside, pitch, size=(SIZE, SIZE)) if aside else photo.resized(SIZE, SIZE)
        views.append((camera, render_view(portrait, camera, threads=threads)))
    return views


def within_outline(
    radius: np.ndarray, opacity: np.ndarray, views: list[tuple[Camera, View]]
) -> tuple[np.ndarray, np.ndarray]:
    """Radii and opacities (h, w) float32 of discs that do not stand out of the subject in any of the views.

    Sheets let rays through that graze them, which discs do not, and discs have two sides. So what stands out goes
    inwards along its column. What still does in the photo's view is faded as it is there.
    """
    pulled = np.zeros_like(radius)
    for _ in range(round(PULLED / PULL)):
        outside = _alpha(radius - pulled, views) < INSIDE
        if not outside.any():
            break
        pulled += np.float32(PULL) * outside
    pulled[_alpha(radius - pulled, views) < INSIDE] = 0.0
    radius = radius - cv2.GaussianBlur(cv2.dilate(pulled, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    return radius, opacity * np.minimum(_alpha(radius, views[:1]) / INSIDE, 1.0)


def _alpha(radius, views):
    """The least alpha (h, w) that views show where the points of radii (h, w) are."""
    points, least = domes.column_points(radius), np.ones(radius.shape, np.float32)
    for camera, view in views:
        place, _ = camera.project(points, np.float32)
        np.minimum(least, sample_image(view.alpha, place[..., 0], place[..., 1]), out=least)
    return least


def with_edge_colours(splats: Splats, rim: Rim, camera: Camera, view: View) -> Splats:
    """Splats with some of the photo's colours where the rim tells what is seen; camera, view: the photo's."""
    place, depth = camera.project(splats.positions, np.float32)
    surface = sample_image(np.where(view.alpha < 0.5, np.float32(0.0), view.depth), *place.T)
    weight = np.where(depth < surface + HIDDEN, EDGE_COLOUR * _over(rim.places[WEIGHT], place, camera), 0.0)
    seen = sample_image(view.color, *place.T)
    colours = splats.colours + weight[:, None].astype(np.float32) * (seen - splats.colours)
    return dataclasses.replace(splats, colours=colours)


def beside(points: np.ndarray, rim: Rim, camera: Camera, view: View) -> Splats:
    """Discs for what the rim shows beside the surface, strands of hair for the most part: one a pixel of the photo's
    view, which it faces.

    points: (n, 3) metres of the surface, as dense as the pixels or nearly. The discs begin on its outermost pixels.
    """
    place, _ = camera.project(points, np.float32)
    column, row = np.clip(place, 0, SIZE - 1).astype(int).T
    covered = np.zeros((SIZE, SIZE), np.uint8)
    covered[row, column] = 1
    covered = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    covered = cv2.erode(covered, np.ones((3, 3), np.uint8))
    away = cv2.distanceTransform(1 - covered, cv2.DIST_L2, 5)
    alpha = view.alpha * np.maximum(1.0 - away / BESIDE, 0.0) * cv2.resize(rim.places[WEIGHT], (SIZE, SIZE))
    row, column = np.nonzero((covered == 0) & (alpha > CLEAR))
    place = np.stack([column, row], -1) + 0.5
    depth = _over(rim.places[DEPTH], place, camera)[:, None]
    origins, directions = camera.rays(*place.T)
    points = origins + directions * depth / -(directions @ camera.camera_to_world[:3, 2:3])
    right, up = camera.camera_to_world[:3, :2].T
    pixel = depth / camera.fx
    return discs(points, pixel * right, -pixel * up, alpha[row, column], view.color[row, column], STRAND_SIGMA)


def _over(plane, place, camera):
    """Values (n,) of a plane over a camera's picture at its pixels (n, 2)."""
    height, width = plane.shape
    return sample_image(plane, place[:, 0] * (width / camera.width), place[:, 1] * (height / camera.height))
