"""Dragging the crop: the geometry of the square, and what each event does to it."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.geometry.cameras import orbit_camera  # noqa: E402
from inference.photo.warp import square_to_photo  # noqa: E402

from .conftest import part  # noqa: E402

PHOTO, REGION = (800, 600), (40, 30, 1000, 700)


@pytest.fixture
def frames(extension):
    return part("operators.crop.crop_frame")


@pytest.fixture
def session(extension):
    """A session that remembers what it asked to be aligned."""
    asked = []

    def align(choice):
        asked.append(choice)
        frame = choice if isinstance(choice, part("operators.crop.crop_frame").Frame) else made(10.0 * choice)
        if frame.size < 60:
            raise part("inference.errors").PortraitError("too small")
        return frame, np.full((468, 2), 7.0), (1.0, 2.0, frame.roll)

    def made(shift):
        return part("operators.crop.crop_frame").Frame((300.0 + shift, 200.0), 222.0, 3.0)

    start = part("operators.crop.crop_frame").Frame((400.0, 300.0), 200.0)
    faces = [(350, 250, 450, 350), (20, 20, 90, 90)]
    session = part("operators.crop.crop_session").CropSession(PHOTO, start, faces, align)
    session.asked = asked
    return session


def point(session, photo_point):
    return session.fit(REGION).to_region(photo_point)


def drag(session, start, end, **modifiers):
    """From one photo point to another in three moves."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    session.handle("MOUSEMOVE", "NOTHING", *point(session, start), REGION)
    session.handle("LEFTMOUSE", "PRESS", *point(session, start), REGION)
    for share in (0.3, 0.7, 1.0):
        session.handle("MOUSEMOVE", "NOTHING", *point(session, start + share * (end - start)), REGION, **modifiers)
    session.handle("LEFTMOUSE", "RELEASE", *point(session, end), REGION)


@pytest.mark.parametrize("roll", [0.0, 25.0, -120.0])
def test_the_square_is_the_engines(frames, roll):
    """Its corners are where the engine's map of crop pixels puts the crop's corners."""
    frame = frames.Frame((300.0, 250.0), 180.0, roll)
    affine = square_to_photo(frame.centre, frame.size, math.radians(roll))
    wanted = np.array([(0, 0, 1), (256, 0, 1), (256, 256, 1), (0, 256, 1)]) @ affine.T
    assert np.allclose(frame.corners(), wanted)
    above = affine @ (128, -256 * frames.KNOB, 1)
    assert np.allclose(frame.knob(), above)


def test_region_and_photo_are_inverse_and_upright(frames):
    points = np.array([(0, 0), (800, 600), (123, -50)])
    fit = frames.Fit.of(points, REGION)
    assert np.allclose(fit.to_photo(fit.to_region(points)), points)
    upper, lower = fit.to_region([(0, 0), (0, 600)])
    seen = fit.to_region(points) - REGION[:2]
    assert upper[1] > lower[1] and (seen > 0).all() and (seen < REGION[2:]).all()


def test_dragging_inside_moves(session):
    drag(session, (410, 310), (450, 290))
    assert session.frame.centre == pytest.approx((440, 280)) and session.frame.size == pytest.approx(200)
    assert session.by_hand and session.asked == [session.frame] and session.pose == (1.0, 2.0, 0.0)
    assert len(session.landmarks) == 468


def test_dragging_a_corner_scales_about_the_centre(session):
    drag(session, (500, 400), (550, 450))
    assert session.frame.size == pytest.approx(300) and session.frame.centre == pytest.approx((400, 300))


def test_dragging_the_knob_turns_clockwise_to_the_right(session):
    knob = session.frame.knob()
    radius = 300 - knob[1]
    angle = math.radians(30)
    drag(session, knob, (400 + radius * math.sin(angle), 300 - radius * math.cos(angle)))
    assert session.frame.roll == pytest.approx(30) and session.frame.size == pytest.approx(200)


def test_shift_is_slow_and_the_photo_is_the_limit(session):
    drag(session, (400, 300), (500, 300), shift=True)
    assert session.frame.centre[0] == pytest.approx(420)
    drag(session, session.frame.centre, (-5000, 300))
    assert session.frame.centre[0] == 0.0


def test_keys(session):
    size, roll = session.frame.size, session.frame.roll
    session.handle("WHEELUPMOUSE", "PRESS", 0, 0, REGION)
    assert session.frame.size > size
    session.handle("WHEELDOWNMOUSE", "PRESS", 0, 0, REGION, ctrl=True)
    assert session.frame.roll < roll
    x, y = session.frame.centre
    session.handle("UP_ARROW", "PRESS", 0, 0, REGION)
    assert session.frame.centre[1] < y
    session.handle("RIGHT_ARROW", "PRESS", 0, 0, REGION, shift=True)
    assert 0 < session.frame.centre[0] - x < 1
    module = part("operators.crop.crop_session")
    assert session.handle("RET", "PRESS", 0, 0, REGION) == module.APPLY
    assert session.handle("ESC", "PRESS", 0, 0, REGION) == module.LEAVE
    assert session.handle("RET", "RELEASE", 0, 0, REGION) == module.RUNNING
    assert session.handle("TIMER", "NOTHING", 0, 0, REGION) == module.RUNNING


def test_back_to_the_face_and_to_another_one(session):
    drag(session, (400, 300), (420, 300))
    session.handle("A", "PRESS", 0, 0, REGION)
    assert not session.by_hand and session.frame.centre == (300.0, 200.0) and session.face == 0
    drag(session, (50, 50), (50, 50))
    assert session.face == 1 and session.frame.centre == (310.0, 200.0) and not session.by_hand


def test_a_crop_that_cannot_be_aligned_says_why_and_stays(session):
    drag(session, (500, 400), (420, 320))
    assert session.message == "too small" and session.frame.size == pytest.approx(40)
    drag(session, (420, 320), (500, 400))
    assert session.message == ""


@pytest.mark.parametrize("pose", [(0, 0), (30, 0), (0, 20), (-25, 15)])
def test_drawn_axes_are_the_heads(extension, pose):
    """They point where the camera of that pose projects the axes of portrait space."""
    axes = part("operators.crop.overlay").head_axes((*pose, 0.0))
    camera = orbit_camera(*pose)
    origin, _ = camera.project(np.zeros(3))
    for axis, drawn in zip(np.eye(3) * 0.001, axes, strict=True):
        seen = camera.project(axis)[0] - origin
        assert np.allclose(drawn, seen / (0.001 * camera.fx / np.linalg.norm(camera.position)), atol=5e-3)


def test_the_shade_covers_all_but_the_square(extension):
    """Its four quads and the square have the area of the photo."""

    def area(quad):
        x, y = np.asarray(quad, float).T
        return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2

    outer, inner = [(0, 0), (10, 0), (10, 8), (0, 8)], [(3, 2), (6, 2), (6, 5), (3, 5)]
    parts = part("operators.crop.overlay").outside(np.array(outer), np.array(inner))
    assert sum(map(area, parts)) == pytest.approx(80 - 9)


def test_the_free_rectangle_is_what_no_sidebar_covers(extension):
    import types

    def region(kind, alignment, x, y, width, height):
        return types.SimpleNamespace(type=kind, alignment=alignment, x=x, y=y, width=width, height=height)

    main = region("WINDOW", "NONE", 100, 50, 1000, 600)
    others = [
        region("TOOLS", "LEFT", 100, 50, 56, 560),
        region("UI", "RIGHT", 850, 50, 250, 560),
        region("TOOL_HEADER", "TOP", 100, 620, 1000, 30),
        region("ASSET_SHELF", "BOTTOM", 100, 50, 1, 1),
        region("HEADER", "TOP", 100, 650, 1000, 26),
    ]
    area = types.SimpleNamespace(regions=[main, *others])
    strip = part("operators.crop.overlay").STRIP
    assert part("operators.crop.overlay").free_rectangle(area, main) == (56, strip, 694, 570 - strip)
