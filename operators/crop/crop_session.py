"""Adjusting a crop: what each key and each move of the pointer does to the frame. No window is needed."""

from ...inference.errors import PortraitError
from .crop_frame import Fit, Frame

REACH = 14.0  # region pixels around a handle
STEP, FINE = 4.0, 0.5  # region pixels per arrow key; degrees per wheel step are a quarter of that
SLOW = 0.2  # of the pointer's way while Shift is held
GROW = 1.04  # per step of the wheel
ARROWS = {"LEFT_ARROW": (-1, 0), "RIGHT_ARROW": (1, 0), "UP_ARROW": (0, 1), "DOWN_ARROW": (0, -1)}
WHEEL = {"WHEELUPMOUSE": 1, "NUMPAD_PLUS": 1, "EQUAL": 1, "WHEELDOWNMOUSE": -1, "NUMPAD_MINUS": -1, "MINUS": -1}
RUNNING, APPLY, LEAVE = "running", "apply", "leave"


class CropSession:
    """The state between two events.

    photo_size: (width, height). boxes: [(x0, y0, x1, y1)] of the faces found. align: function of a Frame, or of the
    index of a face, that returns (Frame, landmarks (n, 2) photo pixels, (yaw, pitch, roll)); it may raise
    PortraitError, whose text is then shown.
    """

    def __init__(self, photo_size, frame, boxes, align, face=0, by_hand=True, landmarks=(), pose=(0.0, 0.0, 0.0)):
        self.photo_size, self.frame, self.boxes, self._align = photo_size, frame, boxes, align
        self.face, self.by_hand, self.landmarks, self.pose = face, by_hand, landmarks, pose
        self.message, self.hover = "", None
        self._seen = [(0, 0), photo_size, *frame.corners(), frame.knob()]
        self._drag = None  # (handle, frame, start and end of the way so far)
        self._pointer = None
        self._changed = False

    def fit(self, rectangle):
        """How photo and frame, as it was at first, lie in the free rectangle (x, y, width, height) of a region."""
        return Fit.of(self._seen, rectangle)

    def handle(self, kind, value, x, y, rectangle, shift=False, ctrl=False):
        """One event of Blender at a point of the region. Returns RUNNING, APPLY or LEAVE."""
        fit = self.fit(rectangle)
        point = fit.to_photo((x, y))
        if kind == "MOUSEMOVE":
            self._move(point, fit, shift)
        elif kind == "LEFTMOUSE" and value == "PRESS":
            self._press(point, fit)
        elif kind == "LEFTMOUSE" and value == "RELEASE":
            self._drag = None
            self._settle()
        elif value != "PRESS":
            return RUNNING
        elif kind in ("RET", "NUMPAD_ENTER"):
            return APPLY
        elif kind in ("ESC", "RIGHTMOUSE"):
            return LEAVE
        elif kind in ARROWS:
            step = (FINE if shift else STEP) / fit.scale
            right, up = ARROWS[kind]
            cx, cy = self.frame.centre
            self._set(Frame((cx + right * step, cy - up * step), self.frame.size, self.frame.roll))
            self._settle()
        elif kind in WHEEL:
            amount = WHEEL[kind] * (SLOW if shift else 1.0)
            self._set(self.frame.turned(amount) if ctrl else self.frame.scaled(GROW**amount))
            self._settle()
        elif kind == "A" and self.boxes:
            self.choose_face(self.face)
        return RUNNING

    def choose_face(self, index):
        """Back to the crop that follows from a face."""
        self.face, self.by_hand = index, False
        self._aligned(index)

    def _press(self, point, fit):
        handle = self.frame.handle_at(point, REACH / fit.scale)
        other = self._face_at(point)
        if handle is None and other is not None:
            self.choose_face(other)
        elif handle is not None:
            self._drag = handle, self.frame, point, point
            self._pointer = point

    def _move(self, point, fit, shift):
        if self._drag is None:
            self.hover = self.frame.handle_at(point, REACH / fit.scale)
            return
        handle, frame, start, end = self._drag
        end = end + (point - self._pointer) * (SLOW if shift else 1.0)
        self._pointer, self._drag = point, (handle, frame, start, end)
        self._set(frame.dragged(handle, start, end))

    def _set(self, frame):
        frame = frame.within(*self.photo_size)
        if frame != self.frame:
            self.frame, self.by_hand, self._changed = frame, True, True

    def _settle(self):
        """The frame rests: find the landmarks in it."""
        if self._changed:
            self._aligned(self.frame)

    def _aligned(self, choice):
        self._changed = False
        try:
            frame, self.landmarks, self.pose = self._align(choice)
            self.message = ""
            if not self.by_hand:
                self.frame = frame
        except PortraitError as error:
            self.message = str(error)

    def _face_at(self, point):
        inside = [i for i, (x0, y0, x1, y1) in enumerate(self.boxes) if x0 <= point[0] <= x1 and y0 <= point[1] <= y1]
        return inside[0] if inside else None
