"""Train the network that tells light from albedo: ``python -m training.light --columns DIR --write HEADS --minutes 15``.

``--write HEADS`` first: portraits of the heads of a folder of shards, as a model's engine makes them, and the light on them go
into a folder per shard under ``--columns`` (a second a head). The network, which is small, then learns on the processor; the
average of its weights goes to ``--out``, where meshes that are to be delit find it.
"""

import argparse
import functools
import os
import pathlib
import shutil
import tempfile
import types

import numpy as np
import torch

from inference.inversion.invert import invert_crop
from inference.mesh.delight import LUMINANCE, NETWORK, PLANES, RANGE, weight_of
from inference.mesh.delight import light_planes as planes_of
from inference.mesh.surface import find_surface
from inference.networks.model import DEFAULT_FOLDER, load_model
from training.completing.columns import HeadColumns, Photographed, column_folders, write_all
from training.completing.loop import Schedule, train
from training.errors import TrainingError, command
from training.model.light import Light
from training.synthetic.passes import BRIGHTEST
from training.weights.to_onnx import export_network

TRUTH = 2  # planes of it: logarithm of the light, and whether there is a surface
WEIGHTS = {"light": 1.0, "edges": 1.0}  # of the terms
DARKEST = 0.02  # light that counts as no darker
SKIN_COUNTS = 2.0  # times more: skin that the photo shows
NORMALS_X = 1  # planes whose sign a mirror turns
POINTS_X = 9


class LitHeads(Photographed):
    """Portraits of the heads of a shard, and the light on them."""

    counts = PLANES, TRUTH

    def __len__(self):
        return self.heads

    def __getitem__(self, index):
        """Planes (PLANES, SIDE, SIDE) float32 and truth (TRUTH, SIDE, SIDE) float32."""
        alignment, matte, _, _ = self.photo(index)
        textures, radii, _, _, parts = invert_crop(alignment, self.model, matte=matte)
        portrait = types.SimpleNamespace(textures=textures, radii=radii, camera=alignment.camera, parts=parts)
        planes = planes_of(portrait, find_surface(textures, radii))
        shard, row = self.examples.place(index)
        if "dome_light" not in shard.arrays:
            raise TrainingError(f"{shard.folder} lacks dome_light.npy: remove it and generate the shard again")
        light = BRIGHTEST * (np.array(shard["dome_light"][row]).astype(np.float32) / 255.0) ** 2.2
        _, covered = self.examples.truth(index)
        return planes, np.stack([np.log(np.maximum(light @ LUMINANCE, DARKEST)), covered]).astype(np.float32)


class LightColumns(HeadColumns):
    """Their columns, twice as many with their mirror images."""

    def __init__(self, folders, mirrored=True):
        super().__init__(folders, mirrored, LitHeads.counts)

    def __getitem__(self, index):
        planes, truth = super().__getitem__(index)
        if self.mirrored and index % 2:
            planes = planes.clone()
            planes[[NORMALS_X, POINTS_X]] *= -1.0
        return planes, truth


def relative(light, planes):
    """Logarithms of light (B, 1, h, w) relative to the mean on skin that the photo shows; planes (B, PLANES, h, w)."""
    weight = torch.from_numpy(weight_of(planes.numpy()))[:, None]
    return light - ((light * weight).sum((2, 3)) / weight.sum((2, 3)).clamp(min=1.0))[..., None, None]


def terms(answer, planes, truth):
    """Losses by name: how far the light is off, and how far its differences between neighbouring columns are.

    planes and truth of :class:`LightColumns`.
    """
    there = truth[:, 1:2] * planes[:, 4:5]
    off = relative(answer, planes) - relative(truth[:, :1], planes)
    weight = there * (1.0 + SKIN_COUNTS * torch.from_numpy(weight_of(planes.numpy()))[:, None])
    across, down = (off.diff(dim=axis).abs() for axis in (3, 2))
    both = there[..., 1:] * there[..., :-1], there[..., 1:, :] * there[..., :-1, :]
    edges = sum((value * share).sum() / share.sum() for value, share in zip((across, down), both))
    return {"light": (off.abs() * weight).sum() / weight.sum(), "edges": edges}


@torch.no_grad()
def measure(network, heads):
    """Errors of the light, as text: root mean square of its logarithm, in hundredths, where the photo shows skin, and on all
    columns, of even light and of the network's."""
    rows = []
    for planes, truth in torch.utils.data.DataLoader(heads, 8):
        there = truth[:, 1:2] * planes[:, 4:5]
        skin = there * torch.from_numpy(weight_of(planes.numpy()))[:, None]
        wanted = relative(truth[:, :1].clamp(min=float(np.log(DARKEST))), planes)
        for answer in (torch.zeros_like(wanted), relative(network(planes), planes).clamp(*np.log(RANGE))):
            square = (answer - wanted).square()
            rows.append([(square * share).sum() / share.sum() for share in (skin, there)])
    found = 100.0 * np.sqrt(np.float64(rows).reshape(-1, 2, 2).mean(0))
    return f"skin {found[0, 0]:.1f} -> {found[1, 0]:.1f} %, all columns {found[0, 1]:.1f} -> {found[1, 1]:.1f} %"


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=pathlib.Path, required=True, help="folder of portraits' columns, a folder per shard")
    parser.add_argument("--write", type=pathlib.Path, nargs="*", default=[], metavar="HEADS", help="folders of shards to invert first")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/default"), help="model that inverts them")
    parser.add_argument("--minutes", type=float, default=15.0, help="length of the training; 0 only writes columns")
    parser.add_argument("--held-out", type=int, default=64, help="heads, the first ones, that only measure")
    parser.add_argument("--out", type=pathlib.Path, default=DEFAULT_FOLDER.parent / NETWORK / f"{NETWORK}.onnx", help="file of the trained network")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for heads in options.write:
        write_all(heads, functools.partial(LitHeads, model=load_model(options.model, threads=1), seed=options.seed), options.columns)
    if not options.minutes:
        return 0
    folders = column_folders(options.columns)
    heads, held = LightColumns(folders), LightColumns(folders, mirrored=False)
    count = min(options.held_out, len(heads.places) // 4)
    heads.places, held.places = heads.places[count:], held.places[:count]
    network = Light()
    print(f"{len(heads.places)} heads", flush=True)
    average = train(network, heads, Schedule(options.minutes, seed=options.seed),
                    lambda line, weights: print(f"{line}; {measure(weights, held)}", flush=True),
                    options.columns / "light.pt", terms, WEIGHTS)  # fmt: skip
    with tempfile.TemporaryDirectory(dir=options.columns) as folder:
        name = options.out.stem
        export_network(name, average, {"columns": heads[0][0][None]}, ("light",), None, pathlib.Path(folder), "int8")
        options.out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pathlib.Path(folder) / f"{name}.onnx", options.out.with_suffix(".partial"))
        os.replace(options.out.with_suffix(".partial"), options.out)
    print(f"held out: {measure(average, held)}")
    return 0


if __name__ == "__main__":
    command(main)
