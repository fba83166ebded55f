"""What is drawn over a region while a crop is adjusted: the photo, the square with its handles, the landmarks."""

import math

import bpy
import numpy as np
from mathutils import Color

from ..language import strings
from ..language.translate import translate
from .crop_frame import HANDLES
from .crop_session import CROP

MAX_TEXTURE = 2048  # pixels along the photo's longer side, as shown
BACKDROP = (0.08, 0.08, 0.08, 1.0)
SHADE = (0.0, 0.0, 0.0, 0.55)  # over the photo outside of the square
FRAME, ACTIVE, LANDMARK = (1.0, 0.62, 0.15, 1.0), (1.0, 1.0, 1.0, 1.0), (0.25, 0.95, 1.0, 0.8)
FACE, GUIDE = (0.6, 0.6, 0.6, 0.9), (1.0, 0.62, 0.15, 0.35)
SHARES = (0.02, 0.25, 0.6)  # of a landmark's way that others go along: what is more is drawn larger and whiter
STRIP = 64  # pixels at the bottom for two lines of text
HEAD = 2 / 3  # of the square's side that a head with hair fills
AXES = ((0.9, 0.25, 0.3, 1.0), (0.45, 0.8, 0.1, 1.0), (0.3, 0.55, 1.0, 1.0))

_handles = {}  # {draw handle: space type}


class Overlay:
    """Draws a crop session into one area's main region until `remove`.

    photo: (H, W, 3) uint8 sRGB.
    """

    def __init__(self, session, photo, area, region):
        self._session, self._photo, self._texture = session, photo, None
        self._area, self._region = area.as_pointer(), region.as_pointer()
        space = type(area.spaces.active)
        self._space = space
        self._handle = space.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        _handles[self._handle] = space

    def remove(self):
        """Stop drawing."""
        if self._handle is not None and _handles.pop(self._handle, None):
            self._space.draw_handler_remove(self._handle, "WINDOW")
        self._handle = self._texture = None

    def _draw(self):
        context = bpy.context
        if context.region.as_pointer() != self._region:
            return
        import gpu

        region = context.region
        fit = self._session.fit(free_rectangle(context.area, region))
        gpu.state.blend_set("ALPHA")
        try:
            _triangles([(0, 0), (region.width, 0), (region.width, region.height), (0, region.height)], BACKDROP)
            self._draw_photo(fit)
            self._draw_frame(fit, context.preferences.system.ui_scale)
            self._draw_numbers(fit, context.preferences.system.ui_scale)
            self._draw_text(context, region)
        finally:
            gpu.state.blend_set("NONE")

    def _draw_photo(self, fit):
        from gpu_extras.presets import draw_texture_2d

        if self._texture is None:
            self._texture = photo_texture(self._photo)
        width, height = self._session.photo_size
        left, bottom = fit.to_region((0, height))
        draw_texture_2d(self._texture, (left, bottom), width * fit.scale, height * fit.scale)

    def _draw_frame(self, fit, scale):
        session, frame = self._session, self._session.frame
        size = session.photo_size
        photo = fit.to_region([(0, 0), (size[0], 0), size, (0, size[1])])
        corners = fit.to_region(frame.corners())
        for part in outside(photo, corners):
            _triangles(part, SHADE)
        for index, (x0, y0, x1, y1) in enumerate(session.boxes):
            if len(session.boxes) > 1 and (index != session.face or session.by_hand):
                _lines(fit.to_region([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), FACE, scale)
        if session.mode != CROP:
            _lines(corners, GUIDE, 2 * scale)
            self._draw_landmarks(fit, scale)
            self._draw_pose(fit, scale)
            return
        if len(session.landmarks):
            _squares(fit.to_region(session.landmarks), 1.3 * scale, LANDMARK)
        _lines(fit.to_region(_circle(frame.centre, HEAD * frame.size / 2)), GUIDE, scale)
        top, knob = (corners[0] + corners[1]) / 2, fit.to_region(frame.knob())
        _lines(corners, FRAME, 2 * scale)
        _lines([top, knob], FRAME, 2 * scale, closed=False)
        for name, place in (("knob", knob), *zip(HANDLES, corners, strict=True)):
            _squares([place], 5 * scale, ACTIVE if session.hover == name else FRAME)
        self._draw_pose(fit, scale)

    def _draw_landmarks(self, fit, scale):
        """The mean head in the pose (orange), the landmarks (blue), and what would go along with the one in hand."""
        session, influence = self._session, self._session.influence()
        if len(session.head):
            _squares(fit.to_region(session.head), 1.3 * scale, FRAME)
        if len(session.landmarks):
            _squares(fit.to_region(session.landmarks), 1.6 * scale, LANDMARK)
        if influence is None:
            return
        for share, opacity in zip(SHARES, (0.4, 0.7, 1.0), strict=True):
            along = session.landmarks[influence >= share]
            _squares(fit.to_region(along), (1.6 + share) * scale, (*ACTIVE[:3], opacity))
        _squares([fit.to_region(session.landmarks[influence.argmax()])], 4 * scale, FRAME)
        _lines(fit.to_region(_circle(*session.circle())), ACTIVE, scale)

    def _draw_pose(self, fit, scale):
        """The head's own axes at the centre: to its left (red), upwards (green) and forwards (blue)."""
        frame = self._session.frame
        for axis, colour in zip(head_axes(self._session.pose), AXES, strict=True):
            end = np.asarray(frame.centre) + axis * frame.size * 0.2
            _lines(fit.to_region([frame.centre, end]), colour, 2.5 * scale, closed=False)

    def _draw_numbers(self, fit, scale):
        """Which face is which, as in the panel's list."""
        import blf

        boxes = self._session.boxes if len(self._session.boxes) > 1 and self._session.mode == CROP else ()
        blf.size(0, 12 * scale)
        blf.color(0, *ACTIVE)
        for number, (left, top, _, _) in enumerate(boxes):
            x, y = fit.to_region((left, top))
            blf.position(0, x, y + 4 * scale, 0)
            blf.draw(0, strings.FACE_ROW.format(number=number))

    def _draw_text(self, context, region):
        import blf

        session, frame = self._session, self._session.frame
        scale = context.preferences.system.ui_scale
        yaw, pitch, roll = session.pose
        numbers = strings.CROP_NUMBERS.format(x=frame.centre[0], y=frame.centre[1], size=frame.size, roll=frame.roll)
        pose = strings.POSE_NUMBERS.format(yaw=yaw, pitch=pitch, roll=roll)
        radius = "" if session.mode == CROP else "   " + strings.RADIUS_NUMBER.format(radius=100 * session.radius)
        left, bottom, _, _ = free_rectangle(context.area, region)
        low = bottom - STRIP
        _triangles([(0, low), (region.width, low), (region.width, bottom), (0, bottom)], (*BACKDROP[:3], 0.8))
        blf.size(0, 13 * scale)
        for row, text in enumerate((f"{numbers}   {pose}{radius}", translate(session.message))):
            blf.position(0, left + 16 * scale, bottom - (20 + 20 * row) * scale, 0)
            blf.color(0, *((1.0, 0.45, 0.3, 1.0) if row else (0.9, 0.9, 0.9, 1.0)))
            blf.draw(0, text)


def free_rectangle(area, region):
    """(x, y, width, height) in pixels of a region that no header, no sidebar and no text of ours lies over."""
    left, bottom, right, top = 0, STRIP, region.width, region.height
    for other in area.regions:
        x, y = other.x - region.x, other.y - region.y
        over = other.type != "WINDOW" and min(other.width, other.height) > 1
        if not over or x + other.width <= 0 or y + other.height <= 0 or x >= region.width or y >= region.height:
            continue
        if other.alignment == "LEFT":
            left = max(left, x + other.width)
        elif other.alignment == "RIGHT":
            right = min(right, x)
        elif other.alignment == "TOP":
            top = min(top, y)
        elif other.alignment == "BOTTOM":
            bottom = max(bottom, y + other.height + STRIP)
    return left, bottom, max(right - left, 1), max(top - bottom, 1)


def head_axes(pose):
    """(3, 2) photo directions (y down) of the head's left, up and forward axes; pose: degrees yaw, pitch, roll."""
    yaw, pitch, roll = (math.radians(value) for value in pose)
    axes = np.array(  # of portrait space, along the right and up of a camera that stands at yaw and pitch
        [
            [math.cos(yaw), -math.sin(yaw) * math.sin(pitch)],
            [0.0, math.cos(pitch)],
            [-math.sin(yaw), -math.cos(yaw) * math.sin(pitch)],
        ]
    )
    right = np.array([math.cos(roll), math.sin(roll)])
    up = np.array([math.sin(roll), -math.cos(roll)])
    return axes[:, :1] * right + axes[:, 1:] * up


def _circle(centre, radius):
    """(64, 2) points of a circle."""
    angle = np.linspace(0, 2 * math.pi, 65)[:-1]
    return np.column_stack([np.cos(angle), np.sin(angle)]) * radius + centre


def outside(outer, inner):
    """Four quads that cover a quad but for another within it, both (4, 2) in the same order."""
    return [np.array([outer[i], outer[i - 3], inner[i - 3], inner[i]]) for i in range(4)]


def photo_texture(photo):
    """GPUTexture of (H, W, 3) uint8 sRGB, made smaller if it is large; row 0 at the bottom, as it is drawn.

    Its values are linear: what is drawn into a region is encoded as sRGB afterwards.
    """
    import cv2
    import gpu

    height, width = photo.shape[:2]
    shrink = min(1.0, MAX_TEXTURE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if shrink < 1.0 else photo
    pixels = np.ones((size[1], size[0], 4), np.float32)
    linear = [Color([value / 255] * 3).from_srgb_to_scene_linear().r for value in range(256)]
    pixels[..., :3] = np.array(linear, np.float32)[small[::-1]]
    buffer = gpu.types.Buffer("FLOAT", pixels.size, pixels.ravel())
    return gpu.types.GPUTexture(size, format="RGBA16F", data=buffer)


def remove_all():
    """Take every overlay off, as the extension goes away."""
    for handle, space in list(_handles.items()):
        space.draw_handler_remove(handle, "WINDOW")
    _handles.clear()


def _triangles(quad, colour):
    """A convex quad (4, 2)."""
    a, b, c, d = (tuple(map(float, point)) for point in quad)
    _batch("TRIS", [a, b, c, a, c, d], colour)


def _squares(points, half, colour):
    """Small squares around points (n, 2)."""
    offsets = half * np.array([(-1, -1), (1, -1), (1, 1), (-1, -1), (1, 1), (-1, 1)])
    corners = (np.asarray(points)[:, None] + offsets).reshape(-1, 2)
    _batch("TRIS", corners.tolist(), colour)


def _lines(points, colour, width, closed=True):
    """Lines of a width in pixels through points (n, 2), as quads: wide lines are not drawn everywhere."""
    points = np.asarray(points, np.float64)
    ends = np.roll(points, -1, 0) if closed else points[1:]
    starts = points if closed else points[:-1]
    along = ends - starts
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    along = along / length * width / 2
    side = np.column_stack([-along[:, 1], along[:, 0]])
    starts, ends = starts - along, ends + along
    quads = np.stack([starts - side, ends - side, ends + side, starts - side, ends + side, starts + side], 1)
    _batch("TRIS", quads.reshape(-1, 2).tolist(), colour)


def _batch(kind, points, colour):
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, kind, {"pos": points}).draw(shader)
