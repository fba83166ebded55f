"""Learn what a skull and a nape look like behind a face: ``python -m training.skull --out models/skull/skull.npz``.

Heads are drawn like those of the shards, bare, in the pose that the aligner would find, and their skin without the ears
is looked up in all directions from the spine (inference.mesh.directions): what is kept are the mean, the principal
components and where ears are (inference.mesh.skull). What it learns from is drawn: nothing but the data pack is needed.
"""

import argparse
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from inference.files import write_atomically
from inference.geometry.filling import continued
from inference.mesh.directions import directions
from inference.mesh.skull import FARTHEST
from training.errors import command
from training.evaluation.exact_mesh import dense_points
from training.pack.folder import HELP
from training.synthetic.appearance import ears
from training.synthetic.assets import AssetPack
from training.synthetic.heads import shrink_mouth_bag
from training.synthetic.sitters import Sitters

HEIGHT, WIDTH = 48, 96  # texels of a skull, some 7 mm
SPACING = 0.002  # metres between the points that stand for the skin
COMPONENTS = 40  # more of them predict no better
EARS = 0.02  # of the heads have an ear in a texel that counts as one of ears


def drawn_skin(seed, sitters):
    """A head drawn as for the shards: vertices (n, 3) float64 metres in portrait space, triangles, and those but the ears'."""
    sitter, pack = sitters.sitter(seed), sitters.pack
    skin = sitter.head.to_portrait(sitter.head.posed)
    shrink_mouth_bag(pack, skin)
    triangles = pack.skin_part().mesh_triangles
    return sitter.placed(skin), triangles, triangles[~ears(pack)[triangles].any(1)]


def radius_all_round(vertices, triangles):
    """Outermost radius (HEIGHT, WIDTH) float32 metres of a mesh in all directions from the spine."""
    found = outermost(vertices, triangles)
    around = np.pad(found, ((0, 0), (WIDTH // 2, WIDTH // 2)), "wrap")
    around = cv2.GaussianBlur(continued(around, around > 0), (0, 0), 0.7)
    return around[:, WIDTH // 2 : -WIDTH // 2]


def outermost(vertices, triangles):
    """As :func:`radius_all_round` without smoothing, and 0 where there is nothing."""
    points, _ = dense_points(vertices, triangles, SPACING)
    s, t, radius = (part[:, 0] for part in directions(*points.astype(np.float32).T[..., None]))
    rows, columns = np.floor(t * HEIGHT).astype(int), np.minimum((s * WIDTH).astype(int), WIDTH - 1)
    found, inside = np.zeros((HEIGHT, WIDTH), np.float32), (rows >= 0) & (rows < HEIGHT)
    np.maximum.at(found, (rows[inside], columns[inside]), radius[inside])
    return found


def principal_components(heads):
    """Mean (HEIGHT, WIDTH) and components (COMPONENTS, HEIGHT, WIDTH) times standard deviations, metres, of radii of heads
    (n, HEIGHT, WIDTH), as far as they are heads."""
    radii = np.minimum(heads.reshape(len(heads), -1).astype(np.float64), FARTHEST)
    mean = radii.mean(0)
    _, deviations, basis = np.linalg.svd(radii - mean, full_matrices=False)
    basis = basis[:COMPONENTS] * deviations[:COMPONENTS, None] / np.sqrt(len(heads))
    return mean.reshape(heads.shape[1:]), basis.reshape(-1, *heads.shape[1:])


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="skull.npz to write")
    parser.add_argument("--heads", type=int, default=1600, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    options = parser.parse_args(arguments)
    sitters = Sitters(AssetPack(options.data))
    radii, eared = [], np.zeros((HEIGHT, WIDTH))
    for index in tqdm(range(options.heads)):
        vertices, triangles, bare = drawn_skin((options.seed, index), sitters)
        radii.append(radius_all_round(vertices, bare))
        eared += outermost(vertices, triangles[ears(sitters.pack)[triangles].any(1)]) > radii[-1]
    mean, basis = principal_components(np.stack(radii))
    arrays = {"mean": mean.astype(np.float32), "basis": basis.astype(np.float16), "ears": eared > EARS * options.heads}
    write_atomically(options.out, lambda file: np.savez_compressed(file, **arrays))
    return 0


if __name__ == "__main__":
    command(main)
