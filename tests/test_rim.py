"""The rim on the analytic head: strands finer than the crop stand in views from near the photo, free of backdrop."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.alignment.align import Alignment
from inference.geometry import domes
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.geometry.rims import WEIGHT
from inference.inversion.columns import GRID
from inference.inversion.rim import lift_rim
from inference.view import render
from inference.view.render import intersections, render_view
from inference.view.rim import SeenRim, seen_rim
from tests.portraits import HEAD_CENTRE, HEAD_RADIUS, analytic_portrait, surface_radius
from training.evaluation.views import of_sheets_alone

SIDE = 2 * CROP_SIZE  # two pixels of the photo for each of the crop
CAMERA = orbit_camera()
BACKDROP = np.float32([0.2, 0.4, 0.9])
HAIR = np.float32([0.35, 0.2, 0.1])
GREY = (0.5, 0.5, 0.5)
STRANDS = 90  # around the head, two pixels of the photo wide
LONG = 1.08  # of its radius
CENTRE, DISTANCE = CAMERA.resized(SIDE, SIDE).project(HEAD_CENTRE)
RADIUS = CAMERA.resized(SIDE, SIDE).fx * np.tan(np.arcsin(HEAD_RADIUS / DISTANCE))  # of the ball in the photo, pixels


@dataclasses.dataclass(frozen=True)
class Case:
    """alpha (SIDE, SIDE) and colour (SIDE, SIDE, 3): what a photo of the head truly shows; band: about the edge of the
    skull, above the neck."""

    alignment: Alignment
    matte: np.ndarray
    alpha: np.ndarray
    colour: np.ndarray
    band: np.ndarray
    head: object

    def rim(self, given=None, smaller=1.0, **changes):
        radius = smaller * surface_radius("sphere", *domes.texel_centres(GRID, GRID)).astype(np.float32)
        backdrop = np.broadcast_to(BACKDROP[:, None, None], (3, CROP_SIZE, CROP_SIZE)).copy()
        alignment = dataclasses.replace(self.alignment, **changes)
        return lift_rim(alignment, self.matte, backdrop, radius, np.ones((GRID, GRID), bool), given)

    def portrait(self, **given):
        return dataclasses.replace(self.head, rim=self.rim(**given))

    def seen(self, portrait, value=0.5):
        """What is wrong of the own view before an even grey, in the band."""
        view = render_view(portrait, CAMERA.resized(SIDE, SIDE), (value,) * 3)
        wanted = self.alpha[..., None] * self.colour + (1.0 - self.alpha[..., None]) * value
        return np.abs(view.color - wanted)[self.band].mean()


@pytest.fixture(scope="module")
def case():
    head = analytic_portrait("sphere")
    view = render_view(head, CAMERA.resized(SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5
    radius, angle = np.hypot(x - CENTRE[0], y - CENTRE[1]), np.arctan2(y - CENTRE[1], x - CENTRE[0])
    apart = 2 * np.pi / STRANDS
    across = np.abs((angle / apart + 0.5) % 1.0 - 0.5) * apart * radius  # pixels from the nearest strand
    strand = np.clip(1.5 - across, 0.0, 1.0) * np.clip(LONG * RADIUS - radius, 0.0, 1.0)
    above = y < CENTRE[1]
    alpha = np.where(above, np.maximum(view.alpha > 0.5, strand), view.alpha).astype(np.float32)
    colour = np.where((above & (radius > 0.97 * RADIUS))[..., None], HAIR, view.color)
    photo = alpha[..., None] * colour + (1.0 - alpha[..., None]) * BACKDROP
    photo = np.rint(255 * np.clip(photo, 0, 1)).astype(np.uint8)
    crop = cv2.resize(photo, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    affine = np.float64([[SIDE / CROP_SIZE, 0, 0], [0, SIDE / CROP_SIZE, 0]])
    alignment = Alignment(crop, affine, CAMERA, np.zeros((468, 2), np.float32), 0.0, 0.0, 0.0, detail=photo)
    matte = cv2.resize(alpha, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    band = above & (np.abs(radius / RADIUS - 1.03) < 0.05) & (y > 14)
    return Case(alignment, matte, alpha, colour.astype(np.float32), band, head)


@pytest.fixture(scope="module")
def rimmed(case):
    return case.portrait()


def test_strands_stand_in_the_own_view(case, rimmed):
    """Before any backdrop: what the photo showed behind them is gone."""
    for value in (0.0, 0.5, 1.0):
        before, after = case.seen(case.head, value), case.seen(rimmed, value)
        assert after < 0.35 * before and after < 0.03, value


def test_evaluation_sees_the_sheets_alone(case, rimmed):
    """As they were before there was a rim, which the portrait keeps."""
    camera = CAMERA.resized(SIDE, SIDE)
    alone, before = of_sheets_alone(rimmed, camera), render_view(case.head, camera)
    np.testing.assert_array_equal(alone.alpha, before.alpha)
    assert np.abs(render_view(rimmed, camera).alpha - before.alpha).max() > 0.5 and rimmed.rim is not None


def test_the_rim_carries_no_backdrop(case, rimmed):
    """The photo's blue does not shine through the edge of brown hair."""
    view = render_view(rimmed, CAMERA.resized(SIDE, SIDE), (0.0, 0.0, 0.0))
    blue = (view.color[..., 2] - view.color[..., 0])[case.band & (case.alpha > 0.0)]
    assert blue.mean() < 0.0 and np.quantile(blue, 0.99) < 0.1
    photo = case.alignment.detail[case.band] / 255.0
    assert np.quantile(photo[:, 2] - photo[:, 0], 0.9) > 0.5


def test_the_inside_of_the_subject_does_not_change(case, rimmed):
    plain, view = (render_view(one, CAMERA.resized(SIDE, SIDE), GREY) for one in (case.head, rimmed))
    inside = cv2.erode((case.alpha > 0.99).astype(np.uint8), np.ones((67, 67), np.uint8)) > 0
    assert inside.sum() > 10000
    np.testing.assert_array_equal(view.color[inside], plain.color[inside])


def test_strands_are_in_depth_and_alpha(case, rimmed):
    view = render_view(rimmed, CAMERA.resized(SIDE, SIDE))
    strands = case.band & (case.alpha > 0.9)
    assert np.abs(view.alpha - case.alpha)[case.band].mean() < 0.05
    found = view.depth[strands]
    assert np.isfinite(found).mean() > 0.9
    assert np.abs(found[np.isfinite(found)] - DISTANCE).max() < 0.06


def test_views_from_further_away_are_the_sheets(case, rimmed):
    for camera in (orbit_camera(9.0, width=300, height=300), orbit_camera(-60.0, 20.0), orbit_camera(180.0)):
        plain, view = (render_view(one, camera) for one in (case.head, rimmed))
        for name in ("color", "alpha", "depth"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(view, name))


def test_no_time_is_lost_on_a_rim_that_nothing_comes_near(case, rimmed, monkeypatch):
    """But it is looked for wherever it changes a picture: also by a camera so near that some of its rays are aside."""
    monkeypatch.setattr(render, "seen_rim", lambda rim, rays: rim and SeenRim(rim, rays))
    found = set()
    for yaw in (0.0, 8.0, 16.0, 24.0, 32.0, 60.0, 180.0):
        cameras = [orbit_camera(yaw, 0.0, distance, 40.0, 96, 96) for distance in (1.6, 0.6, 0.3, 0.12)]
        for camera in (*cameras, dataclasses.replace(cameras[0], ortho_width=0.4)):
            plain, view = (render_view(one, camera).color for one in (case.head, rimmed))
            left_out = seen_rim(rimmed.rim, intersections(rimmed.radii, camera).rays) is None
            found.add((left_out, np.array_equal(plain, view)))
    assert found == {(True, True), (False, False), (False, True)}


def test_the_rim_fades_softly(case, rimmed):
    """Step by step, as a camera goes round the head, less is left of what stands beside the sheets."""
    left = []
    for yaw in (0.0, 2.0, 3.5, 5.0, 6.5, 8.0):
        plain, view = (render_view(one, orbit_camera(yaw, width=SIDE, height=SIDE)) for one in (case.head, rimmed))
        left.append(np.maximum(view.alpha - plain.alpha, 0.0).sum())
    left = np.array(left) / left[0]
    assert left[1] > 0.8 and left[-1] < 1e-3 and (np.diff(left)[1:] < 0.0).all() and np.diff(left).min() > -0.5, left


def test_a_strand_stands_at_the_depth_of_the_edge(case, rimmed):
    """Seen from a little aside it has moved as the ball's edge has, not as the backdrop."""
    camera = orbit_camera(2.0, width=SIDE, height=SIDE)
    own, moved = CAMERA.resized(SIDE, SIDE), []
    for one in (own, camera):
        view, plain = render_view(rimmed, one), render_view(case.head, one)
        moved.append(np.maximum(view.alpha - plain.alpha, 0.0).astype(np.float64)[: int(CENTRE[1]), : SIDE // 2])
    edge = HEAD_CENTRE - [HEAD_RADIUS, 0.0, 0.0]
    (shift, _), _ = cv2.phaseCorrelate(*moved)
    wanted, behind = ((camera.project(point)[0] - own.project(point)[0])[0] for point in (edge, edge - [0, 0, 0.14]))
    assert abs(shift - wanted) < 0.22 * abs(behind - wanted)


def test_a_given_matte_is_taken_as_it_is(case):
    """Even where the photo shows no such edge."""
    given = case.alpha.copy()
    given[:, ::2] *= 0.5
    view = render_view(case.portrait(given=given), CAMERA.resized(SIDE, SIDE))
    assert np.abs(view.alpha - given)[case.band].max() < 0.02


def test_the_rim_reaches_to_a_surface_that_stops_short(case):
    """On the way from the middle of the head to its edge, nothing is missing between a smaller one and the rim."""
    way = np.linspace(0.82, 0.97, 8) * RADIUS / SIDE
    x, y = ((CENTRE / SIDE)[:, None] + np.array([[1.0], [0.0]]) * way) * 64
    reaching, of_the_edge = (
        case.rim(smaller=smaller).places[WEIGHT][y.astype(int), x.astype(int)] for smaller in (0.75, 1.0)
    )
    assert reaching.min() > 0.95 and of_the_edge.min() < 0.1


def test_where_there_is_no_photo_there_is_no_rim(case):
    beyond = np.zeros((CROP_SIZE, CROP_SIZE), bool)
    beyond[:, :110] = True
    rim = case.rim(beyond=beyond)
    cells = rim.places.shape[1]
    assert (rim.places[WEIGHT][:, : 110 * cells // CROP_SIZE] == 0.0).all() and (rim.places[WEIGHT] > 0.9).any()
    assert (case.rim().places[WEIGHT][:, : 110 * cells // CROP_SIZE] > 0.9).any()


def test_a_photo_without_a_subject_has_an_empty_rim(case):
    empty = dataclasses.replace(case, matte=np.zeros_like(case.matte))
    rim = empty.rim()
    assert np.isfinite(rim.places).all() and (rim.places[WEIGHT] == 0.0).all() and (rim.picture == 0).all()


def test_small_views_do_not_sparkle(case, rimmed):
    """Cameras a part of a pixel aside see the same, but for that part of a pixel."""
    errors, large = [], render_view(rimmed, CAMERA.resized(SIDE, SIDE), GREY).color
    step = SIDE // 64
    for shift in (0, 2, 4, 6):  # pixels of the photo
        camera = CAMERA.resized(SIDE, SIDE).cropped(shift, shift, SIDE + shift, SIDE + shift).scaled(64, 64)
        view = render_view(rimmed, camera, GREY).color[:-1, :-1]
        moved = large[shift : shift + SIDE - step, shift : shift + SIDE - step]
        area = cv2.resize(moved, view.shape[1::-1], interpolation=cv2.INTER_AREA)
        errors.append(np.abs(view - area)[:24].max())
    assert max(errors) < 0.1


@pytest.mark.parametrize("camera", [orbit_camera(3.0, 2.0, width=300, height=260), "orthographic"])
def test_a_view_depends_neither_on_threads_nor_on_how_it_is_cut(rimmed, camera):
    if camera == "orthographic":
        camera = dataclasses.replace(orbit_camera(width=300, height=260), ortho_width=0.35)
    one, four = (render_view(rimmed, camera, threads=threads).color for threads in (1, 4))
    assert np.array_equal(one, four)
    part = render_view(rimmed, camera.cropped(90, 20, 211, 151), threads=1).color
    assert np.array_equal(one[20:151, 90:211], part)
    assert not np.array_equal(one, render_view(dataclasses.replace(rimmed, rim=None), camera).color)
