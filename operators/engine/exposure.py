"""One picture out of many: all that a camera sees while its shutter is open, through all of its aperture."""

import collections
import dataclasses
import math

import numpy as np

from . import cameras
from .composite import FAR, Picture
from .lens import lens_of
from .scene import load_shown, visible_portraits
from .shutter import shutter_times

PLASTIC = 1.32471795724474602596  # R2, the sequence that covers a square evenly (Roberts 2018)

# time: frames from the frame. aperture, pixel: (2,) each in [0, 1).
Moment = collections.namedtuple("Moment", "time aperture pixel")


def is_blurred(scene, camera_object, depsgraph):
    """True when one picture is not enough: the camera has depth of field, or the scene motion blur."""
    return scene.render.use_motion_blur or lens_of(camera_object, depsgraph) is not None


def moments(scene, count):
    """[:class:`Moment`] of a scene's shutter, whose times, places on the aperture and places in the pixel are each
    spread evenly."""
    times = shutter_times(scene, count) if scene.render.use_motion_blur else np.zeros(count)
    stride = next(step for step in range(max(1, round(0.382 * count)), count + 2) if math.gcd(step, count) == 1)
    return [Moment(float(time), _even(index), _even(index * stride % count)) for index, time in enumerate(times)]


def _even(index):
    return (0.5 + index / PLASTIC) % 1.0, (0.5 + index / PLASTIC**2) % 1.0


class Exposure:
    """Gathers pictures of one size; depth is the nearest of them all, where half of the light comes from portraits."""

    def __init__(self, width, height, count):
        self._count = count
        self._combined = np.zeros((height, width, 4), np.float32)
        self._alpha = np.zeros((height, width), np.float32)
        self._depth, self._rim = (np.full((height, width), FAR, np.float32) for _ in range(2))

    def add(self, top, picture):
        """Add rows from `top` on of one of the pictures."""
        rows = slice(top, top + len(picture.depth))
        self._combined[rows] += picture.combined / self._count
        self._alpha[rows] += picture.alpha / self._count
        np.minimum(self._depth[rows], picture.depth, out=self._depth[rows])
        np.minimum(self._rim[rows], picture.rim_depth, out=self._rim[rows])

    def picture(self):
        """What was gathered, a :class:`composite.Picture`."""
        depth = np.where(self._alpha >= 0.5, self._depth, np.float32(FAR))
        return Picture(self._combined, depth, self._alpha, self._rim)


def expose(depsgraph, scene, camera_object, backdrop, frame_set, devices, rows, said, stop):
    """The :class:`composite.Picture` of a scene with depth of field or motion blur, or None when stopped.

    scene: whose settings count. frame_set: function (frame, subframe) that evaluates the depsgraph there. devices:
    :class:`device.Devices`. rows: how many to render at once. said: function that is told the share that is done. stop:
    function that is asked.
    """
    count = scene.portrait_manifolds.blur_samples
    exposure = None
    for number, (camera, placed) in enumerate(_views(depsgraph, scene, camera_object, frame_set, count)):
        exposure = exposure or Exposure(camera.width, camera.height, count)
        for top in range(0, camera.height, rows):
            band = camera.cropped(0, top, camera.width, min(top + rows, camera.height))
            picture = devices.render(placed, band, backdrop, 1, scene.render.threads, stop)
            if picture is None or stop():
                return None
            exposure.add(top, picture)
            said((number + (top + len(picture.depth)) / camera.height) / count)
    return exposure.picture()


def _views(depsgraph, scene, camera_object, frame_set, count):
    """[(camera, [`scene.Placed`])] of all moments.

    All are looked up before the first is rendered: meanwhile a window would show the scene at the moment's time.
    """
    moving = scene.render.use_motion_blur
    now = depsgraph.scene.frame_current + depsgraph.scene.frame_subframe
    views, camera = [], None
    for moment in moments(scene, count):
        if moving:
            frame_set(*_frame(now + moment.time))
        if moving or camera is None:
            camera, lens = cameras.world_camera(camera_object, depsgraph, scene), lens_of(camera_object, depsgraph)
            found, _ = load_shown(visible_portraits(depsgraph))
        seen = (camera, found) if lens is None else lens.through(camera, found, *lens.point(*moment.aperture))
        views.append((_within_pixel(seen[0], *moment.pixel), seen[1]))
    if moving:
        frame_set(*_frame(now))
    return views


def _within_pixel(camera, x, y):
    """A camera whose rays go through a point of the pixels, x and y in [0, 1) from their left and upper sides."""
    return dataclasses.replace(camera, cx=camera.cx + 0.5 - x, cy=camera.cy + 0.5 - y)


def _frame(time):
    """A time in frames as Blender takes it: the frame before it, and the share of the way to the next."""
    frame = math.floor(time)
    return frame, time - frame
