"""Where on the head our landmark network sees its points.

The data pack's table was read off one picture and lies 1 to 2 mm beside what the network answers, more along the jaw. On
synthetic heads the mesh behind every photo is known: each landmark goes to the place whose image lies nearest to the
network's answers over all heads, and its mirror twin to the mirrored place.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from inference.alignment.landmarks import find_landmarks, level_box
from training.evaluation.heads import crop_camera, photo_over_backdrop
from training.evaluation.true_heads import true_vertices

SURE = 0.9  # confidence of the network from which on its answer counts
STEPS = 4  # places along a triangle's edge
FACE = 0.015  # metres from the present places beyond which no landmark lies
REACH = 0.012  # metres from its present place within which a landmark is looked for
LOST = 0.003  # metres from the visible skin: a landmark there is looked for everywhere
SCALE = 2.0  # pixels: larger errors count less (Cauchy's loss)
FEW = 40  # heads by which lost landmarks are looked for


def seen_landmarks(shard, rows, pack, template, weights, model, source):
    """What the network answers for photos of a shard, (h, 468, 2), and where their vertices lie, (h, n, 2), both pixels.

    rows: of the shard. template, weights: as of :func:`training.synthetic.heads.build_head`. source: (n,) the vertices.
    """
    seen, vertices = [], []
    for row in rows:
        crop = photo_over_backdrop(np.array(shard["photo"][row]).astype(np.float32) / 255)
        found, confidence = find_landmarks(crop, *level_box(np.array(shard["landmarks"][row], np.float64)), model)
        if confidence >= SURE:
            exact = true_vertices(pack, shard, row, template, weights)[source]
            seen.append(found)
            vertices.append(crop_camera(shard["camera"][row]).project(exact)[0].astype(np.float32))
    return np.array(seen), np.array(vertices)


def calibrated(base, seen, vertices):
    """Corners (468, 3) int and weights (468, 3) float of the landmarks, and the median error of each in pixels, (468,).

    base: :class:`inference.head.base.HeadBase`. seen (h, 468, 2), vertices (h, n, 2): pixels, n vertices of the skin.
    """
    skin = base.vertices[base.parts["skin"]].astype(np.float64)
    mirror = cKDTree(skin * (-1.0, 1.0, 1.0)).query(skin)[1]
    before = np.einsum("lc,lcx->lx", base.landmark_weights, skin[base.landmark_corners])
    corners, weights = _places(base, skin, before)
    tree = cKDTree(np.einsum("nc,ncx->nx", weights, skin[corners]))
    twins = _twins(seen)
    found = np.zeros((468, 3), np.int64), np.zeros((468, 3)), np.zeros(468)
    for mark, twin in enumerate(twins):
        if twin < mark:
            continue
        centre = before[mark]
        if tree.query(centre)[0] > LOST:
            loss = np.log1p(_squares(vertices[:FEW], seen[:FEW, mark], corners, weights)).mean(0)
            centre = tree.data[loss.argmin()]
        near = tree.query_ball_point(centre, REACH)
        own = _squares(vertices, seen[:, mark], corners[near], weights[near])
        other = _squares(vertices, seen[:, twin], mirror[corners[near]], weights[near])
        best = (np.log1p(own) + np.log1p(other)).mean(0).argmin()
        error = SCALE * np.sqrt(np.median(np.concatenate([own[:, best], other[:, best]])))
        place = corners[near[best]]
        for index, three in ((mark, place), (twin, mirror[place])):
            found[0][index], found[1][index], found[2][index] = three, weights[near[best]], error
    return found


def _places(base, skin, near):
    """Places on the visible skin near points (k, 3): corners and weights (p, 3)."""
    quads = base.faces
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    hidden = np.maximum(base.groups["mouth"], base.groups["sockets"]) > 0.5
    triangles = triangles[~hidden[triangles].any(1)]
    triangles = triangles[cKDTree(near).query(skin[triangles].mean(1))[0] < FACE]
    grid = np.array([(i, j, STEPS - i - j) for i in range(STEPS + 1) for j in range(STEPS + 1 - i)]) / STEPS
    corners, weights = np.repeat(triangles, len(grid), 0), np.tile(grid, (len(triangles), 1))
    points = np.einsum("nc,ncx->nx", weights, skin[corners])
    once = np.unique((points * 1e6).round().astype(np.int64), axis=0, return_index=True)[1]
    return corners[once], weights[once]


def _squares(vertices, seen, corners, weights):
    """Squared distances (h, p) of places to answers (h, 2), in units of SCALE."""
    places = np.einsum("hpcx,pc->hpx", vertices[:, corners], weights)
    return ((places - seen[:, None]) ** 2).sum(-1) / SCALE**2


def _twins(seen):
    """Each landmark's mirror twin (468,): the mean of many faces is symmetric."""
    mean = seen.mean(0) - seen.mean((0, 1))
    distance = np.linalg.norm(mean[:, None] - mean[None] * (-1.0, 1.0), axis=-1)
    return linear_sum_assignment(distance + distance.T)[1]
