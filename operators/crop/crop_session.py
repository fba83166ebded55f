"""Adjusting crop, landmarks and pose: what each key and each move of the pointer does. No window is needed."""

import collections

import numpy as np

from ...inference.errors import PortraitError
from . import landmark_drag
from .crop_frame import Fit, Frame

REACH = 14.0  # region pixels around a handle or a landmark
STEP, FINE = 4.0, 0.5  # region pixels per arrow key; degrees per wheel step are a quarter of that
TURN, FINE_TURN = 1.0, 0.2  # degrees per arrow key
MAX_TURN = 60.0  # degrees, as in inference.alignment.align
SLOW = 0.2  # of the pointer's way while Shift is held
GROW = 1.04  # per step of the wheel
AROUND = 0.3  # of the face's size that is seen on each side of it while landmarks are dragged
WIDEN = 1.15  # of the falloff, per step of the wheel
ARROWS = {"LEFT_ARROW": (-1, 0), "RIGHT_ARROW": (1, 0), "UP_ARROW": (0, 1), "DOWN_ARROW": (0, -1)}
WHEEL = {"WHEELUPMOUSE": 1, "NUMPAD_PLUS": 1, "EQUAL": 1, "WHEELDOWNMOUSE": -1, "NUMPAD_MINUS": -1, "MINUS": -1}
RUNNING, APPLY, LEAVE = "running", "apply", "leave"
CROP, LANDMARKS = "crop", "landmarks"

State = collections.namedtuple("State", "face frame by_hand landmarks moved turn pose head")


def closeup(landmarks):
    """Two corners (2, 2) of what must be seen while landmarks (n, 2) are dragged, in pixels of the photo."""
    low, high = np.min(landmarks, 0), np.max(landmarks, 0)
    return np.array([low, high]) + AROUND * np.outer((-1.0, 1.0), high - low)


class CropSession:
    """The state between two events.

    photo_size: (width, height). boxes: [(x0, y0, x1, y1)] of the faces found. face_points: (n, 3) metres, the landmarks
    on the mean head. align: function of a Frame, or of the index of a face, with landmarks by hand or None and (yaw,
    pitch) by hand or None; it returns (Frame, landmarks (n, 2) photo pixels, (yaw, pitch, roll), the mean head's
    landmarks in that pose); it may raise PortraitError, whose text is then shown.

    mode: CROP or LANDMARKS. face, frame, by_hand: the crop. landmarks, moved: photo pixels, and whether they are set by
    hand. turn: (yaw, pitch) by hand, or None. pose: (yaw, pitch, roll). head: the mean head's landmarks, photo pixels.
    """

    def __init__(
        self,
        photo_size,
        frame,
        boxes,
        align,
        face_points,
        face=0,
        by_hand=True,
        landmarks=(),
        moved=False,
        turn=None,
        pose=(0.0, 0.0, 0.0),
    ):
        self.photo_size, self.frame, self.boxes, self._align = photo_size, frame, boxes, align
        self.face, self.by_hand, self.landmarks, self.pose = face, by_hand, landmarks, pose
        self.face_points, self.moved, self.turn, self.head = face_points, moved, turn, ()
        self.mode, self.radius = CROP, landmark_drag.RADIUS
        self.message, self.hover = "", None  # hover: a handle's name, or the index of a landmark
        self._seen = self._close = [(0, 0), photo_size, *frame.corners(), frame.knob()]
        self._drag = None  # (handle or index, what it was, start and end of the way so far)
        self._pointer = None
        self._changed = False
        self._before = []  # states to step back to

    def fit(self, rectangle):
        """How the photo lies in the free rectangle (x, y, width, height) of a region.

        Whole, with the frame as it was at first; while landmarks are set, close to the face as it was then.
        """
        return Fit.of(self._seen if self.mode == CROP else self._close, rectangle)

    def handle(self, kind, value, x, y, rectangle, shift=False, ctrl=False):
        """One event of Blender at a point of the region. Returns RUNNING, APPLY or LEAVE."""
        fit = self.fit(rectangle)
        point = fit.to_photo((x, y))
        if kind == "MOUSEMOVE":
            self._move(point, fit, shift)
        elif kind == "LEFTMOUSE" and value == "PRESS":
            self._press(point, fit)
        elif kind == "LEFTMOUSE" and value == "RELEASE":
            self._release()
        elif value != "PRESS":
            return RUNNING
        elif kind in ("RET", "NUMPAD_ENTER"):
            return APPLY
        elif kind in ("ESC", "RIGHTMOUSE"):
            return LEAVE
        elif kind == "TAB":
            self._switch()
        elif kind == "Z" and ctrl:
            self._step_back()
        elif kind in ARROWS:
            self._nudge(*ARROWS[kind], fit, shift)
        elif kind in WHEEL:
            self._wheel(WHEEL[kind] * (SLOW if shift else 1.0), ctrl)
        elif kind == "A":
            self.as_found(self.face)
        return RUNNING

    def as_found(self, face):
        """Back to what follows from a face, or from the crop where none was found."""
        self._remember()
        self.face, self.by_hand, self.moved, self.turn = face, not self.boxes, False, None
        self._aligned()

    def influence(self):
        """Falloff (n,) around the landmark that is dragged or lies under the pointer; None where none does."""
        index = self._drag[0] if self._drag is not None else self.hover
        if self.mode != LANDMARKS or index is None:
            return None
        return landmark_drag.weights_around(index, self.face_points, self.radius)

    def circle(self):
        """(centre, radius) in photo pixels of what goes along with that landmark."""
        index = self._drag[0] if self._drag is not None else self.hover
        return self.landmarks[index], self.radius * landmark_drag.pixels_per_metre(self.landmarks, self.face_points)

    def _switch(self):
        self._release()
        self.mode, self.hover = (LANDMARKS if self.mode == CROP else CROP), None
        if self.mode == LANDMARKS and not len(self.head):
            self._aligned()
        if len(self.landmarks):
            self._close = closeup(self.landmarks)

    def _press(self, point, fit):
        if self.mode == LANDMARKS:
            handle, was = landmark_drag.nearest(self.landmarks, point, REACH / fit.scale), self.landmarks
        else:
            handle, was = self.frame.handle_at(point, REACH / fit.scale), self.frame
            other = self._face_at(point)
            if handle is None and other is not None:
                self.as_found(other)
        if handle is not None:
            self._remember()
            self._drag = handle, was, point, point
            self._pointer = point

    def _release(self):
        if self._drag is not None and not self._changed:  # only clicked
            self._before.pop()
        self._drag = None
        self._settle()

    def _move(self, point, fit, shift):
        if self._drag is None and self.mode == LANDMARKS:
            self.hover = landmark_drag.nearest(self.landmarks, point, REACH / fit.scale)
        elif self._drag is None:
            self.hover = self.frame.handle_at(point, REACH / fit.scale)
        else:
            handle, was, start, end = self._drag
            end = end + (point - self._pointer) * (SLOW if shift else 1.0)
            self._pointer, self._drag = point, (handle, was, start, end)
            self._drag_on()

    def _drag_on(self):
        handle, was, start, end = self._drag
        if self.mode == CROP:
            self._set(was.dragged(handle, start, end))
        elif (end != start).any():
            self.landmarks = landmark_drag.dragged(was, handle, end - start, self.face_points, self.radius)
            self.moved = self._changed = True

    def _nudge(self, right, up, fit, shift):
        """Arrow keys: the square, or where the nose points."""
        self._remember()
        if self.mode == CROP:
            step = (FINE if shift else STEP) / fit.scale
            cx, cy = self.frame.centre
            self._set(Frame((cx + right * step, cy - up * step), self.frame.size, self.frame.roll))
        else:
            step = FINE_TURN if shift else TURN
            yaw, pitch = np.subtract(self.turn or self.pose[:2], np.multiply(step, (right, up)))
            self.turn = float(np.clip(yaw, -MAX_TURN, MAX_TURN)), float(np.clip(pitch, -MAX_TURN, MAX_TURN))
            self._changed = True
        self._settle()

    def _wheel(self, amount, ctrl):
        if self.mode == LANDMARKS:
            low, high = landmark_drag.MIN_RADIUS, landmark_drag.MAX_RADIUS
            self.radius = min(max(self.radius * WIDEN**amount, low), high)
            if self._drag is not None:
                self._drag_on()
            return
        self._remember()
        self._set(self.frame.turned(amount) if ctrl else self.frame.scaled(GROW**amount))
        self._settle()

    def _set(self, frame):
        frame = frame.within(*self.photo_size)
        if frame != self.frame:
            self.frame, self.by_hand, self._changed = frame, True, True

    def _settle(self):
        """What was dragged rests: find landmarks and pose in it."""
        if self._changed:
            self._aligned()

    def _aligned(self):
        self._changed = False
        choice, landmarks = (self.frame if self.by_hand else self.face), (self.landmarks if self.moved else None)
        try:
            frame, self.landmarks, self.pose, self.head = self._align(choice, landmarks, self.turn)
            self.message = ""
            if not self.by_hand:
                self.frame = frame
        except PortraitError as error:
            self.message = str(error)

    def _remember(self):
        self._before.append(State(*(getattr(self, name) for name in State._fields)))

    def _step_back(self):
        """Undo the last step; what it looked like stays known, so nothing is found anew."""
        if self._before and self._drag is None:
            for name, value in self._before.pop()._asdict().items():
                setattr(self, name, value)
            self.message = ""

    def _face_at(self, point):
        inside = [i for i, (x0, y0, x1, y1) in enumerate(self.boxes) if x0 <= point[0] <= x1 and y0 <= point[1] <= y1]
        return inside[0] if inside else None
