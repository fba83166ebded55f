"""What the GPU holds of a portrait: its sheets and where they lie, its detail map with mips, its rim, its backdrop.

`gpu.types.GPUTexture` takes floats only and makes no mips, so both are made here, once for each portrait.
"""

import functools
import math
import weakref

import numpy as np

_kept = weakref.WeakKeyDictionary()  # {Portrait: PortraitTextures}, as long as somebody holds the portrait


def textures_of(portrait):
    """The :class:`PortraitTextures` of a Portrait; needs a GPU context."""
    if portrait not in _kept:
        _kept[portrait] = PortraitTextures(portrait)
    return _kept[portrait]


def forget():
    """Drop all."""
    _kept.clear()


class PortraitTextures:
    """GPU textures of one portrait.

    shells: :class:`inference.view.shells.Shells`. sheets: (k, h, w, 4) in [0, 1]. bounds: radii of the bounds, metres,
    in each texel a cell's four corners. backdrop: the background plane with its continuation.
    """

    def __init__(self, portrait):
        from ...inference.view import shells

        self._portrait = weakref.proxy(portrait)
        self.shells = shells.prepared(portrait.radii)
        tables, _ = shells.tables_of(portrait.radii)
        self.sheets = texture(portrait.textures[: len(portrait.radii)], "RGBA8")
        corners = [
            np.stack([table[:-1, :-1], table[:-1, 1:], table[1:, :-1], table[1:, 1:]], axis=-1) for table in tables
        ]
        self.bounds = texture(np.stack(corners), "RGBA32F")
        self._mips = {}
        self._side, nothing = 0, np.zeros((1, 1, 4), np.float32)
        self._rim = texture(nothing, "RGBA8"), texture(nothing, "RGBA32F")

    @functools.cached_property
    def backdrop(self):
        from ...inference.view.backdrop import continued

        return texture(continued(self._portrait.textures[len(self._portrait.radii)]), "RGBA8")

    def detail(self, pixel):
        """The two detail maps between which pixels of so many metres lie, and the share of the coarser one."""
        from ...inference.geometry import detail_maps

        detail = self._portrait.detail
        if detail is None:
            return self._mip(0), self._mip(0), 0.0
        level = max(math.log2(max(detail.shape[:2]) / detail_maps.side_for(pixel)), 0.0)
        return self._mip(int(level)), self._mip(math.ceil(level)), level % 1.0

    def rim(self, seen):
        """Picture and places of a :class:`inference.view.rim.SeenRim` or None, with a ring of nothing around them.

        The newest are kept: only views that are small beside the photo have a picture of their own.
        """
        from ...inference.geometry.rims import WEIGHT

        if seen is not None and len(seen.rim.picture) != self._side:
            picture = np.pad(seen.rim.picture, ((1, 1), (1, 1), (0, 0)))
            places = np.pad(np.dstack([seen.about, seen.rim.places[WEIGHT]]), ((1, 1), (1, 1), (0, 1)))
            self._side, self._rim = len(seen.rim.picture), (texture(picture, "RGBA8"), texture(places, "RGBA32F"))
        return self._rim

    def _mip(self, level):
        """The detail map, made smaller by half so many times; one texel where there is none."""
        import cv2

        if level not in self._mips:
            detail = self._portrait.detail
            if detail is None:
                detail = np.zeros((1, 1, 3), np.uint8)
            size = max(detail.shape[1] >> level, 1), max(detail.shape[0] >> level, 1)
            smaller = cv2.resize(detail, size, interpolation=cv2.INTER_AREA)
            self._mips[level] = texture(np.dstack([smaller, smaller[..., 0]]), "RGBA8")
        return self._mips[level]


def texture(values, format):
    """A GPU texture of values (h, w, channels) or of layers (k, h, w, channels); uint8 becomes [0, 1]."""
    import gpu

    values = np.asarray(values)
    flat = values.astype(np.float32).ravel()
    if values.dtype == np.uint8:
        flat *= np.float32(1 / 255)
    height, width = values.shape[-3:-1]
    layers = len(values) if values.ndim == 4 else 0
    data = gpu.types.Buffer("FLOAT", flat.size, flat)
    return gpu.types.GPUTexture((width, height), layers=layers, format=format, data=data)
