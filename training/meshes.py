"""How far extracted meshes lie from the exact surface of unseen synthetic heads, by region, and their normals.

    python -m training.meshes --heads unseen_heads [--limit N] [--bare] [--faces N ...] [--out meshes.json]

Regions and statistics: :mod:`training.evaluation.mesh_distance`.
"""

import argparse
import json
import pathlib

from tqdm import tqdm

from inference.mesh.extract import FACES, extract_mesh
from inference.networks.model import load_model
from training.data.shards import open_shards
from training.errors import command
from training.evaluation.exact_mesh import is_bare
from training.evaluation.heads import Head, portrait_of
from training.evaluation.mesh_distance import distances, exact_samples, table
from training.pack.folder import HELP
from training.synthetic.assets import AssetPack

TEXTURE = 64  # texels; textures are not measured


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heads", required=True, type=pathlib.Path, help="folder of unseen synthetic shards")
    parser.add_argument("--limit", type=int, help="at most so many heads per shard")
    parser.add_argument("--bare", action="store_true", help="heads without hair and hat only")
    parser.add_argument("--faces", type=int, nargs="*", default=[FACES, 0], help="numbers of faces; 0 keeps all")
    parser.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    options = parser.parse_args(arguments)
    pack, model, rows = AssetPack(options.data), load_model(options.model), {}
    for shard in open_shards([options.heads]):
        chosen = [index for index in range(len(shard)) if is_bare(shard, index) or not options.bare]
        for index in tqdm(chosen[: options.limit], desc=shard.folder.name):
            portrait = portrait_of(Head(shard, index), model)
            samples = exact_samples(shard, index, pack)
            for faces in options.faces:
                mesh = extract_mesh(portrait, faces=faces or None, closed=True, texture=TEXTURE)
                row = distances(mesh.vertices, mesh.faces, samples)
                rows.setdefault(f"{faces or 'all'} faces", []).append(row)
    print(table(rows))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    command(main)
