"""The head that every portrait's is made from: quads with fixed numbers, shapes, parts, the space people span.

``models/head/head.npz`` is written by ``python -m training.head_base``; its card names sources and licences.
"""

import dataclasses
import functools
import hashlib
import io
import json
from pathlib import Path

import numpy as np

from ..errors import PortraitError

FOLDER = Path(__file__).resolve().parents[2] / "models" / "head"
FILE, CARD = "head.npz", "card.json"
PARTS = "skin", "left_eye", "right_eye", "upper_teeth", "lower_teeth", "tongue"
ARRAYS = {  # kind and dimensions of the arrays in the file
    "vertices": ("f", 2),
    "modes": ("f", 3),
    "part_starts": ("i", 1),
    "faces": ("u", 2),
    "face_uv": ("u", 2),
    "uv": ("f", 2),
    "group_names": ("U", 1),
    "groups": ("u", 2),
    "shape_names": ("U", 1),
    "shape_starts": ("i", 1),
    "shape_vertices": ("u", 1),
    "shape_deltas": ("i", 2),
    "shape_unit": ("f", 0),
    "landmark_corners": ("u", 2),
    "landmark_weights": ("f", 2),
    "multipie_corners": ("u", 2),
    "multipie_weights": ("f", 2),
    "lids": ("u", 2),
    "lid_clearance": ("f", 2),
    "lip_seam": ("u", 2),
    "tongue_faces": ("u", 2),
    "tongue_face_uv": ("u", 2),
    "tongue_uv": ("f", 2),
    "tongue_texture": ("u", 1),
    "teeth_vertices": ("f", 2),
    "teeth_lower": ("b", 1),
    "teeth_faces": ("u", 2),
    "teeth_face_uv": ("u", 2),
    "teeth_uv": ("f", 2),
    "teeth_texture": ("u", 1),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Asset:
    """A part that comes with a look of its own. faces, face_uv (m, 4) int32, uv (k, 2) float32, v up,
    texture (h, w, 3) uint8 sRGB. What faces number: see where it is used."""

    faces: np.ndarray
    face_uv: np.ndarray
    uv: np.ndarray
    texture: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class HeadBase:
    """The mean head without an expression, in portrait space, metres: n = 5,063 vertices.

    vertices: (n, 3) float32. parts: {name of PARTS: slice of the vertices}; the skin comes first. The eyes' vertices
    lie on the eyeballs, those of the teeth round the teeth; both say where a part is and are not drawn.
    modes: (c, n, 3) float32, what one standard deviation of each principal component adds.
    faces, face_uv: (m, 4) int32, the skin's quads, counter-clockwise from outside; uv: (k, 2) float32, v up.
    groups: {name: (skin's vertices,) float32 in [0, 1]}.
    shapes: {one of ARKit's 52 names: (n, 3) float32}, metres, what it adds at a weight of 1.
    landmark_corners (468, 3) int32 and landmark_weights (468, 3) float32: FaceMesh's points as sums of three vertices;
    multipie_corners, multipie_weights (68, 3): those of Multi-PIE.
    lids: (2, 355) int32, left and right, and lid_clearance: (2, 355) float32, metres, how far each lies off the ball.
    lip_seam: (94, 2) int32, upper and lower vertices where the lips meet.
    tongue: :class:`Asset` whose faces number the base's vertices. teeth: one whose faces number teeth_vertices (t, 3)
    float32, metres, around the mean head; teeth_lower (t,) bool: those of the lower jaw.
    """

    vertices: np.ndarray
    parts: dict[str, slice]
    modes: np.ndarray
    faces: np.ndarray
    face_uv: np.ndarray
    uv: np.ndarray
    groups: dict[str, np.ndarray]
    shapes: dict[str, np.ndarray]
    landmark_corners: np.ndarray
    landmark_weights: np.ndarray
    multipie_corners: np.ndarray
    multipie_weights: np.ndarray
    lids: np.ndarray
    lid_clearance: np.ndarray
    lip_seam: np.ndarray
    tongue: Asset
    teeth: Asset
    teeth_vertices: np.ndarray
    teeth_lower: np.ndarray


@functools.cache
def head_base() -> HeadBase:
    """The base that comes with the program. Raises PortraitError when its file is missing or was changed."""
    return read_head_base(FOLDER)


def read_head_base(folder: Path) -> HeadBase:
    """The base in a folder, compared with the SHA-256 of its card. Raises PortraitError."""
    try:
        card = json.loads((folder / CARD).read_bytes())
        data = (folder / FILE).read_bytes()
        expected = card["files"][FILE]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PortraitError(f"the head in {folder} cannot be read ({error}); install the program again") from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise PortraitError(f"the head's file {folder / FILE} was changed; install the program again")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS}
        return _base(arrays)
    except (KeyError, ValueError, IndexError, OSError) as error:
        text = f"the head's file {folder / FILE} is damaged ({error}); install the program again"
        raise PortraitError(text) from None


def _base(arrays):
    for name, (kind, dimensions) in ARRAYS.items():
        array = arrays[name]
        if array.dtype.kind != kind or array.ndim != dimensions:
            raise ValueError(f"its {name} is a {array.ndim}-dimensional array of {array.dtype}")
    count = len(arrays["vertices"])
    starts = arrays["part_starts"].tolist()
    parts = {name: slice(*ends) for name, *ends in zip(PARTS, starts, [*starts[1:], count], strict=True)}
    unit = float(arrays["shape_unit"])
    shapes = {}
    for name, *ends in zip(arrays["shape_names"], arrays["shape_starts"], arrays["shape_starts"][1:], strict=False):
        shapes[str(name)] = shape = np.zeros((count, 3), np.float32)
        shape[arrays["shape_vertices"][slice(*ends)]] = arrays["shape_deltas"][slice(*ends)] * np.float32(unit)
    groups = zip(arrays["group_names"], arrays["groups"] / np.float32(255), strict=True)
    index = {name: array.astype(np.int32) for name, array in arrays.items() if array.dtype.kind == "u"}

    def asset(name):
        return Asset(
            index[f"{name}_faces"], index[f"{name}_face_uv"], arrays[f"{name}_uv"], _picture(arrays[f"{name}_texture"])
        )

    return HeadBase(
        vertices=arrays["vertices"],
        parts=parts,
        modes=arrays["modes"].astype(np.float32),
        faces=index["faces"],
        face_uv=index["face_uv"],
        uv=arrays["uv"],
        groups={str(name): weights for name, weights in groups},
        shapes=shapes,
        landmark_corners=index["landmark_corners"],
        landmark_weights=arrays["landmark_weights"],
        multipie_corners=index["multipie_corners"],
        multipie_weights=arrays["multipie_weights"],
        lids=index["lids"],
        lid_clearance=arrays["lid_clearance"],
        lip_seam=index["lip_seam"],
        tongue=asset("tongue"),
        teeth=asset("teeth"),
        teeth_vertices=arrays["teeth_vertices"],
        teeth_lower=arrays["teeth_lower"],
    )


def _picture(encoded):
    """(h, w, 3) uint8 sRGB from the bytes of a picture file."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(encoded.tobytes())).convert("RGB"))
