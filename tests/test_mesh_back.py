"""The back of a closed head against exact heads that it was not learnt from, with the front as their only trace."""

import cv2
import numpy as np
import pytest

from inference.geometry import domes, filling
from inference.mesh.whole import HEIGHT, WIDTH, coarse, from_front, table_points, whole_head
from tests.data_pack import data_pack

SIZE = 160  # texels of a front
UNSEEN = 77  # seed of heads; training.skull draws with 0


def front_of(vertices, triangles, dense_points):
    """Outermost radius (SIZE, SIZE) float32 over dome coordinates of a mesh, and where there is one."""
    points, _ = dense_points(vertices, triangles, 0.0012)
    u, v, radius = domes.dome_coordinates(points)
    column, row = np.floor(u * SIZE).astype(int), np.floor(v * SIZE).astype(int)
    inside = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    found = np.zeros((SIZE, SIZE), np.float32)
    np.maximum.at(found, (row[inside], column[inside]), radius[inside])
    known = cv2.morphologyEx((found > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    return filling.continued(found, found > 0), known


def test_the_front_is_kept_where_the_portrait_has_one():
    """A cylinder round the spine under half a ball, seen from the dome's axis: its radius from the spine is known."""
    u, v = domes.texel_centres(SIZE, SIZE)
    radius = np.full((SIZE, SIZE), 0.06, np.float32)
    for _ in range(60):  # the dome radius at which the distance from the spine is 11 cm
        x, y, z = np.moveaxis(domes.dome_points(u, v, radius), -1, 0)
        own = np.sqrt(x**2 + np.maximum(y - domes.EQUATOR_Y, 0.0) ** 2 + (z + 0.045) ** 2)
        radius += (0.5 * (0.11 - own)).astype(np.float32)
    mask = np.ones((SIZE, SIZE), np.float32)
    found, own, skin = from_front(radius, mask, mask)
    assert (own > 0).mean() > 0.5 and (skin == 1).all()
    assert np.abs(found - 0.11)[own > 0].max() < 1.5e-3 and np.median(np.abs(found - 0.11)[own > 0]) < 5e-5
    whole, own = whole_head(radius, mask, mask)
    assert whole.shape == own.shape == (HEIGHT, WIDTH)
    assert np.abs(whole - 0.11)[own > 0.999].max() < 2e-3
    # no step where the front ends, nor where the table does, right behind
    head = whole[: int(0.65 * HEIGHT)]
    assert np.abs(np.diff(head, axis=1)).max() < 2e-3
    assert np.abs(head[:, 0] - head[:, -1]).max() < 1e-3


@pytest.fixture(scope="module")
def errors():
    """Radius of the back less the exact one in metres, (heads, h, w) on a coarse table, and the points' z."""
    from training.evaluation.exact_mesh import dense_points
    from training.skull import HEIGHT as ROWS
    from training.skull import WIDTH as COLUMNS
    from training.skull import drawn_skin, radius_all_round
    from training.synthetic.assets import AssetPack
    from training.synthetic.sitters import Sitters

    sitters, found = Sitters(AssetPack(data_pack())), []
    for index in range(8):
        vertices, triangles, bare = drawn_skin((UNSEEN, index), sitters)
        radius, known = front_of(vertices, triangles, dense_points)
        whole, _ = whole_head(radius, known.astype(np.float32), np.ones_like(radius))
        small = cv2.resize(whole, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
        found.append(small - radius_all_round(vertices, bare))
    z = cv2.resize(table_points(coarse(np.full((HEIGHT, WIDTH), 0.1, np.float32))), (COLUMNS, ROWS))[..., 2]
    return np.array(found), z


def test_the_back_of_unseen_heads_is_where_it_is(errors):
    error, z = errors
    rows = np.arange(error.shape[1])[:, None] / error.shape[1]
    back = (z < -0.09) & (rows > 0.05) & (rows < 0.6)
    nape = (z < -0.12) & (rows >= 0.6) & (rows < 0.85)
    assert back.sum() > 200 and nape.sum() > 100
    skull, neck = (np.abs(error[:, part]).mean(1) for part in (back, nape))
    assert np.median(skull) < 0.004 and skull.max() < 0.006
    assert np.median(neck) < 0.007 and neck.max() < 0.012
