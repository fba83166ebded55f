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
    asked, given = [], []
    face_points = np.random.default_rng(1).uniform((-0.08, -0.1, 0.0), (0.08, 0.1, 0.1), (468, 3))
    found = np.float32(face_points[:, :2] * (1000.0, -1000.0) + (400.0, 300.0))  # 1000 pixels per metre

    def align(choice, landmarks, turn):
        asked.append(choice)
        given.append((landmarks, turn))
        frame = choice if isinstance(choice, part("operators.crop.crop_frame").Frame) else made(10.0 * choice)
        if frame.size < 60:
            raise part("inference.errors").PortraitError("too small")
        landmarks = found + 1.0 if landmarks is None else landmarks
        return frame, landmarks, (*(turn or (1.0, 2.0)), frame.roll), found

    def made(shift):
        return part("operators.crop.crop_frame").Frame((300.0 + shift, 200.0), 222.0, 3.0)

    start = part("operators.crop.crop_frame").Frame((400.0, 300.0), 200.0)
    faces = [(350, 250, 450, 350), (20, 20, 90, 90)]
    session = part("operators.crop.crop_session").CropSession(
        PHOTO, start, faces, align, face_points, landmarks=found, pose=(1.0, 2.0, 0.0)
    )
    session.asked, session.given, session.found = asked, given, found
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


def test_the_falloff_is_a_bell_that_ends(extension):
    """1 in the middle, falling, smooth at both ends, and nothing moves from the radius on."""
    falloff = part("operators.crop.landmark_drag").falloff
    weights = falloff(np.linspace(0.0, 0.06, 61), 0.03)
    assert weights[0] == 1.0 and (np.diff(weights[:31]) < 0).all() and (weights[30:] == 0.0).all()
    assert weights[1] > 0.99 and weights[29] < 0.02
    middle = np.exp(-0.5 * 1.25**2), np.exp(-0.5 * 2.5**2)  # of the Gaussian: half the radius, and the radius
    assert weights[15] == pytest.approx((middle[0] - middle[1]) / (1 - middle[1]))


def test_a_landmark_takes_its_neighbours_along(extension):
    """By their distance on the face, not on the photo: in profile the far cheek stays."""
    drag_module = part("operators.crop.landmark_drag")
    face_points = np.array([(0.0, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 0.1), (0.0, 0.05, 0.0)])
    seen = np.array([(50.0, 50.0), (50.0, 40.0), (50.0, 50.0), (50.0, 0.0)], np.float32)
    moved = drag_module.dragged(seen, 0, (8.0, -4.0), face_points, 0.03) - seen
    assert moved[0] == pytest.approx((8.0, -4.0))
    share = drag_module.falloff(0.01, 0.03)
    assert 0.6 < share < 0.8 and moved[1] == pytest.approx(share * np.array([8.0, -4.0]), abs=1e-4)
    assert (moved[2:] == 0.0).all()
    assert drag_module.nearest(seen, (51.0, 39.0), 3.0) == 1
    assert drag_module.nearest(seen, (60.0, 60.0), 3.0) is None and drag_module.nearest((), (0, 0), 9.0) is None


def test_dragging_landmarks(session):
    """They and their neighbours move, far ones stay; the crop follows as before, and the pose is solved from them."""
    session.handle("TAB", "PRESS", 0, 0, REGION)
    assert session.mode == "landmarks" and len(session.head) == 468, "the head in its pose is shown"
    (low, high), seen = REGION[:2], session.fit(REGION).to_region(session.landmarks)
    assert np.ptp(seen, 0).max() > 0.4 * REGION[3] and (seen > (low, high)).all(), "the face fills the region"
    before, index = session.landmarks, 5
    drag(session, before[index], before[index] + (12.0, 9.0))
    moves = session.landmarks - before
    distance = np.linalg.norm(session.face_points - session.face_points[index], axis=-1)
    assert moves[index] == pytest.approx((12.0, 9.0), abs=1e-3) and session.moved
    assert (moves[distance > session.radius] == 0.0).all() and 1 < (np.abs(moves) > 0).any(1).sum() < 100
    landmarks, turn = session.given[-1]
    assert landmarks is session.landmarks and turn is None and session.asked[-1] == session.frame
    few = (np.abs(moves) > 0).any(1).sum()
    for _ in range(3):
        session.handle("WHEELUPMOUSE", "PRESS", 0, 0, REGION)
    before = session.landmarks
    drag(session, before[index], before[index] + (5.0, 0.0), shift=True)
    moves = session.landmarks - before
    assert moves[index] == pytest.approx((1.0, 0.0), abs=1e-3) and (np.abs(moves) > 0).any(1).sum() > few
    drag(session, session.frame.centre, session.frame.centre)
    assert session.frame.size == pytest.approx(200), "the square is left alone"


def test_the_wheel_widens_what_goes_along_while_dragging(session):
    session.handle("TAB", "PRESS", 0, 0, REGION)
    before, start = session.landmarks, session.landmarks[7]
    session.handle("LEFTMOUSE", "PRESS", *point(session, start), REGION)
    session.handle("MOUSEMOVE", "NOTHING", *point(session, start + (10.0, 0.0)), REGION)
    few = (session.landmarks != before).any(1).sum()
    session.handle("WHEELUPMOUSE", "PRESS", *point(session, start + (10.0, 0.0)), REGION)
    assert (session.landmarks != before).any(1).sum() > few
    centre, radius = session.circle()
    assert centre == pytest.approx(start + (10.0, 0.0), abs=1e-3) and session.influence().max() == 1.0
    assert radius == pytest.approx(1000.0 * session.radius, rel=0.05)
    for _ in range(200):
        session.handle("WHEELDOWNMOUSE", "PRESS", *point(session, start), REGION)
    assert session.radius == part("operators.crop.landmark_drag").MIN_RADIUS


def test_arrows_turn_the_head_to_where_they_point(session):
    """The nose follows: it is seen to the right from the left, where yaw is negative."""
    session.handle("TAB", "PRESS", 0, 0, REGION)
    session.handle("RIGHT_ARROW", "PRESS", 0, 0, REGION)
    session.handle("UP_ARROW", "PRESS", 0, 0, REGION)
    session.handle("UP_ARROW", "PRESS", 0, 0, REGION, shift=True)
    assert session.turn == pytest.approx((0.0, 0.8)) and session.pose[:2] == session.turn
    assert session.given[-1] == (None, session.turn) and not session.moved
    for _ in range(100):
        session.handle("LEFT_ARROW", "PRESS", 0, 0, REGION)
    assert session.turn == pytest.approx((60.0, 0.8))
    axes = part("operators.crop.overlay").head_axes
    assert axes((-10.0, -10.0, 0.0))[2, 0] > 0 > axes((-10.0, -10.0, 0.0))[2, 1], "to the right and up, y goes down"


def test_as_found_and_steps_back(session):
    session.handle("TAB", "PRESS", 0, 0, REGION)
    start = session.landmarks
    drag(session, start[5], start[5] + (12.0, 9.0))
    session.handle("LEFT_ARROW", "PRESS", 0, 0, REGION)
    dragged = session.landmarks
    session.handle("A", "PRESS", 0, 0, REGION)
    assert not session.moved and session.turn is None and not session.by_hand
    assert session.given[-1] == (None, None) and session.frame.centre == (300.0, 200.0)
    asked = len(session.asked)
    session.handle("Z", "PRESS", 0, 0, REGION, ctrl=True)
    assert session.moved and session.turn is not None and session.landmarks is dragged and session.by_hand
    drag(session, session.landmarks[5], session.landmarks[5])  # a click is no step
    for _ in range(2):
        session.handle("Z", "PRESS", 0, 0, REGION, ctrl=True)
    assert not session.moved and session.turn is None and session.landmarks is start
    session.handle("Z", "PRESS", 0, 0, REGION, ctrl=True)
    assert len(session.asked) == asked, "nothing is found anew"
    session.handle("Z", "PRESS", 0, 0, REGION)
    session.handle("TAB", "PRESS", 0, 0, REGION)
    assert session.mode == "crop"


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
