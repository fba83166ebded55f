"""Levels of detail: the same mesh several times, each with a quarter of the faces of the one before."""

import dataclasses

from ..portrait import Portrait
from ..progress import Progress, silent
from .extract import extract_mesh
from .textured import TexturedMesh

QUARTER = 4
COARSEST = 64  # voxels along the head; below, a mesh loses the nose and not only faces
FEWEST = 100  # faces that a head can be reduced to


def levels_of_detail(
    portrait: Portrait,
    levels: int = 3,
    resolution: int = 192,
    faces: int | None = None,
    smoothing: float = 1,
    closed: bool = False,
    progress: Progress = silent,
) -> list[TexturedMesh]:
    """Meshes of a portrait, the finest first: as :func:`.extract.extract_mesh` makes it, then with 1/4, 1/16, ... of
    its faces, from a grid that is half as fine each time. All have the texture of the finest one: where on it a point
    lies follows from where on the head it lies.

    levels: how many in all. The rest as for :func:`.extract.extract_mesh`, which raises PortraitError.
    """
    made = []
    for level in range(levels):

        def within(fraction, text, level=level):
            progress((level + fraction) / levels, text)

        wanted = faces if level == 0 else max(len(made[0].faces) // QUARTER**level, FEWEST)
        finest = max(resolution // 2**level, min(COARSEST, resolution))
        mesh = extract_mesh(portrait, finest, wanted, smoothing, closed, progress=within)
        made.append(dataclasses.replace(mesh, texture=made[0].texture) if made else mesh)
    return made
