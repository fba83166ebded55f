"""The part of the data pack that heads are made of: meshes, shape targets, textures and environment maps, ready for use."""

import dataclasses
import functools
import json

import numpy as np
from PIL import Image

from training.pack.folder import pack_folder

DECIMETRE_TO_PORTRAIT = 0.10915  # mean adult eye distance becomes 63 mm
EYE_MIDDLE = np.array([0.0, 7.3565, 1.1807])  # decimetres, MakeHuman frame
EYE_MIDDLE_PORTRAIT = np.array([0.0, 0.02, 0.068])  # metres, portrait space
BUST_Y = 4.9  # decimetres; clothes below it are never seen
BODY_VERTS = 13380  # the first of the vertices; the rest is hidden geometry that clothes are fitted to
FACEMESH_TWINS = {288: 58, 361: 132, 397: 172, 401: 177, 435: 215}  # invalid in the pack: their mirror twins


def to_portrait(points):
    """MakeHuman decimetres (..., 3) to portrait space, metres."""
    return (points - EYE_MIDDLE) * DECIMETRE_TO_PORTRAIT + EYE_MIDDLE_PORTRAIT


@dataclasses.dataclass
class Part:
    """One drawable mesh, fixed topology.

    source: (k,) int, mesh vertex of each drawn vertex (UV seams split vertices).
    uv: (k, 2) float32, v up. triangles: (t, 3) int32 into the drawn vertices.
    mesh_triangles: (t, 3) int32 into the mesh vertices, for smooth normals.
    """

    name: str
    kind: str
    source: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    mesh_triangles: np.ndarray
    texture: str | None = None


def make_part(name, kind, faces, faces_uv, uv, texture=None):
    """Triangulate quads (n, 4; -1 in the last column marks a triangle) and split the vertices at UV seams."""
    corners = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    corners_uv = np.concatenate([faces_uv[:, [0, 1, 2]], faces_uv[:, [0, 2, 3]]])
    keep = (corners >= 0).all(1)
    corners, corners_uv = corners[keep].astype(np.int64), corners_uv[keep].astype(np.int64)
    pairs, inverse = np.unique(corners * 65536 + corners_uv, return_inverse=True)
    return Part(
        name, kind, pairs // 65536, np.ascontiguousarray(uv[pairs % 65536], np.float32),
        inverse.reshape(-1, 3).astype(np.int32), corners.astype(np.int32), texture,
    )  # fmt: skip


class AssetPack:
    """Everything of the data pack that portraits need, loaded once. root: as of :func:`training.pack.folder.pack_folder`.

    Raises TrainingError if the pack is not there.
    """

    def __init__(self, root=None):
        self.root = pack_folder(root)
        heads = self.root / "heads"
        base = dict(np.load(heads / "mh_base.npz", allow_pickle=False))
        self.base = base
        self.base_verts = base["verts"].astype(np.float32)
        self.mean_adult = base["mean_adult_verts"].astype(np.float32)
        self.assets = dict(np.load(heads / "mh_assets.npz", allow_pickle=False))
        self.tables = json.loads((heads / "assets.json").read_text())
        self.landmarks = dict(np.load(heads / "mh_landmarks.npz", allow_pickle=False))
        self._mirror_invalid_landmarks()
        ict = np.load(heads / "ict_on_mh.npz", allow_pickle=False)
        self.ict_index = ict["vert_index"]
        self.identity = ict["identity"].astype(np.float32).reshape(100, -1)
        self.expression = ict["expression"].astype(np.float32).reshape(57, -1)
        self.expression_names = [str(n) for n in ict["expression_names"]]
        self._load_macros(dict(np.load(heads / "mh_targets.npz", allow_pickle=False)))  # unpacks every array once
        self.names = {
            kind: sorted(k for k, v in self.tables["assets"].items() if v["kind"] == kind)
            for kind in ("hair", "brow", "lash", "suit", "hat", "teeth")
        }
        self.skins = {k: v for k, v in self.tables["skins"].items() if v["texture"]}
        hdri = np.load(self.root / "env" / "hdri_512x256.npz", allow_pickle=False)
        self.environments = [self._shrink(hdri[n]) for n in sorted(hdri.files)]

    @functools.cached_property
    def mouth_bag(self):
        """Vertices inside the mouth (indices) and how freely they may move (0 at the lips .. 1 inside)."""
        head = self.base["quad_head"]
        uv = self.base["uv"][self.base["faces_uv"]].mean(1)
        island = head & (uv[:, 0] > 0.755) & (uv[:, 1] < 0.145)  # its own island of the skin atlas
        index = np.unique(self.base["faces"][island])
        depth = to_portrait(self.mean_adult)[index, 2]
        return index, np.clip((0.096 - depth) / 0.008, 0.0, 1.0)[:, None]

    @staticmethod
    def _shrink(radiance):
        """(256, 512, 3) to (16, 32, 3) float32, mean 1, the brightest spots tamed."""
        small = np.minimum(radiance.astype(np.float32), 60.0).reshape(16, 16, 32, 16, 3).mean((1, 3))
        small = small / small.mean()
        return np.minimum(small, 12.0)

    def _mirror_invalid_landmarks(self):
        """Give the five FaceMesh points that the data pack could not place the mirrored place of their twins."""
        corners, bary = self.landmarks["facemesh468_verts"], self.landmarks["facemesh468_bary"]
        head = np.flatnonzero(self.base["vert_head"])
        for wrong, twin in FACEMESH_TWINS.items():
            goal = bary[twin] @ self.mean_adult[corners[twin]] * (-1.0, 1.0, 1.0)
            distance = np.linalg.norm(self.mean_adult[head] - goal, axis=1)
            near = np.argsort(distance)[:3]
            corners[wrong], weights = head[near], 1.0 / (distance[near] + 1e-6)
            bary[wrong] = weights / weights.sum()
            self.landmarks["facemesh468_valid"][wrong] = True

    def _load_macros(self, targets):
        names, start = [str(n) for n in targets["names"]], targets["indptr"]
        unit = float(targets["delta_unit"])
        self.targets = {}
        for k, name in enumerate(names):
            s = slice(start[k], start[k + 1])
            if name.startswith(("macrodetails/", "asym/", "ears/", "nose/", "chin/", "neck/", "head/")):
                self.targets[name] = (targets["indices"][s], targets["deltas"][s].astype(np.float32) * unit)

    def add_target(self, verts, name, weight):
        """Add ``weight`` times a sparse target to verts (n, 3) decimetres, in place."""
        if weight:
            index, delta = self.targets[name]
            verts[index] += weight * delta  # an index occurs once in a target

    @functools.cache  # noqa: B019  (one pack lives for the whole run)
    def mirrored(self, indices):
        """Skin vertices opposite those of a tuple of indices."""
        body = self.mean_adult[:BODY_VERTS]
        return tuple(int(np.linalg.norm(body - self.mean_adult[i] * (-1, 1, 1), axis=1).argmin()) for i in indices)

    @functools.cache  # noqa: B019
    def part(self, key, texture=None):
        """The drawable :class:`Part` of an asset, e.g. ``hair.bob01``."""
        a, info = self.assets, self.tables["assets"][key]
        faces, faces_uv = a[f"{key}.faces"], a[f"{key}.faces_uv"]
        if info["kind"] == "suit":  # rest pose is good enough to cut the legs off
            rest = self.fit(key, self.mean_adult, self.mean_adult)
            keep = rest[np.where(faces < 0, faces[:, :1], faces), 1].max(1) > BUST_Y
            faces, faces_uv = faces[keep], faces_uv[keep]
        if info["kind"] == "eyes":  # drop the two clear corneas
            uv = a[f"{key}.uv"][np.where(faces_uv < 0, faces_uv[:, :1], faces_uv)]
            keep = ~((uv[..., 0] > 0.87) & (uv[..., 1] < 0.13)).all(1)
            faces, faces_uv = faces[keep], faces_uv[keep]
        if info["kind"] == "teeth":  # the gums would come through the lips of strong expressions
            image = self.image(next(iter(info["materials"].values()))["texture"]).astype(np.float32)
            uv = a[f"{key}.uv"][np.where(faces_uv < 0, faces_uv[:, :1], faces_uv)].mean(1)
            row = ((1.0 - uv[:, 1]) * image.shape[0]).astype(int).clip(0, image.shape[0] - 1)
            colour = image[row, (uv[:, 0] * image.shape[1]).astype(int).clip(0, image.shape[1] - 1), :3]
            keep = colour.min(1) > 0.55 * colour.max(1)
            faces, faces_uv = faces[keep], faces_uv[keep]
        textures = [m["texture"] for m in info["materials"].values()]
        return make_part(key, info["kind"], faces, faces_uv, a[f"{key}.uv"], texture or textures[0])

    @functools.cache  # noqa: B019
    def skin_part(self, suit=None):
        """The head and bust; quads hidden under the suit (asset key) are left out."""
        faces, faces_uv = self.base["faces"], self.base["faces_uv"]
        keep = self.base["quad_bust"].copy()
        if suit is not None:
            hidden = np.zeros(len(self.base_verts), bool)
            hidden[self.assets[f"{suit}.delete"]] = True
            keep &= ~hidden[faces].all(1)
        return make_part("skin", "skin", faces[keep], faces_uv[keep], self.base["uv"])

    def fit(self, key, body, posed):
        """Place an asset on a body. body, posed: (19158, 3) decimetres without and with expression."""
        a, scale = self.assets, self.tables["assets"][key]["scale"]
        stretch = [abs(body[s["v0"], i] - body[s["v1"], i]) / s["denominator"] for i, s in
                   ((0, scale["x"]), (1, scale["y"]), (2, scale["z"]))]  # fmt: skip
        gathered = np.einsum("ij,ijk->ik", a[f"{key}.fit_weight"], posed[a[f"{key}.fit_index"]])
        return gathered + a[f"{key}.fit_offset"] * np.asarray(stretch, np.float32)

    @functools.cache  # noqa: B019
    def image(self, texture, size=None):
        """A texture as (H, W, 4) uint8 straight alpha, optionally reduced to ``size`` pixels square."""
        image = Image.open(self.root / "heads" / texture).convert("RGBA")
        if size is not None and image.width > size:
            image = image.resize((size, size), Image.Resampling.BOX)
        return np.asarray(image)
