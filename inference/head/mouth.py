"""Teeth and tongue, where the fitted jaws are."""

import cv2
import numpy as np

from ..geometry.curves import smooth_step
from ..geometry.filling import nearest_index
from ..geometry.similarity import similarity
from ..mesh.corners import triangulated, vertex_normals
from ..mesh.raster import rasterise
from ..mesh.textured import TexturedMesh
from .base import HeadBase
from .texture import Photo, depths_of, front_of, look_up, seen

JAWS = "upper_teeth", "lower_teeth"
OPEN = 0.002  # metres between the lips from which on the photo shows what is behind them
MIDDLE = 0.008  # metres from the head's middle, of the front teeth and the lips before them
EDGE = -0.1  # of the opening, how far above the lower lip the upper teeth end: landmarks put that lip a little low
DROP = (-0.008, 0.003)  # metres by which teeth are moved for that
SHADE = 0.75  # of the teeth's own brightness, where the photo shows none: lips shade them
TONGUE_SHADE = 0.45  # of the tongue's own brightness: it lies in the mouth's shade
DEEP = 0.004, 0.030  # metres behind the front teeth over which they fade into the mouth's shade
DARK = 0.25  # of their brightness that is left there
BACK = np.array([0.0, -0.002, -0.006])  # metres, to where a tongue rests; the base's lies against the teeth


def drop_of(base: HeadBase, posed: np.ndarray, upper: np.ndarray) -> float:
    """Metres upwards by which teeth are to be moved so that the upper ones, (k, 3) metres, end where a smile has their
    edge. posed: (n, 3) the fitted base with the photo's expression."""
    lips = posed[base.lip_seam]
    lips = lips[np.abs(lips[:, 0, 0]) < MIDDLE, :, 1].mean(0)
    front = upper[np.abs(upper[:, 0]) < MIDDLE]
    if lips[0] - lips[1] < OPEN:
        return 0.0
    return float(np.clip(lips[1] + EDGE * (lips[0] - lips[1]) - front[:, 1].min(), *DROP))


def teeth(base: HeadBase, vertices: np.ndarray, turn: np.ndarray, drop: float) -> TexturedMesh:
    """The teeth with their gums. vertices: (n, 3) the fitted base without its expression, metres; turn (3, 3): takes
    the base's shapes to portrait space. Each jaw moves as a whole, also with the keys. drop: by :func:`drop_of`."""
    points = placed(base, vertices) + np.float32([0.0, drop, 0.0])
    moved = [name for name, delta in base.shapes.items() if any(delta[base.parts[jaw]].any() for jaw in JAWS)]
    keys = {name: np.zeros_like(points) for name in moved}
    for jaw in JAWS:
        own, there = base.teeth_lower == (jaw == "lower_teeth"), base.parts[jaw]
        for name, key in keys.items():
            if not base.shapes[name][there].any():
                continue
            goal = vertices[there] + base.shapes[name][there] @ turn.T
            key[own] = _moved(vertices[there], goal, points[own], rigid=True) - points[own]
    asset = base.teeth
    groups = {jaw: (base.teeth_lower == (jaw == "lower_teeth")).astype(np.float32) for jaw in JAWS}
    return TexturedMesh(
        points, asset.faces, asset.uv, asset.texture, asset.face_uv, groups=groups, shape_keys=keys, name="teeth"
    )


def placed(base: HeadBase, vertices: np.ndarray) -> np.ndarray:
    """The base's teeth (t, 3) float32 in the jaws of fitted vertices (n, 3), metres."""
    points = np.empty((len(base.teeth_vertices), 3), np.float32)
    for jaw in JAWS:
        own, there = base.teeth_lower == (jaw == "lower_teeth"), base.parts[jaw]
        points[own] = _moved(base.vertices[there], vertices[there], base.teeth_vertices[own])
    return points


def tongue(base: HeadBase, vertices: np.ndarray, turn: np.ndarray, drop: float) -> TexturedMesh:
    """The tongue, as of :func:`teeth`."""
    there = base.parts["tongue"]
    moved = {name: delta[there] for name, delta in base.shapes.items() if delta[there].any()}
    keys = {name: (delta @ turn.T).astype(np.float32) for name, delta in moved.items()}
    asset = base.tongue
    texture = np.rint(asset.texture * TONGUE_SHADE).astype(np.uint8)
    points = (vertices[there] + BACK + (0.0, drop, 0.0)).astype(np.float32)
    return TexturedMesh(
        points, asset.faces - there.start, asset.uv, texture, asset.face_uv, shape_keys=keys, name="tongue"
    )


def painted(piece: TexturedMesh, photo: Photo, skin: np.ndarray) -> np.ndarray:
    """The teeth's texture with the photo where it sees them, and elsewhere as bright as that.

    piece: the teeth, with the photo's expression as the key that is on. skin: the skin's depths by
    :func:`.texture.depths_of`, with it.
    """
    posed = piece.vertices + sum(weight * piece.shape_keys[name] for name, weight in piece.weights.items())
    triangles = triangulated(piece.faces, posed)
    rows = piece.face_uv[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    corners = piece.faces[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    size = piece.texture.shape[0]
    covered = rasterise(piece.uv[rows] * (size, -size) + (0, size), size, size)
    points = covered.interpolated(posed, corners)
    normals = covered.interpolated(vertex_normals(posed, piece.faces), corners)
    front = front_of(np.minimum(skin, depths_of(photo.camera, posed, triangles)))
    place, _, colour, trust = seen(photo, points, normals, front)
    trust = trust * look_up(photo.openings, place, cv2.INTER_LINEAR)[:, 1]
    texture = piece.texture.reshape(-1, 3).astype(np.float32)
    shown = trust > 0.5
    own = texture[covered.pixel]
    white = own.min(1) > 0.6 * own.max(1)  # not the gums
    if (shown & white).sum() > 50:
        texture *= np.clip(np.median(colour[shown & white], 0) / np.median(own[shown & white], 0), 0.5, 1.2)
    else:
        texture *= SHADE
    shade = 1.0 - (1.0 - DARK) * smooth_step(*DEEP, points[:, 2].max() - points[:, 2])
    mixed = texture[covered.pixel] * shade[:, None]
    texture[covered.pixel] = mixed + trust[:, None] * (colour - mixed)
    known = np.zeros(size * size, bool)
    known[covered.pixel] = True
    texture = texture[nearest_index(known.reshape(size, size))]
    return np.rint(np.clip(texture, 0.0, 255.0)).astype(np.uint8)


def _moved(points, goals, others, rigid=False):
    """Others (n, 3) moved along with points that go to goals."""
    scale, rotation, shift = similarity(points, goals)
    if rigid:
        scale, shift = 1.0, goals.mean(0) - rotation @ points.mean(0)
    return scale * others @ rotation.T + shift
