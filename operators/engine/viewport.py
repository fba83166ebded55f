"""The render engine in a 3D viewport: a picture by the GPU at every redraw; or by the CPU, worked out in a thread, a
coarse one at once and finer ones after it. Both come with their depth, so that the viewport's grid is hidden by them.
"""

import collections
import contextlib
import threading
import time

import bpy
import numpy as np

from ..language import strings
from ..work.operator import one_line
from . import cameras, gpu_draw
from .gpu_view import GpuView
from .samples import render_sampled
from .scene import load_shown, world_colour
from .schedule import Schedule

PASS_ON_SECONDS = 0.03  # between looks at whether a thread wants the viewport drawn

# camera: in the world. portraits: [:class:`Shown`]. backdrop: (3,) linear colour or None
View = collections.namedtuple("View", "camera portraits backdrop")


class Redraw:
    """Asks a viewport's engine to draw again; called in any thread, passed on in the main one.

    The engine belongs to Blender, which frees it in the main thread: a call from another one may come too late. Raises
    ReferenceError once the viewport is gone. region: address of the viewport's, as of `as_pointer`.
    """

    def __init__(self, engine, region=None):
        self._engine, self._region, self._asked = engine, region, False
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
            if asked and not _tag_redraw(self._region):
                self._engine.tag_redraw()
        except ReferenceError:
            self._engine = None
            return None
        return PASS_ON_SECONDS


def _tag_redraw(region):
    """Have all of a region drawn; for an engine alone Blender takes the depth that the viewport had before."""
    screens = [window.screen for window in bpy.context.window_manager.windows]
    found = [one for screen in screens for area in screen.areas for one in area.regions if one.as_pointer() == region]
    for one in found:
        one.tag_redraw()
    return bool(found)


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
        self._picture = self._depth = None  # (H, W, 4) and (H, W) float32, row 0 on top
        self._nearer = 0.0  # than their depths is what they show; see `_stand_back`
        self._message = ""
        self._drawn = self._drawn_of = None
        self._gpu = None  # :class:`GpuView`
        self._loaded = self._loaded_of = None

    def draw(self, engine, context, depsgraph, portraits):
        """Draw the newest picture into the region and have a better one made if the view is another."""
        scene = depsgraph.scene
        camera = cameras.region_camera(context.region, context.region_data)
        left, top, right, bottom = cameras.region_border(context, depsgraph, camera)
        if right <= left or bottom <= top:
            return
        backdrop = None if scene.render.film_transparent else world_colour(scene)
        settings, view = scene.portrait_manifolds, camera.cropped(left, top, right, bottom)
        if self._gpu is None or self._gpu.devices.wanted != settings.device:
            self._gpu = GpuView(settings.device)
        samples = int(settings.samples)
        shown = self._by_gpu(view, portraits, samples) or self._by_cpu(view, portraits, backdrop, samples)
        drawn, nearer, message = shown
        message = "; ".join(filter(None, [message, self._gpu.devices.warning]))
        engine.update_stats(strings.ENGINE if message else "", message)
        if drawn is not None:
            projection = np.array(context.region_data.window_matrix)
            projection[2, 3] += projection[2, 2] * nearer
            across, up = 2.0 / camera.width, -2.0 / camera.height
            rectangle = left * across - 1.0, bottom * up + 1.0, right * across - 1.0, top * up + 1.0
            gpu_draw.present(drawn, projection, rectangle, backdrop)

    def _by_gpu(self, camera, portraits, samples):
        """The GPU's picture, by how much its depths are too large, and a message; None where the GPU makes none."""
        if not self._gpu.devices.gpu:
            return None
        if self._loaded_of is not portraits:
            self._loaded, self._loaded_of = load_shown(portraits), portraits
        found, left_out = self._loaded
        camera, nearer = _stand_back(camera, found)
        key = _key(camera, portraits, None, samples), *(id(one.portrait) for one in found)
        picture = self._gpu.picture(key, found, camera, samples)
        if picture is None:
            return None
        drawn, finer = picture
        if finer:
            self._redraw()
        self._drawn, self._drawn_of, self._nearer = drawn, None, nearer  # until the CPU has one, should that take over
        return drawn, nearer, "; ".join(left_out)

    def _by_cpu(self, camera, portraits, backdrop, samples):
        """The CPU's newest picture, as of :meth:`_by_gpu`; a better one is made if the view is another."""
        self.want(camera, portraits, backdrop, samples)
        with self._lock:
            picture, depth, nearer, message = self._picture, self._depth, self._nearer, self._message
        if self._drawn_of is not picture:
            self._drawn = gpu_draw.uploaded(picture, depth)
            self._drawn_of = picture
        return self._drawn, nearer, message

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
        camera, nearer = _stand_back(camera, found)
        made = self._picture_of(step, camera, found, backdrop)
        if made is None:
            return
        picture, depth = made
        with self._lock:
            self._schedule.finished(step, depth.size)
            self._picture, self._depth, self._nearer = picture, depth, nearer
        self._redraw()

    def _say(self, message):
        """Show a message in the viewport, or none."""
        with self._lock:
            changed, self._message = message != self._message, message
        if changed:
            with contextlib.suppress(ReferenceError):
                self._redraw()

    def _picture_of(self, step, camera, found, backdrop):
        """(H, W, 4) float32 combined picture and (H, W) depth, or None when it is outdated meanwhile."""
        width, height = (max(1, round(side / step.coarseness)) for side in (camera.width, camera.height))
        small = camera.scaled(width, height)
        combined, depth = np.empty((height, width, 4), np.float32), np.empty((height, width), np.float32)
        rows = height if step.first else max(8, self._schedule.band() // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            band = small.cropped(0, top, width, bottom)
            picture = render_sampled(found, band, step.samples, backdrop, stop=lambda: self._outdated(step))
            if picture is None or self._outdated(step):
                return None
            combined[top:bottom], depth[top:bottom] = picture.combined, picture.depth
        return combined, depth

    def _outdated(self, step):
        if self._gone():
            raise ReferenceError("the viewport is gone")
        with self._lock:
            return self._schedule.outdated(step)


def _stand_back(camera, found):
    """A camera that sees everything, and how much further back it is: orthographic viewports show what is behind."""
    if camera.ortho_width is None:
        return camera, 0.0
    metres = max((_reach(one.matrix, camera) for one in found), default=0.0)
    return cameras.step_back(camera, metres), metres


def _reach(matrix, camera):
    """How far from the camera a portrait ends, units of the scene."""
    size = max(column.length for column in matrix.to_3x3().col)  # of a metre, which no head exceeds
    return np.linalg.norm(np.array(matrix.translation) - camera.position) + size


def _key(camera, portraits, backdrop, samples):
    numbers = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, camera.ortho_width)
    placed = tuple((*shown._replace(matrix=None), *map(tuple, shown.matrix)) for shown in portraits)
    return numbers, camera.camera_to_world.tobytes(), placed, backdrop, samples
