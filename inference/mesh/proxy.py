"""A stand-in for a portrait that is quick to make and to draw: its surface as one coarse grid of quads."""

import numpy as np

from ..geometry.grids import corner_grid
from ..portrait import Portrait
from .layers import VisibleQuads, sheet_mesh
from .surface import find_surface
from .textured import TexturedMesh

QUADS = 72  # along the grid's sides: a few thousand, 5 mm each


def proxy_mesh(portrait: Portrait, quads: int = QUADS) -> TexturedMesh | None:
    """The solid part of a portrait's surface, open behind, with the colours of its columns; None of an empty portrait.

    quads: along each side of the grid over the dome, of which those that are solid are kept.
    """
    try:
        surface = find_surface(portrait.textures, portrait.radii)
    except ValueError:
        return None
    radius = corner_grid(surface.radius, quads + 1, quads + 1)
    vertices, faces, uv = sheet_mesh(radius[None], 0, quads)
    solid = VisibleQuads(np.uint8(255) * (surface.opacity >= 0.5))(quads)
    used, faces = np.unique(faces[solid.ravel()], return_inverse=True)
    return TexturedMesh(vertices[used], faces.reshape(-1, 4).astype(np.int32), uv[used], surface.color, name="proxy")
