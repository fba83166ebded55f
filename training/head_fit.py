"""Measure the wrapped head's fit on unseen synthetic heads: ``python -m training.head_fit --heads HEADS --model models/default``.

Portraits are made as by training.evaluate; their landmarks are what the network sees on the photo, moved as a whole onto
where they are (the camera of a real portrait takes that up). Two rows: the likeliest head of the shape space, and the fit.
``expression left`` is by how much what each takes for the expression of a face is wrong, ``expression`` how much that is.
"""

import argparse
import json
import pathlib
import time

import numpy as np
from tqdm import tqdm

from inference.alignment.pose import landmark_weights
from inference.head.base import head_base
from inference.head.fit import fit_head, surface_trust
from inference.head.shape import ShapeSpace, fit_shape
from inference.head.target import target_of
from inference.networks.model import load_model
from training.errors import command
from training.evaluation.head_fits import face_of, measure_fit, seen_portrait
from training.evaluation.heads import Head, places_of
from training.evaluation.true_heads import is_bare, source_vertices, true_vertices
from training.synthetic.assets import AssetPack
from training.synthetic.heads import mean_landmarks


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=pathlib.Path, required=True, help="folder of synthetic shards")
    parser.add_argument("--limit", type=int, help="heads of each shard; default: all")
    parser.add_argument("--bare", action="store_true", help="only heads without hair, hat or scarf")
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, help="the data pack; default: PORTRAIT_MANIFOLDS_DATA")
    parser.add_argument("--out", type=pathlib.Path, help="write every head's numbers there, .json")
    options = parser.parse_args(arguments)
    pack, model, base = AssetPack(options.data), load_model(options.model), head_base()
    places = places_of(options.heads, None if options.bare else options.limit)
    if options.bare:
        places = [place for place in places if is_bare(*place)][: options.limit]
    rows = measure(places, pack, model, base)
    for stage, measured in rows.items():
        print(f"{stage}, {len(measured)} heads: mean, and the largest")
        for name in measured[0]:
            values = np.array([row[name] for row in measured])
            print(f"  {name:16} {values.mean():8.2f} {values.max():8.2f}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))


def measure(places, pack, model, base):
    """{stage: [row of :func:`measure_fit` with seconds, per head]} for (shard, row) places."""
    template = mean_landmarks(pack).astype(np.float64)
    weights, source = landmark_weights(template), source_vertices(pack)
    space, rows = ShapeSpace(base, surface_trust(base)), {"shape space": [], "fit": []}
    for shard, index in tqdm(places, desc="heads"):
        truth = true_vertices(pack, shard, index, template, weights)[source]
        moved = truth - true_vertices(pack, shard, index, template, weights, expression=False)[source]
        portrait = seen_portrait(Head(shard, index), shard, index, pack, model)
        ways = {"shape space": lambda portrait=portrait: likeliest(space, portrait),
                "fit": lambda portrait=portrait: whole_fit(base, portrait)}  # fmt: skip
        for stage, fit in ways.items():
            start = time.process_time()
            vertices, found = fit()
            row = {"seconds": time.process_time() - start}
            for name, values in (("expression", moved), ("expression left", moved - found)):
                row[name] = 1000.0 * float(np.linalg.norm(values[base.parts["skin"]][face_of(base)], axis=1).mean())
            rows[stage].append(measure_fit(vertices, portrait, base, truth) | row)
    return rows


def likeliest(space, portrait):
    """Vertices (n, 3) of the space's likeliest head for a portrait, and by how much its expression moved them."""
    shape = fit_shape(space, target_of(portrait))
    moved = np.tensordot(shape.expression, space.keys, 1)
    return space.placed(shape), shape.scale * moved @ shape.rotation.T


def whole_fit(base, portrait):
    """The same of the whole fit."""
    fit = fit_head(portrait, base)
    moved = sum(weight * base.shapes[name] for name, weight in fit.expression.items())
    return fit.vertices, fit.scale * moved @ fit.rotation.T


if __name__ == "__main__":
    command(main)
