"""How far extracted meshes lie from the exact surface of unseen synthetic heads, by region, and their normals.

    python -m training.meshes --heads unseen_heads [--limit N] [--bare] [--faces N ...] [--out meshes.json]
    python -m training.meshes --heads unseen_heads --ways [--mediapipe-python PYTHON] [--eos-share SHARE]

Regions and statistics: :mod:`training.evaluation.mesh_distance`. ``--ways`` puts our closed mesh and our wrapped head
beside plain marching cubes and face meshes that wear the photo, MediaPipe's and the Surrey model's by eos, in one run: also how the face looks from 15,
30 and 45 degrees aside (PSNR against the exact views where the exact face is), processor seconds and the largest
memory that a way allocates through numpy.
"""

import argparse
import functools
import json
import pathlib
import time
import tracemalloc

import numpy as np
from tqdm import tqdm

from inference.mesh.corners import triangulated
from inference.mesh.extract import FACES, extract_mesh
from inference.mesh.topology import border_edges, is_manifold
from inference.networks.model import load_model
from training.data.shards import open_shards
from training.errors import command
from training.evaluation import mesh_ways
from training.evaluation.exact_mesh import FACE, exact_mesh
from training.evaluation.head_fits import seen_portrait
from training.evaluation.heads import YAW_BINS, Head, portrait_of
from training.evaluation.mesh_distance import distances, exact_samples, table
from training.evaluation.metrics import psnr
from training.evaluation.rasteriser import over_each_other, visible
from training.evaluation.true_heads import is_bare
from training.pack.folder import HELP
from training.peers import eos_fit, mediapipe_mesh
from training.synthetic.assets import AssetPack

TEXTURE = 64  # texels; where textures are not measured
BACKDROP = 0.5  # sRGB, where a mesh does not cover the face


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", required=True, type=pathlib.Path, help="folder of unseen synthetic shards")
    parser.add_argument("--limit", type=int, help="at most so many heads per shard")
    parser.add_argument("--bare", action="store_true", help="heads without hair and hat only")
    parser.add_argument("--faces", type=int, nargs="*", default=[FACES, 0], help="numbers of faces; 0 keeps all")
    parser.add_argument("--ways", action="store_true", help="our topologies and other ways to a mesh, side by side")
    parser.add_argument("--mediapipe-python", type=pathlib.Path, help="interpreter that has mediapipe 0.10.21")
    parser.add_argument("--eos-share", type=pathlib.Path, help="folder with the Surrey face model: share/ of eos")
    parser.add_argument("--eos-python", type=pathlib.Path, help="interpreter that has eos-py; this one by default")
    parser.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    parser.add_argument("--out", type=pathlib.Path, help="JSON to write")
    options = parser.parse_args(arguments)
    pack, model = AssetPack(options.data), load_model(options.model)
    places = []
    for shard in open_shards([options.heads]):
        chosen = [index for index in range(len(shard)) if is_bare(shard, index) or not options.bare]
        places += [(shard, index) for index in chosen[: options.limit]]
    if options.ways:
        rows, looks = side_by_side(places, pack, model, options)
        print(table(rows), looks_table(looks), sep="\n\n")
    else:
        rows, looks = of_faces(places, pack, model, options.faces), {}
        print(table(rows))
    if options.out:
        options.out.write_text(json.dumps({"distances": rows, "looks": looks}, indent=1) + "\n")
    return 0


def of_faces(places, pack, model, counts):
    """{number of faces: rows of :func:`distances`} of our closed meshes."""
    rows = {}
    for shard, index in tqdm(places):
        portrait, samples = portrait_of(Head(shard, index), model), exact_samples(shard, index, pack)
        for faces in counts:
            mesh = extract_mesh(portrait, faces=faces or None, closed=True, texture=TEXTURE)
            row = distances(mesh.vertices, mesh.faces, samples)
            rows.setdefault(f"{faces or 'all'} faces", []).append(row)
    return rows


def peers_of(heads, options):
    """{name: :class:`training.peers.meshes.FaceMeshes` of all heads} of the peers that the options name."""
    found, crops = {}, np.stack([head.crop for head in heads])
    if options.mediapipe_python:
        found["MediaPipe with the photo"] = mediapipe_mesh.face_meshes(crops, options.mediapipe_python)
    if options.eos_share:
        points = np.stack([head.landmarks68 for head in heads])
        size = crops.shape[2:0:-1]
        found["eos with the photo"] = eos_fit.face_meshes(points, size, options.eos_share, options.eos_python)
    return found


def side_by_side(places, pack, model, options):
    """{way: rows of distances} and {way: rows of looks, counts, seconds and memory}."""
    heads = [Head(shard, index) for shard, index in places]
    ours = {"mesh": mesh_ways.our_mesh, "head": mesh_ways.our_head, "plain marching cubes": mesh_ways.plain_marching_cubes}
    peers = peers_of(heads, options)
    rows, looks = {}, {}
    for number, (head, (shard, index)) in enumerate(zip(tqdm(heads), places, strict=True)):
        portrait, samples = seen_portrait(head, shard, index, pack, model), exact_samples(shard, index, pack)
        exact = exact_mesh(shard, index, pack)
        ways = {name: functools.partial(way, portrait) for name, way in ours.items()}
        ways |= {name: functools.partial(mesh_ways.face_with_photo, peer, number, head) for name, peer in peers.items()}
        for name, way in ways.items():
            start = time.process_time()
            pieces = way()
            seconds = time.process_time() - start
            if pieces is None:
                continue
            vertices, triangles = _joined(pieces)
            rows.setdefault(name, []).append(distances(vertices, triangles, samples))
            look = _look(pieces, head, exact) | _counts(pieces) | {"seconds": seconds}
            if number == 0:
                tracemalloc.start()
                way()
                look["MB"] = tracemalloc.get_traced_memory()[1] / 1e6
                tracemalloc.stop()
            looks.setdefault(name, []).append(look)
    return rows, looks


def looks_table(looks):
    """Lines of text: medians of {way: rows}."""
    names = list(dict.fromkeys(name for rows in looks.values() for row in rows for name in row))
    lines = [f"{'':28s}" + "".join(f"{name:>12s}" for name in names)]
    for way, rows in looks.items():
        values = [[row[name] for row in rows if name in row] for name in names]
        lines.append(f"{way:28s}" + "".join(f"{np.median(found):12.2f}" if found else f"{'':12s}" for found in values))
    return "\n".join(lines)


def _joined(pieces):
    """Vertices and triangles of all pieces."""
    counts = np.cumsum([0] + [len(piece.vertices) for piece in pieces[:-1]])
    triangles = [triangulated(piece.faces, piece.vertices) + first for piece, first in zip(pieces, counts, strict=True)]
    return np.concatenate([piece.vertices for piece in pieces]), np.concatenate(triangles)


def _counts(pieces):
    first = triangulated(pieces[0].faces, pieces[0].vertices)
    return {
        "pieces": len(pieces),
        "vertices": sum(len(piece.vertices) for piece in pieces),
        "faces": sum(len(piece.faces) for piece in pieces),
        "manifold": float(is_manifold(first)),
        "border edges": len(border_edges(first)),
    }


def _look(pieces, head, exact):
    """PSNR in dB of the face from aside, {degrees: dB}."""
    row = {}
    for truth, camera in head.views:
        yaw = abs(np.degrees(np.arctan2(camera.camera_to_world[0, 2], camera.camera_to_world[2, 2])))
        name = next((f"{centre}°, dB" for centre in YAW_BINS if centre - 10 <= yaw < centre + 5), None)
        if name is None:
            continue
        nearest, _, _ = visible(exact.vertices, exact.triangles, camera)
        face = (nearest >= 0) & (exact.part[exact.triangles[nearest]] == FACE).all(-1) & (truth[..., 3] > 0.98)
        colour, covered = over_each_other(pieces, camera)
        seen = colour * covered[..., None] + BACKDROP * (1.0 - covered[..., None])
        if face.sum() > 200:
            row[name] = psnr(seen.astype(np.float32), truth[..., :3], face)
    return row


if __name__ == "__main__":
    command(main)
