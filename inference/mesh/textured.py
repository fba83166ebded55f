"""A textured mesh: what every extraction returns and every file writer takes."""

import dataclasses

import numpy as np

MARCHING_CUBES, HEAD = TOPOLOGIES = "marching-cubes", "head"  # of a mesh: the surface, or a head wrapped on it


@dataclasses.dataclass(frozen=True, eq=False)
class TexturedMesh:
    """One piece of a portrait with its look. Positions are in portrait space, in metres.

    vertices: (n, 3) float32.
    faces: (m, 3) or (m, 4) int32, counter-clockwise from outside.
    uv: (k, 2) float32 in [0, 1], v up.
    texture: (h, w, 3) uint8 sRGB, or (h, w, 4) with straight alpha.
    face_uv: int32 of the faces' shape, rows of uv at the faces' corners; None where a vertex has the row of its number.
    normals: (n, 3) float32 unit vectors; None for the area-weighted mean of the faces'.
    normal_map: (h, w, 3) uint8, 127.5 + 127.5 n in tangent space as in glTF 2.0, section 3.9.3; None for none.
    groups: per name, (n,) float32 in [0, 1], how far each vertex belongs to a part.
    shape_keys: per name, (n, 3) float32, metres, what to add to the vertices at a weight of 1.
    name: one word: what the piece is.
    weights: per shape key, how far it is on at first; those without one are off.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    face_uv: np.ndarray | None = None
    normals: np.ndarray | None = None
    normal_map: np.ndarray | None = None
    groups: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    shape_keys: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    name: str = "portrait"
    weights: dict[str, float] = dataclasses.field(default_factory=dict)
