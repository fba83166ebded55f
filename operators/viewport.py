"""The render engine in a 3D viewport: a coarse picture at once, finer ones after it, all worked out in a thread."""

import contextlib
import threading
import time

import numpy as np

from . import cameras, strings
from .base import one_line
from .portraits import load_file, portrait_to_world

COARSENESS = (4, 2, 1)  # pixels of the region per pixel of the picture, one after the other
BAND_PIXELS = 1 << 17  # rays followed between two looks at whether the view has changed


class Viewport:
    """Pictures of one viewport.

    redraw: function without arguments that asks for another draw; called in the thread.
    """

    def __init__(self, redraw):
        self._redraw = redraw
        self._lock = threading.Lock()
        self._wanted = self._finished = None
        self._busy = False
        self._picture = None  # (H, W, 4) float32, row 0 on top
        self._message = ""
        self._texture = self._texture_of = None

    def draw(self, engine, context, scene, portraits):
        """Draw the newest picture into the region and have a better one made if the view is another."""
        from .render_engine import world_colour

        camera = cameras.region_camera(context.region, context.region_data)
        backdrop = None if scene.render.film_transparent else world_colour(scene)
        self.want(camera, portraits, backdrop)
        with self._lock:
            picture, message = self._picture, self._message
        engine.update_stats(strings.ENGINE if message else "", message)
        if picture is not None:
            self._draw_picture(engine, scene, picture, context.region.width, context.region.height)

    def want(self, camera, portraits, backdrop):
        """Ask for a picture. portraits: [(path, world matrix)]."""
        key = _key(camera, portraits, backdrop)
        with self._lock:
            if self._wanted is not None and self._wanted[0] == key:
                return
            self._wanted = key, camera, portraits, backdrop
            if self._busy:
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
                wanted = self._wanted
                if wanted is self._finished:
                    self._busy = False
                    return
            try:
                message = "" if self._refine(*wanted) else self._message
            except ReferenceError:  # the viewport is gone
                with self._lock:
                    self._busy = False
                return
            except Exception as error:  # shown in the viewport
                message = one_line(error)
            with self._lock:
                changed, self._message = message != self._message, message
                self._finished = wanted
            if changed:
                with contextlib.suppress(ReferenceError):
                    self._redraw()

    def _refine(self, key, camera, portraits, backdrop):
        """Coarse to fine until the view changes; True when the finest picture was made."""
        from .render_engine import render_portraits

        found = [(load_file(path), matrix) for path, matrix in portraits]
        if camera.ortho_width is not None:  # an orthographic viewport also shows what is behind its plane
            centres = [np.array(portrait_to_world(matrix)[0].translation) for _, matrix in found]
            away = max((np.linalg.norm(centre - camera.position) for centre in centres), default=0.0)
            camera = cameras.step_back(camera, away + 1.0)
        for coarseness in COARSENESS:
            width, height = max(1, camera.width // coarseness), max(1, camera.height // coarseness)
            small = cameras.resize(camera, width, height)
            picture = np.empty((height, width, 4), np.float32)
            rows = max(16, BAND_PIXELS // width)
            for top in range(0, height, rows):
                if self._wanted[0] != key:
                    return False
                bottom = min(top + rows, height)
                band = cameras.crop(small, 0, top, width, bottom)
                picture[top:bottom], _ = render_portraits(found, band, backdrop)
            with self._lock:
                self._picture = picture
            self._redraw()
        return True

    def _draw_picture(self, engine, scene, picture, width, height):
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
        draw_texture_2d(self._texture, (0, 0), width, height)
        engine.unbind_display_space_shader()
        gpu.state.blend_set("NONE")


def _key(camera, portraits, backdrop):
    numbers = (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy, camera.ortho_width)
    placed = tuple((path, *(value for row in matrix for value in row)) for path, matrix in portraits)
    return numbers, camera.camera_to_world.tobytes(), placed, backdrop
