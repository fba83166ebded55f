"""A portrait's head as pieces: what they are, their keys, and how near the photo they come."""

import dataclasses

import cv2
import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry.sampling import sample_image
from inference.head.apertures import openings
from inference.head.base import head_base
from inference.head.closing import border_loops, close_below
from inference.head.crossings import crossing_triangles, skin_untangler
from inference.head.extract import extract_head
from inference.head.graph import Graph
from inference.head.keys import WITH, local_maps
from inference.mesh.delight import LUMINANCE
from inference.mesh.raster import rasterise
from inference.mesh.textured import TexturedMesh
from inference.mesh.topology import border_edges, is_manifold
from inference.photo.srgb import to_linear
from inference.view.render import render_view, view_pixels
from tests.portraits import analytic_portrait
from tests.test_head_base import ARKIT

NAMES = "skin", "eyes", "teeth", "tongue", "shell"
SIDE = 384  # pixels of the view that is compared
OWN_VIEW, WITH_EDGE = 34.0, 31.0  # dB in the face, and with the two pixels at its edge, where the engine shows the rim


@pytest.fixture(scope="module")
def pieces(astronaut):
    return {piece.name: piece for piece in extract_head(astronaut.portrait, 1024)}


def triangles_of(quads):
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def test_pieces_and_keys(pieces):
    base = head_base()
    assert tuple(pieces) == NAMES
    skin = pieces["skin"]
    assert np.array_equal(skin.faces, base.faces) and np.array_equal(skin.uv, base.uv)
    assert set(skin.shape_keys) == ARKIT - {"tongueOut"} | {"photo"}
    assert set().union(*(piece.shape_keys for piece in pieces.values())) == ARKIT | {"photo"}
    assert set(pieces["tongue"].shape_keys) >= {"tongueOut", "jawOpen"}
    assert set(pieces["eyes"].shape_keys) == {name for name in ARKIT if name.startswith("eyeLook")} | {"photo"}
    for name, piece in pieces.items():
        assert (piece.weights == {"photo": 1.0}) == (name != "shell")
    assert set(skin.groups) == set(base.groups)
    assert skin.texture.shape == skin.normal_map.shape == (1024, 1024, 3)


def test_the_skin_does_not_cut_itself_at_rest_nor_in_the_photo_nor_with_a_key(pieces):
    skin = pieces["skin"]
    assert not len(crossing_triangles(skin.vertices, triangles_of(skin.faces)))
    along_any_diagonal = skin_untangler(head_base())
    crossed = {"rest": len(along_any_diagonal.crossed(skin.vertices))}
    for name, moved in skin.shape_keys.items():
        posed = skin.vertices + moved + skin.shape_keys.get(WITH.get(name), np.float32(0.0))
        crossed[name] = len(along_any_diagonal.crossed(posed))
    assert not any(crossed.values()), {name: count for name, count in crossed.items() if count}


def test_a_blink_shuts_the_eyes(pieces):
    base, skin = head_base(), pieces["skin"]
    for side, lids in zip(("Left", "Right"), base.lids, strict=True):
        edge = np.intersect1d(lids, np.flatnonzero(base.groups["sockets"] > 0.5))
        edge = edge[np.isin(edge, base.faces[(base.groups["sockets"][base.faces] < 0.5).any(1)])]
        gap = []
        for points in (skin.vertices[edge], (skin.vertices + skin.shape_keys[f"eyeBlink{side}"])[edge]):
            middle = np.abs(points[:, 0] - points[:, 0].mean()) < 0.4 * np.ptp(points[:, 0]) / 2
            gap.append(np.ptp(points[middle, 1]))
        assert gap[0] > 0.006 and gap[1] < 0.5 * gap[0], (side, gap)


def test_jaws_and_gaze_move_as_a_whole(pieces):
    teeth, eyes = pieces["teeth"], pieces["eyes"]
    lower = teeth.groups["lower_teeth"] > 0.5
    opened = teeth.shape_keys["jawOpen"]
    front = lower & (teeth.vertices[:, 2] > teeth.vertices[lower][:, 2].max() - 0.015)
    assert np.abs(opened[~lower]).max() == 0.0 and opened[front][:, 1].max() < -0.015
    before, after = teeth.vertices[lower][::50], (teeth.vertices + opened)[lower][::50]
    lengths = [np.linalg.norm(points[:, None] - points, axis=-1) for points in (before, after)]
    np.testing.assert_allclose(*lengths, atol=1e-6)
    left = eyes.groups["left_eye"] > 0.5
    assert np.abs(eyes.shape_keys["eyeLookUpLeft"][~left]).max() == 0.0
    iris = eyes.vertices[left][:, 2].argmax()
    assert eyes.shape_keys["eyeLookUpLeft"][left][iris, 1] > 0.002


def test_the_photo_key_is_the_photo(pieces, astronaut):
    """From the photo's camera the face, eyes and teeth show what the engine shows."""
    camera = astronaut.portrait.camera.resized(SIDE, SIDE)
    wanted = view_pixels(render_view(astronaut.portrait, camera), with_alpha=False).astype(np.float64)
    hull = cv2.convexHull((astronaut.portrait.landmarks * SIDE / astronaut.portrait.camera.width).astype(np.int32))
    face = cv2.fillConvexPoly(np.zeros((SIDE, SIDE), np.uint8), hull, 1) > 0
    fine = camera.resized(2 * SIDE, 2 * SIDE)
    shown = np.zeros((2 * SIDE, 2 * SIDE, 3))
    nearest = np.full((2 * SIDE, 2 * SIDE), np.inf)
    for piece in pieces.values():
        colour, depth = drawn(posed(piece), fine)
        front = depth < nearest
        shown[front], nearest[front] = colour[front], depth[front]
    shown = cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    inside = cv2.erode(face.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for where, least in ((inside, OWN_VIEW), (face, WITH_EDGE)):
        error = ((shown - wanted)[where] ** 2).mean()
        assert 10 * np.log10(255**2 / error) > least


def posed(piece):
    moved = sum((weight * piece.shape_keys[name] for name, weight in piece.weights.items()), np.float32(0.0))
    return dataclasses.replace(piece, vertices=piece.vertices + moved)


def drawn(piece, camera):
    """Colours (h, w, 3) and depth (h, w), inf beside the piece."""
    cut = triangles_of if piece.faces.shape[1] == 4 else lambda faces: faces
    triangles, rows = cut(piece.faces), cut(piece.faces if piece.face_uv is None else piece.face_uv)
    place, depth = camera.project(piece.vertices)
    covered = rasterise(place[triangles], camera.width, camera.height, depth[triangles])
    uv = covered.interpolated(piece.uv, rows) * piece.texture.shape[1::-1]
    maps = np.stack([uv[:, 0], piece.texture.shape[0] - uv[:, 1]], -1).astype(np.float32)[None] - np.float32(0.5)
    colour, found = np.zeros((camera.height, camera.width, 3)), np.full((camera.height, camera.width), np.inf)
    rows, columns = np.divmod(covered.pixel, camera.width)
    for first in range(0, len(rows), 30000):  # columns that cv2.remap takes
        part = slice(first, first + 30000)
        colour[rows[part], columns[part]] = cv2.remap(piece.texture, maps[:, part], None, cv2.INTER_LINEAR)[0]
    found[rows, columns] = covered.interpolated(depth[:, None], triangles)[:, 0]
    return colour, found


def test_normal_map_is_flat_where_nothing_is_known_and_else_near_it(pieces):
    normals = pieces["skin"].normal_map / 127.5 - 1.0
    length = np.linalg.norm(normals, axis=-1)
    assert np.abs(length - 1.0).max() < 0.02 and normals[..., 2].min() > 0.5
    assert np.mean(normals[..., 2] > 0.995) > 0.5
    assert np.mean(normals[..., 2] < 0.995) > 0.01  # but it does say something


def test_without_keys_the_head_has_the_photos_expression_and_closes(astronaut, pieces):
    found = {piece.name: piece for piece in extract_head(astronaut.portrait, 512, keys=False, closed=True)}
    skin = found["skin"]
    assert not skin.shape_keys and not found["eyes"].shape_keys
    np.testing.assert_allclose(skin.vertices, posed(pieces["skin"]).vertices, atol=1e-6)
    triangles = triangles_of(skin.faces).astype(np.int64)
    assert is_manifold(triangles) and not len(border_edges(triangles))
    assert skin.face_uv.shape == skin.faces.shape


def test_a_head_loses_its_light(astronaut):
    """Skin, hair and clothes; their shapes, eyes and teeth stay."""
    lit, delit = (
        {piece.name: piece for piece in extract_head(astronaut.portrait, 512, keys=False, delit=delit)}
        for delit in (False, True)
    )
    for name, piece in lit.items():
        np.testing.assert_array_equal(piece.vertices, delit[name].vertices)
        changed = np.abs(piece.texture[..., :3].astype(int) - delit[name].texture[..., :3]).max()
        assert (changed > 20) == (name in ("skin", "shell"))
    face = head_base().groups["face"] > 0.9
    place = np.zeros((len(face), 2))
    place[lit["skin"].faces] = lit["skin"].uv[lit["skin"].face_uv]
    spread = []
    for piece in (lit["skin"], delit["skin"]):
        colours = sample_image(piece.texture, 512 * place[face, 0], 512 * (1.0 - place[face, 1]))
        spread.append((to_linear(colours / 255.0) @ LUMINANCE).std())
    assert spread[1] < spread[0]


@pytest.mark.parametrize("texture", [256, 8192])
def test_texture_sizes_are_checked(texture):
    with pytest.raises(PortraitError, match="between 512 and 4096"):
        extract_head(analytic_portrait(), texture)


def test_an_empty_portrait_is_refused():
    with pytest.raises(PortraitError, match="no solid surface"):
        extract_head(analytic_portrait("empty"))


def test_a_portrait_without_landmarks_has_no_openings():
    assert not openings(analytic_portrait(), 64).any()


def test_pixels_of_triangles_are_those_whose_centres_lie_in_them():
    """Against all triangles at all pixels: the nearest one's depth is what a ray through the centre meets first."""
    rng = np.random.default_rng(5)
    corners = rng.uniform(-4.0, 36.0, (60, 1, 2)) + rng.uniform(-9.0, 9.0, (60, 3, 2))
    depth = rng.uniform(1.0, 3.0, (60, 3))
    covered = rasterise(corners, 32, 24, depth)
    x, y = np.meshgrid(np.arange(32) + 0.5, np.arange(24) + 0.5)
    centres = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    shares = np.linalg.inv(np.concatenate([corners, np.ones((60, 3, 1))], 2).transpose(0, 2, 1)) @ centres
    inside = (shares >= 0.0).all(1)
    away = np.where(inside, 1.0 / (shares / depth[:, :, None]).sum(1), np.inf)
    assert np.array_equal(np.sort(covered.pixel), np.flatnonzero(inside.any(0)))
    assert np.array_equal(covered.triangle, away.argmin(0)[covered.pixel])
    found = (covered.shares * depth[covered.triangle]).sum(1)
    np.testing.assert_allclose(found, away.min(0)[covered.pixel], rtol=1e-4)


def test_flat_triangles_take_the_last_or_the_nearest():
    corners = np.array([[(0, 0), (8, 0), (0, 8)], [(0, 0), (8, 0), (0, 8)]], float)
    depth = np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    assert (rasterise(corners, 8, 8).triangle == 1).all()
    found = rasterise(corners, 8, 8, depth, pinhole=False)
    assert (found.triangle == 0).all() and len(found.pixel) in (28, 36)  # the centres on the long side may be either's
    np.testing.assert_allclose(found.shares.sum(1), 1.0, atol=1e-6)


def grid_of_quads(size):
    line = np.arange(size, dtype=float)
    points = np.stack(np.meshgrid(line, line, [0.0]), -1).reshape(-1, 3)
    first = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    return points, np.stack([first, first + 1, first + size + 1, first + size], -1)


def test_values_spread_over_a_graph_are_harmonic():
    points, quads = grid_of_quads(9)
    graph = Graph(quads, len(points))
    edge = (points[:, 0] == 0) | (points[:, 0] == 8)
    filled = graph.filled(points[:, :1] * edge[:, None], edge.astype(float), steps=2000)
    np.testing.assert_allclose(filled[:, 0], points[:, 0], atol=0.02)
    assert np.array_equal(graph.rings(points[:, 0] == 0, 5), np.minimum(points[:, 0], 6))


def test_local_maps_of_an_affine_image_are_its_matrix():
    points, quads = grid_of_quads(6)
    points[:, 2] = 0.3 * points[:, 0] * points[:, 1] - 0.2 * points[:, 0] ** 2
    matrix = np.array([[1.2, 0.1, 0.0], [0.0, 0.9, 0.2], [-0.1, 0.0, 1.1]])
    maps = local_maps(Graph(quads, len(points)), points, points @ matrix.T, matrix)
    np.testing.assert_allclose(maps, np.broadcast_to(matrix, maps.shape), atol=1e-9)


def test_borders_are_closed_outwards():
    points, quads = grid_of_quads(4)
    (loop,) = border_loops(quads)
    assert len(loop) == 12
    uv, quads = points[:, :2].astype(np.float32), quads.astype(np.int32)
    piece = TexturedMesh(points.astype(np.float32), quads, uv, np.zeros((4, 4, 3), np.uint8), face_uv=quads)
    closed = close_below(piece)
    assert not len(border_edges(triangles_of(closed.faces).astype(np.int64)))
