"""Make hairstyles of strands with Blender's hair nodes: ``python -m training.synthetic.strands --out strands.npz``.

Guides are grown by :mod:`training.synthetic.combing`; Blender's own node groups (CC0, inside the bpy wheel) make strands of
them: interpolate, clump, curl, noise, frizz, trim. :mod:`training.synthetic.ribbons` draws them, without bpy, and says what
the file holds. The same seed makes the same file.
"""

import argparse
import pathlib

import numpy as np

from inference.files import write_atomically
from training.errors import TrainingError, command
from training.pack.folder import HELP

from .assets import AssetPack
from .combing import Scalp, grow_guides, growth, resample, sample_style, strays, trim
from .hood import CENTRE
from .ribbons import FAMILIES, POINTS, STRANDS, outside, pack_styles

try:
    import bpy
except ImportError:  # Salon says so
    bpy = None

GUIDES = 420  # of a style
STRAYS_KEPT = 0.15  # of the strands that stand off from all others
DENSITY = 1000.0  # strands per square decimetre of the skull that Blender is asked for; STRANDS of them are kept
UNIT = 10.0  # Blender units per metre: its densities and distances are made for things about a unit wide
COUNTS = {"buzz": 3, "crop": 6, "side": 7, "back": 5, "ring": 4, "thin": 4, "curly": 5, "afro": 4, "bob": 6, "long": 7, "wavy": 6,
          "curls": 5}  # fmt: skip
ASSETS = "datafiles/assets/geometry_nodes/procedural_hair_node_assets.blend"
NODES = ("Interpolate Hair Curves", "Clump Hair Curves", "Curl Hair Curves", "Hair Curves Noise", "Frizz Hair Curves",
         "Trim Hair Curves")  # fmt: skip


def flat_map(points):
    """Places (n, 2) in the unit square of points (n, 3) on the skull: azimuth about the crown, angle from it as the distance."""
    offset = points - CENTRE
    polar = np.arccos(offset[:, 1] / np.linalg.norm(offset, axis=1)) / np.pi
    azimuth = np.arctan2(offset[:, 0], offset[:, 2])
    return 0.5 + 0.5 * polar[:, None] * np.stack([np.sin(azimuth), np.cos(azimuth)], 1)


class Salon:
    """Runs Blender's hair nodes. Raises TrainingError where bpy is not there."""

    def __init__(self, scalp):
        if bpy is None:
            raise TrainingError("strands are made with Blender's nodes: run this with .venv, which has bpy")
        self.scalp = scalp
        with bpy.data.libraries.load(str(pathlib.Path(bpy.utils.resource_path("LOCAL")) / ASSETS)) as (_, wanted):
            wanted.node_groups = list(NODES)
        self.nodes = dict(zip(NODES, wanted.node_groups, strict=True))

    def _surface(self, part):
        """The skull as an object of two islands that meet at x = part, so that hair parts there."""
        left = self.scalp.verts[self.scalp.quads].mean(1)[:, 0] > part
        verts, quads = [], []
        for side in (left, ~left):
            used, inverse = np.unique(self.scalp.quads[side], return_inverse=True)
            quads.append(inverse.reshape(-1, 4) + sum(map(len, verts)))
            verts.append(self.scalp.verts[used])
        verts, quads = np.concatenate(verts), np.concatenate(quads)
        mesh = bpy.data.meshes.new("skull")
        mesh.from_pydata((verts * UNIT).tolist(), [], quads.tolist())
        places = mesh.uv_layers.new(name="UVMap").uv
        places.foreach_set("vector", flat_map(verts)[quads.ravel()].astype(np.float32).ravel())
        surface = bpy.data.objects.new("skull", mesh)
        bpy.context.scene.collection.objects.link(surface)
        return surface

    def _node(self, hair, group, **values):
        """Add a node group as a modifier. values: by socket, spaces in names as underscores."""
        nodes = self.nodes[group]
        modifier = hair.modifiers.new(group, "NODES")
        modifier.node_group = nodes
        sockets = {(s.name, s.socket_type): s.identifier for s in nodes.interface.items_tree
                   if s.item_type == "SOCKET" and s.in_out == "INPUT"}  # fmt: skip
        for name, value in values.items():
            name = name.replace("_", " ")
            kinds = [k for n, k in sockets if n == name and k != "NodeSocketGeometry"]
            modifier[sockets[name, kinds[0]]] = value

    def strands(self, style, guides, seed):
        """Strands of guides (g, p, 3) metres: a list of (k, 3) arrays, metres."""
        surface = self._surface(style.part if style.comb == "side" else 0.0)
        curves = bpy.data.hair_curves.new("hair")
        hair = bpy.data.objects.new("hair", curves)
        bpy.context.scene.collection.objects.link(hair)
        curves.add_curves([guides.shape[1]] * len(guides))
        curves.attributes["position"].data.foreach_set("vector", (guides * UNIT).astype(np.float32).ravel())
        places = curves.attributes.new("surface_uv_coordinate", "FLOAT2", "CURVE")
        places.data.foreach_set("vector", flat_map(guides[:, 0]).astype(np.float32).ravel())
        curves.surface, curves.surface_uv_map = surface, "UVMap"
        self._node(hair, "Interpolate Hair Curves", Surface=surface, Density=DENSITY, Interpolation_Guides=3, Seed=seed,
                   Part_by_Mesh_Islands=style.comb == "side")  # fmt: skip
        if style.clump:
            self._node(hair, "Clump Hair Curves", Guide_Distance=0.014 * UNIT, Factor=style.clump, Shape=0.3,
                       Tip_Spread=0.003 * UNIT, Seed=seed + 1)  # fmt: skip
        if style.curl:
            self._node(hair, "Curl Hair Curves", Guide_Distance=0.014 * UNIT, Radius=style.curl * UNIT, Frequency=style.turns,
                       Subdivision=0, Curl_Start=0.15, Random_Offset=0.4, Seed=seed + 2)  # fmt: skip
        self._node(hair, "Hair Curves Noise", Distance=style.noise * UNIT, Scale=2.2, Shape=0.3, Offset_per_Curve=0.3, Seed=seed + 3)
        self._node(hair, "Frizz Hair Curves", Distance=style.frizz * UNIT, Shape=0.3, Seed=seed + 4)
        self._node(hair, "Trim Hair Curves", Replace_Length=False, Length_Factor=1.0, Random_Offset=0.25, Seed=seed + 5)
        made = hair.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        points = np.empty((len(made.points), 3), np.float32)
        made.points.foreach_get("position", points.ravel())
        starts = np.empty(len(made.curves) + 1, np.int32)
        made.curve_offset_data.foreach_get("value", starts)
        bpy.data.hair_curves.remove(curves)  # and the objects with them
        bpy.data.meshes.remove(surface.data)
        return [points[a:b] / UNIT for a, b in zip(starts, starts[1:])]


def make_style(style, scalp, salon, seed):
    """Strands (n, POINTS, 3) metres of a :class:`Style` on the mean head, n <= STRANDS."""
    rng = np.random.default_rng(seed)
    roots, normals = scalp.sample(rng, GUIDES)
    guides = grow_guides(style, roots, normals, scalp.skull, rng)
    strands = salon.strands(style, guides, int(rng.integers(5000)))
    strands = np.stack([resample(strand, POINTS) for strand in strands])
    strands = strands[rng.random(len(strands)) < growth(style, strands[:, 0])]
    strands = trim(style, strands)
    strands = strands[~strays(strands, scalp.skull) | (rng.random(len(strands)) < STRAYS_KEPT)]
    clear = 0.0006 + 0.0012 * np.linspace(0.0, 1.0, POINTS)
    moved, _ = outside(strands, scalp.skull, np.broadcast_to(clear, strands.shape[:2]), style.hanging)
    strands[:, 1:] = moved[:, 1:]
    return strands[rng.permutation(len(strands))[:STRANDS]]


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="file to write")
    parser.add_argument("--seed", type=int, default=0, help="of all styles")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES), help="that are made")
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    args = parser.parse_args(arguments)
    scalp = Scalp(AssetPack(args.data))
    salon = Salon(scalp)
    styles = []
    for family in args.families:
        for i in range(COUNTS[family]):
            seed = args.seed, list(FAMILIES).index(family), i
            style = sample_style(np.random.default_rng(seed), family)
            made = make_style(style, scalp, salon, (*seed, 1))
            styles.append((style, made, growth(style, scalp.verts[scalp.vertices])))
    arrays = pack_styles(styles, scalp)
    write_atomically(args.out, lambda file: np.savez_compressed(file, **arrays))
    print(f"{len(styles)} hairstyles of up to {STRANDS} strands written to {args.out}, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    command(main)
