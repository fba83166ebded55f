"""Learn what a skull and a nape look like behind a face: ``python -m training.skull --out models/skull/skull.npz``.

Heads are drawn like those of the shards, bare, in the pose that the aligner would find, and their skin without the ears
is looked up in all directions from the spine (inference.mesh.directions). A ridge regression leads from the face to the
first principal components of the whole. What it learns from is drawn, so that nothing but the data pack is needed.
"""

import argparse
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from inference.alignment.pose import landmark_weights, solve_pose
from inference.files import write_atomically
from inference.geometry.filling import continued
from inference.mesh.directions import directions
from training.errors import command
from training.evaluation.exact_mesh import dense_points
from training.pack.folder import HELP
from training.synthetic.appearance import ears
from training.synthetic.assets import AssetPack
from training.synthetic.generate import noisy_landmarks, true_camera, warp_points
from training.synthetic.heads import build_head, landmark_points, mean_landmarks, sample_person, shrink_mouth_bag

HEIGHT, WIDTH = 48, 96  # texels of a skull, some 7 mm
SPACING = 0.002  # metres between the points that stand for the skin
FACE_S, FACE_T = 0.16, (0.30, 0.80)  # the face: so far to either side of s = 0.5, and from forehead to chin
COMPONENTS = 12  # of the whole; more of them predict no better
FACE_ERROR = 0.003  # metres; by which a portrait's face is wrong, hair on its forehead included


def drawn_skin(seed, pack, template, weights):
    """A head drawn as for the shards: vertices (n, 3) float64 metres in portrait space, triangles, and those but the ears'."""
    rng = np.random.default_rng(seed)
    head = build_head(pack, sample_person(rng, pack), template, weights)
    camera, _ = true_camera(rng)
    marks = camera.project(head.to_portrait(landmark_points(pack, head.posed)))[0]
    estimated = solve_pose(noisy_landmarks(rng, marks, template, camera), template)
    skin = head.to_portrait(head.posed)
    shrink_mouth_bag(pack, skin)
    triangles = pack.skin_part().mesh_triangles
    return warp_points(skin, camera, estimated), triangles, triangles[~ears(pack)[triangles].any(1)]


def radius_all_round(vertices, triangles):
    """Outermost radius (HEIGHT, WIDTH) float32 metres of a mesh in all directions from the spine."""
    points, _ = dense_points(vertices, triangles, SPACING)
    s, t, radius = (part[:, 0] for part in directions(*points.astype(np.float32).T[..., None]))
    rows, columns = np.floor(t * HEIGHT).astype(int), np.minimum((s * WIDTH).astype(int), WIDTH - 1)
    found, inside = np.zeros((HEIGHT, WIDTH), np.float32), (rows >= 0) & (rows < HEIGHT)
    np.maximum.at(found, (rows[inside], columns[inside]), radius[inside])
    around = np.pad(found, ((0, 0), (WIDTH // 2, WIDTH // 2)), "wrap")
    around = cv2.GaussianBlur(continued(around, around > 0), (0, 0), 0.7)
    return around[:, WIDTH // 2 : -WIDTH // 2]


def face_texels():
    """Which texels the skull is predicted from, (HEIGHT, WIDTH) bool."""
    s, t = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT)
    return (np.abs(s - 0.5) < FACE_S) & (t > FACE_T[0]) & (t < FACE_T[1])


def regression(heads):
    """The arrays of skull.npz from radii (n, HEIGHT, WIDTH) of heads."""
    face, whole = heads[:, face_texels()].astype(np.float64), heads.reshape(len(heads), -1).astype(np.float64)
    mean, middle = whole.mean(0), face.mean(0)
    basis = np.linalg.svd(whole - mean, full_matrices=False)[2][:COMPONENTS]
    offset = face - middle
    ridge = len(heads) * FACE_ERROR**2 * np.eye(face.shape[1])
    weights = np.linalg.solve(offset.T @ offset + ridge, offset.T @ ((whole - mean) @ basis.T))
    return {
        "mean": mean.reshape(HEIGHT, WIDTH).astype(np.float32), "basis": basis.reshape(-1, HEIGHT, WIDTH).astype(np.float16),
        "face": face_texels(), "weights": weights.astype(np.float32),
    }  # fmt: skip


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="skull.npz to write")
    parser.add_argument("--heads", type=int, default=1200, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    options = parser.parse_args(arguments)
    pack = AssetPack(options.data)
    template = mean_landmarks(pack).astype(np.float64)
    weights = landmark_weights(template)
    weights[~pack.landmarks["facemesh468_valid"]] = 0.0
    radii = []
    for index in tqdm(range(options.heads)):
        vertices, _, bare = drawn_skin((options.seed, index), pack, template, weights)
        radii.append(radius_all_round(vertices, bare))
    arrays = regression(np.stack(radii))
    write_atomically(options.out, lambda file: np.savez_compressed(file, **arrays))
    return 0


if __name__ == "__main__":
    command(main)
