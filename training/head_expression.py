"""Learn what of a face is its expression: ``python -m training.head_expression --head models/head``.

Follows training.head_landmarks and writes expression.npz beside the base. People are drawn like those of the shards, each with an expression and without; a ridge
regression leads from the landmarks of the first to what moved them. Prints how far it is off for people held out.
"""

import argparse
import pathlib

import numpy as np
from tqdm import tqdm

from inference.files import write_atomically
from inference.head.base import read_head_base
from inference.head.expression import FILE, normalised
from training.errors import command
from training.evaluation.head_fits import landmark_places
from training.evaluation.true_heads import source_vertices
from training.pack.folder import HELP
from training.synthetic.assets import AssetPack
from training.synthetic.sitters import Sitters

COMPONENTS = 20  # of what expressions move; they explain 99.8 % of the variance
# Metres by which each landmark of a fit is wrong, were they independent. They are wrong by 2.7 mm, but neighbours alike:
# of what moves a landmark of 16 unseen heads, 1.90 mm, the fit alone leaves 1.72, the map 1.75 with 0.7 mm here, 1.45
# with 2, 1.29 with 4 and 1.23 with 6; of exact landmarks 0.54, 0.67, 0.77 and 0.82.
ERROR = 0.004
HELD_OUT = 10  # every so many-th head


def drawn_faces(count, seed, pack, base):
    """Landmarks (n, 468, 3) of people with an expression, laid onto those of the mean face, and by how much it moved
    each, (n, 468, 3), metres; and those of the mean face (468, 3)."""
    sitters, source, mean = Sitters(pack), source_vertices(pack), landmark_places(base, base.vertices)
    rng, faces, moved = np.random.default_rng(seed), [], []
    for _ in tqdm(range(count), desc="people"):
        head = sitters.head(rng)
        posed, neutral = (landmark_places(base, vertices[source]) for vertices in (head.posed, head.body))
        face, scale, rotation = normalised(posed, mean)
        faces.append(face)
        moved.append(scale * (posed - neutral) @ rotation.T)
    return np.array(faces), np.array(moved), mean


def regression(faces, moved, mean):
    """The arrays of expression.npz from what :func:`drawn_faces` gives."""
    offset, moved = (faces - mean).reshape(len(faces), -1), moved.reshape(len(moved), -1)
    middle = offset.mean(0)
    basis = np.linalg.svd(moved[:3000], full_matrices=False)[2][:COMPONENTS]
    codes = moved @ basis.T
    usual = codes.mean(0)
    around = offset - middle
    ridge = len(faces) * ERROR**2 * np.eye(offset.shape[1])
    weights = np.linalg.solve(around.T @ around + ridge, around.T @ (codes - usual))
    return {
        "mean": mean.astype(np.float32), "weights": weights.astype(np.float32), "basis": basis.astype(np.float16),
        "usual": (usual - middle @ weights).astype(np.float32),
    }  # fmt: skip


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--head", required=True, type=pathlib.Path, help="folder of the base, models/head")
    parser.add_argument("--heads", type=int, default=4000, help="how many are drawn; 12000 tell no more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    options = parser.parse_args(arguments)
    faces, moved, mean = drawn_faces(options.heads, options.seed, AssetPack(options.data), read_head_base(options.head))
    held = np.arange(len(faces)) % HELD_OUT == 0
    found = regression(faces[~held], moved[~held], mean)
    write_atomically(options.head / FILE, lambda part: np.savez_compressed(part, **found))
    codes = (faces[held] - mean).reshape(held.sum(), -1) @ found["weights"] + found["usual"]
    left = moved[held] - (codes @ found["basis"]).reshape(-1, 468, 3)
    before, after = (1000.0 * np.linalg.norm(values, axis=-1).mean() for values in (moved[held], left))
    print(f"{held.sum()} people held out: their expressions move a landmark by {before:.2f} mm, {after:.2f} are not found")


if __name__ == "__main__":
    command(main)
