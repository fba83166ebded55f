"""The render engine in a 3D viewport: a coarse picture at once, finer ones after it, all worked out in a thread."""

import collections
import contextlib
import threading
import time

import bpy
import numpy as np

from ..language import strings
from ..work.operator import one_line
from . import cameras
from .samples import render_sampled
from .scene import load_shown, world_colour
from .schedule import Schedule

PASS_ON_SECONDS = 0.03  # between looks at whether a thread wants the viewport drawn

# camera: in the world. portraits: [:class:`Shown`]. backdrop: (3,) linear colour or None
View = collections.namedtuple("View", "camera portraits backdrop")


class Redraw:
    """Asks a viewport's engine to draw again; called in any thread, passed on in the main one.

    The engine belongs to Blender, which frees it in the main thread: a call from another one may come too late. Raises
    ReferenceError once the viewport is gone.
    """

    def __init__(self, engine):
        self._engine, self._asked = engine, False
        self._timer = self._pass_on  # one object: Blender knows timers by it
        bpy.app.timers.register(self._timer, first_interval=PASS_ON_SECONDS, persistent=True)

    def __call__(self):
        if self._engine is None:
            raise ReferenceError("the viewport is gone")
        self._asked = True

    def gone(self):
        """True once the viewport is gone; nobody will see its pictures."""
        return self._engine is None

    def _pass_on(self):
        asked, self._asked = self._asked, False
        try:
            _ = self._engine.is_preview  # raises when the engine was freed; a method kept from before does not
            if asked:
                self._engine.tag_redraw()
        except ReferenceError:
            self._engine = None
            return None
        return PASS_ON_SECONDS


class Viewport:
    """Pictures of one viewport.

    redraw: function without arguments that asks for another draw; called in the thread. schedule: see there. gone:
    function that tells whether the viewport is gone.
    """

    def __init__(self, redraw, schedule=None, gone=lambda: False):
        self._redraw, self._gone = redraw, gone
        self._lock = threading.Lock()
        self._schedule = schedule or Schedule()
        self._busy = False
        self._picture = None  # (H, W, 4) float32, row 0 on top
        self._message = ""
        self._texture = self._texture_of = None

    def draw(self, engine, context, depsgraph, portraits):
        """Draw the newest picture into the region and have a better one made if the view is another."""
        scene = depsgraph.scene
        camera = cameras.region_camera(context.region, context.region_data)
        left, top, right, bottom = cameras.region_border(context, depsgraph, camera)
        if right <= left or bottom <= top:
            return
        backdrop = None if scene.render.film_transparent else world_colour(scene)
        samples = int(scene.portrait_manifolds.samples)
        self.want(camera.cropped(left, top, right, bottom), portraits, backdrop, samples)
        with self._lock:
            picture, message = self._picture, self._message
        engine.update_stats(strings.ENGINE if message else "", message)
        if picture is not None:
            place = left, camera.height - bottom, right - left, bottom - top
            self._draw_picture(engine, scene, picture, place)

    def want(self, camera, portraits, backdrop, samples=1):
        """Ask for a picture.

        portraits: [:class:`Shown`]. samples: along a pixel's side, in the last picture.
        """
        key, view = _key(camera, portraits, backdrop, samples), View(camera, portraits, backdrop)
        with self._lock:
            if not self._schedule.want(key, view, camera.width * camera.height, samples) or self._busy:
                return
            self._busy = True
        threading.Thread(target=self._run, name="portrait_manifolds_viewport", daemon=True).start()

    def wait(self, seconds):
        """Wait until the wanted picture is finished; True when it is."""
        end = time.monotonic() + seconds
        while self._busy and time.monotonic() < end:
            time.sleep(0.01)
        return not self._busy

    def _run(self):
        while True:
            with self._lock:
                step = self._schedule.next()
                if step is None:
                    self._busy = False
                    return
            try:
                self._make(step)
            except ReferenceError:  # the viewport is gone
                with self._lock:
                    self._busy = False
                return
            except Exception as error:
                with self._lock:
                    self._schedule.failed(step)
                self._say(one_line(error))

    def _make(self, step):
        """Make a picture and show it, unless it is outdated before it is finished."""
        camera, portraits, backdrop = step.view
        found, left_out = load_shown(portraits)
        self._say("; ".join(left_out))
        if camera.ortho_width is not None:  # an orthographic viewport also shows what is behind its plane
            camera = cameras.step_back(camera, max((_reach(one.matrix, camera) for one in found), default=0.0))
        picture = self._picture_of(step, camera, found, backdrop)
        if picture is None:
            return
        with self._lock:
            self._schedule.finished(step, picture[..., 0].size)
            self._picture = picture
        self._redraw()

    def _say(self, message):
        """Show a message in the viewport, or none."""
        with self._lock:
            changed, self._message = message != self._message, message
        if changed:
            with contextlib.suppress(ReferenceError):
                self._redraw()

    def _picture_of(self, step, camera, found, backdrop):
        """(H, W, 4) float32 combined picture, or None when it is outdated meanwhile."""
        width, height = (max(1, round(side / step.coarseness)) for side in (camera.width, camera.height))
        small = camera.scaled(width, height)
        combined = np.empty((height, width, 4), np.float32)
        rows = height if step.first else max(8, self._schedule.band() // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            band = small.cropped(0, top, width, bottom)
            picture = render_sampled(found, band, step.samples, backdrop, stop=lambda: self._outdated(step))
            if picture is None or self._outdated(step):
                return None
            combined[top:bottom] = picture.combined
        return combined

    def _outdated(self, step):
        if self._gone():
            raise ReferenceError("the viewport is gone")
        with self._lock:
            return self._schedule.outdated(step)

    def _draw_picture(self, engine, scene, picture, place):
        """place: left, bottom, width and height in pixels of the region."""
        import gpu
        from gpu_extras.presets import draw_texture_2d

        if self._texture_of is not picture:
            rows, columns = picture.shape[:2]
            flat = np.ascontiguousarray(picture[::-1]).ravel()
            data = gpu.types.Buffer("FLOAT", len(flat), flat)
            self._texture = gpu.types.GPUTexture((columns, rows), format="RGBA32F", data=data)
            self._texture_of = picture
        gpu.state.blend_set("ALPHA_PREMULT")
        engine.bind_display_space_shader(scene)
        draw_texture_2d(self._texture, place[:2], *place[2:])
        engine.unbind_display_space_shader()
        gpu.state.blend_set("NONE")


def _reach(matrix, camera):
    """How far from the camera a portrait ends, units of the scene."""
    size = max(column.length for column in matrix.to_3x3().col)  # of a metre, which no head exceeds
    return np.linalg.norm(np.array(matrix.translation) - camera.position) + size


def _key(camera, portraits, backdrop, samples):
    numbers = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, camera.ortho_width)
    placed = tuple((*shown._replace(matrix=None), *map(tuple, shown.matrix)) for shown in portraits)
    return numbers, camera.camera_to_world.tobytes(), placed, backdrop, samples
