"""Write shards of synthetic portraits: ``python -m training.synthetic.generate --out DIR --shards N``.

Every shard is a folder of uncompressed .npy arrays, one row per head (``ARRAYS``, ``PARAMETERS``). All geometry is in
the frame of the *estimated* camera: the pose that :func:`inference.alignment.pose.solve_pose` finds from noisy landmarks, as
at inference. The head is warped so that this camera sees every point at the pixel of the photo.

photo, views: sRGB, straight alpha, no background. photo_depth, view_depth: metres along the view axis, 0 = nothing.
camera, view_cameras: camera_to_world of crop cameras (256 pixels, 12 degrees, centred). landmarks, landmarks68:
exact pixels in the photo (FaceMesh 468, Multi-PIE 68). dome_radius, dome_rgba: outermost surface per dome texel,
metres, 0 = nothing, hair of single strands smoothed to one surface; skin_radius, skin_rgb: the same without hair, beard, hat,
glasses and earrings. photo_label, dome_label: how much of a pixel or texel is skin, hair and cloth, 255 = all; less than
that in all where there is nothing, glasses or earrings. dome_seen: how far the photo shows a texel's column, 255 = wholly.
dome_light: diffuse light, (value / 255) ** 2.2 * BRIGHTEST of :mod:`.passes`, so that colour is light times albedo, but for highlights. The light is fixed in the world, so
photo, views and domes share one shading. Beside the shards: mean_landmarks.npy (468, 3), metres, template of the
pose, parameters.json, the layout of ``parameters`` as name and length, and domes.json, how far the domes reach.
"""

import argparse
import dataclasses
import functools
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

import numpy as np
from tqdm import tqdm

from inference.alignment.pose import landmark_weights, solve_pose
from inference.files import write_atomically
from inference.geometry.cameras import CROP_DISTANCE, orbit_camera
from inference.geometry.curves import smooth_step
from inference.geometry.reach import REACH
from training.errors import command
from training.model.geometry import TEXTURE
from training.pack.folder import HELP

from . import headwear, hood
from .appearance import Wardrobe, sample_look, with_haircut
from .assets import AssetPack
from .beside import DOMES_FILE, PARAMETERS_FILE
from .earrings import earring_parts
from .glasses import glasses_parts
from .heads import build_head, ear_points, landmark_points, mean_landmarks, sample_person, shrink_mouth_bag, turned_eyes
from .lighting import irradiance, sample_light
from .passes import LABEL, LIGHT, smooth_normals
from .ribbons import DOME_WIDTH, WIDTH, Haircuts, envelope, widened
from .shown import shown_columns

HEADS_PER_SHARD = 256
DOME_SIZE = TEXTURE
AMBIENT_DIRECTIONS = 12
EXPOSURE = np.log(1.2), 0.2  # mean and deviation of the logarithm of the light on the face's bright parts, 1 = a white wall
TURNED_SHARE, MOST_TURNED = 0.3, 60.0  # of the photos are turned by any angle up to this many degrees, as snapshots are
STRAND_STREAM = 1  # of a head's random numbers
UNSEEN_NOISE = 3.0  # pixels; detectors guess the side of a face that they do not see, and guess all of it alike
ARRAYS = {  # name: shape per head, type
    "photo": ((256, 256, 4), np.uint8),
    "photo_depth": ((256, 256), np.float16),
    "views": ((2, 256, 256, 4), np.uint8),
    "view_depth": ((2, 256, 256), np.float16),
    "view_cameras": ((2, 4, 4), np.float32),
    "camera": ((4, 4), np.float32),
    "landmarks": ((468, 2), np.float32),
    "landmarks68": ((68, 2), np.float32),
    "dome_radius": ((DOME_SIZE, DOME_SIZE), np.float16),
    "dome_rgba": ((DOME_SIZE, DOME_SIZE, 4), np.uint8),
    "photo_label": ((256, 256, 3), np.uint8),
    "dome_label": ((DOME_SIZE, DOME_SIZE, 3), np.uint8),
    "dome_light": ((DOME_SIZE, DOME_SIZE, 3), np.uint8),
    "dome_seen": ((DOME_SIZE, DOME_SIZE), np.uint8),
    "skin_radius": ((DOME_SIZE, DOME_SIZE), np.float16),
    "skin_rgb": ((DOME_SIZE, DOME_SIZE, 3), np.uint8),
}
PARAMETERS = (  # name, length; the layout of the "parameters" array
    ("identity", 100), ("expression", 57), ("sex", 1), ("age", 1), ("ancestry", 3), ("muscle", 1), ("weight", 1),
    ("gaze", 2), ("asymmetry", 8), ("skin", 1), ("skin_colour", 3), ("hair", 1), ("hair_colour", 3), ("hair_style", 8),
    ("strands", 22), ("beard_style", 4),
    ("beard", 1), ("beard_colour", 3), ("glasses", 1), ("earrings", 1), ("hat", 1), ("headwear", 1), ("scarf", 1), ("suit", 1), ("lips", 1), ("light_sh", 27),
    ("light_directions", 6), ("light_colours", 6), ("true_camera", 4), ("seed", 1),
)  # fmt: skip


def _directions(count):
    """Unit vectors (count, 3) spread evenly over the sphere, without those from straight below."""
    i = np.arange(2 * count) + 0.5
    y = 1.0 - i / count
    ring, angle = np.sqrt(1.0 - y * y), i * np.pi * (3.0 - np.sqrt(5.0))
    points = np.stack([ring * np.sin(angle), y, ring * np.cos(angle)], -1)
    return points[np.argsort(-(points[:, 1] + 0.6 * points[:, 2]))][:count]


def true_camera(rng, turns=None):
    """Camera of the photo: jittered crop camera, for four heads of ten with another distance. Returns camera, numbers.

    turns: least and greatest yaw in degrees, drawn evenly to either side; None draws yaws as people are photographed:
    mostly near the front, TURNED_SHARE of them evenly up to MOST_TURNED.
    """
    turned = rng.random() < TURNED_SHARE
    yaw, pitch = np.clip(rng.normal(0.0, 14.0), -45, 45), np.clip(rng.normal(0.0, 11.0 if turned else 8.0), -25, 25)
    if turns is not None or turned:
        yaw = rng.uniform(*(turns or (0.0, MOST_TURNED))) * rng.choice((-1.0, 1.0))
    distance = float(np.exp(rng.uniform(np.log(0.6), np.log(3.0)))) if rng.random() < 0.4 else CROP_DISTANCE
    camera = orbit_camera(yaw, pitch, distance)
    eyes = np.array([0.0, 0.02, 0.068])
    depth = camera.project(eyes)[1]
    standard = orbit_camera(yaw, pitch).project(eyes)[1]
    focal = camera.fx * depth / standard * (1.0 + rng.normal(0.0, 0.03))
    roll = np.deg2rad(rng.normal(0.0, 2.0))
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1.0]])
    pose = camera.camera_to_world.copy()
    pose[:3, :3] = pose[:3, :3] @ turn
    shift = rng.normal(0.0, 0.003, 2) * focal / distance
    numbers = np.array([yaw, pitch, np.rad2deg(roll), distance], np.float32)
    return dataclasses.replace(camera, fx=focal, fy=focal, cx=camera.cx + shift[0], cy=camera.cy + shift[1],
                               camera_to_world=pose), numbers  # fmt: skip


def noisy_landmarks(rng, landmarks, template, camera):
    """Landmarks (L, 2) px as a detector would give them: 1 px noise each plus 1.5 px that varies slowly over the face.

    template: (L, 3) the mean head's. What this camera does not see of it is less certain, see UNSEEN_NOISE.
    """
    outward = (template - (0.0, template[:, 1].mean(), 0.0)) * (1.0, 0.3, 1.0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    unseen = 1.0 - smooth_step(-0.1, 0.4, outward @ (camera.position / np.linalg.norm(camera.position)))
    span = (template - template.mean(0)) / template.std(0)
    slow = np.stack([np.ones(len(span)), span[:, 0], span[:, 1], span[:, 0] * span[:, 1], span[:, 1] ** 2], -1)
    slow = slow / np.sqrt((slow**2).sum(1).mean())
    each = rng.normal(0.0, 1.0, landmarks.shape) * (1.0 + unseen[:, None])
    guess = UNSEEN_NOISE * unseen[:, None] * rng.normal(size=2)
    return landmarks + each + 1.5 * slow @ rng.normal(size=(slow.shape[1], 2)) + guess


def warp_points(points, true, estimated):
    """Move points so that the estimated camera sees them at the pixels where the true camera sees them.

    points: (n, 3) metres. Depth about the head centre is scaled like the lateral size, so shapes keep their
    proportions. Returns (n, 3) float64 metres, portrait space.
    """
    pixels, depth = true.project(points)
    depth_true, depth_estimated = true.project(np.zeros(3))[1], estimated.project(np.zeros(3))[1]
    scale = (depth_estimated / estimated.fx) / (depth_true / true.fx)
    depth = depth_estimated + (depth - depth_true) * scale
    local = np.stack([(pixels[:, 0] - estimated.cx) / estimated.fx * depth,
                      (estimated.cy - pixels[:, 1]) / estimated.fy * depth, -depth], -1)  # fmt: skip
    return local @ estimated.camera_to_world[:3, :3].T + estimated.position


def renderer_class(name, device="cpu"):
    """What makes a renderer from an AssetPack: ``gl`` draws through OpenGL, ``torch`` with PyTorch on a device.

    The libraries of the other one need not be there.
    """
    if name == "gl":
        from .renderer import Renderer

        return Renderer
    from .torch_renderer import TorchRenderer

    return functools.partial(TorchRenderer, device=device)


class Studio:
    """Makes heads; holds what they share.

    data: folder of the data pack. renderer: makes the renderer from the AssetPack, see :func:`renderer_class`; OpenGL
    by default. turns: see :func:`true_camera`. strands: file of :mod:`training.synthetic.strands`, or None.
    """

    def __init__(self, data=None, renderer=None, turns=None, strands=None):
        self.turns = turns
        self.pack = AssetPack(data)
        self.renderer = (renderer or renderer_class("gl"))(self.pack)
        self.wardrobe = Wardrobe(self.pack, self.renderer)
        self.haircuts = Haircuts(strands, self.pack) if strands else None
        self.template = mean_landmarks(self.pack).astype(np.float64)
        self.weights = landmark_weights(self.template)
        self.weights[~self.pack.landmarks["facemesh468_valid"]] = 0.0
        self.ambient = _directions(AMBIENT_DIRECTIONS)

    def _meshes(self, head, look):
        """Mesh vertices in portrait space per part: list of (part, vertices)."""
        pack, meshes = self.pack, []
        skin = head.to_portrait(head.posed)
        shrink_mouth_bag(pack, skin)
        meshes.append((pack.skin_part(look.suit), skin))
        for key in ("eyes.high_poly", look.brow, look.lash, look.teeth, "tongue.tongue01", look.suit, look.hair, look.hat):
            if key is None:
                continue
            kind = pack.tables["assets"][key]["kind"]
            rest = head.posed if kind in ("teeth", "tongue") else head.body
            verts = pack.fit(key, rest, head.posed)
            if kind == "eyes":
                verts = turned_eyes(pack, head, verts)
            verts = head.to_portrait(verts)
            if kind == "hair":
                if look.mirror:
                    verts = verts * np.float32([-1, 1, 1])
                centre = np.float32([0.0, 0.03, -0.01])
                verts = (verts - centre) * look.hair_size.astype(np.float32) + centre
            meshes.append((pack.part(key), verts))
        return meshes + self._strands(head, look, meshes)

    def _strands(self, head, look, meshes):
        """Procedural hair, beard, headwear and scarf; sets ``self.cover`` and ``self.tint`` per part."""
        self.cover, self.tint, grown = {}, {}, []
        skin_part, skin = meshes[0]
        if any(part is not None for part in (look.strands, look.haircut, look.headwear, look.scarf)):
            body = np.concatenate([skin[skin_part.source]] + [v for part, v in meshes if part.kind == "suit"])
            skull = hood.Skull(skin, self.wardrobe.skull, body)
        if look.headwear is not None:
            grown += headwear.grow_headwear(look.headwear, skull, self.wardrobe.headwear)
        if look.scarf is not None:
            grown.append(headwear.grow_scarf(look.scarf, skull, self.wardrobe.headwear))
        if look.strands is not None:
            forehead = head.to_portrait(landmark_points(self.pack, head.posed))[10, 1] - self.template[10, 1]
            for part, layer in zip(self.wardrobe.hood, hood.build_hood(look.strands, skull, forehead), strict=True):
                grown.append((part, *layer))
            if look.strands.knot:
                grown.append((self.wardrobe.knot, *hood.build_knot(look.strands, skull)))
        if look.haircut is not None:
            layers, self.tint["ribbons"] = self.haircuts.grow(look.haircut, skin, smooth_normals(skin_part, skin), skull)
            grown += layers
        if look.beard_style is not None:
            grown += self.wardrobe.beard.grow(look.beard_style, skin, smooth_normals(skin_part, skin))
        for part, _, uv, cover in grown:
            self.renderer.set_strands(part, uv, cover)
            self.cover[part.name] = cover
        return [(part, verts) for part, verts, *_ in grown]

    def _shade(self, meshes, light):
        """Upload normals and light of every part."""
        normals = []
        for part, verts in meshes:
            normal = smooth_normals(part, verts)
            if part.kind in ("hair", "brow", "lash"):  # cards: mix with the direction away from the head
                outward = verts - np.float32([0.0, 0.02, -0.02])
                outward /= np.linalg.norm(outward, axis=1, keepdims=True)
                normal = np.where((normal * outward).sum(1, keepdims=True) < 0, -normal, normal)
                normal = normal * 0.5 + outward
                normal /= np.linalg.norm(normal, axis=1, keepdims=True)
            normals.append(normal)
            self.renderer.set_positions(part, verts[part.source])
        casters = [part for part, _ in meshes if part.kind in ("skin", "hair", "hat", "suit")]
        points, normal = np.concatenate([v for _, v in meshes]), np.concatenate(normals)
        directions = np.concatenate([self.ambient, light.directions])
        seen = self.renderer.visibility(casters, points, normal, directions)
        facing = np.maximum(normal @ self.ambient.T, 0.0) + 0.05
        occlusion = (seen[:, :AMBIENT_DIRECTIONS] * facing).sum(1) / facing.sum(1)
        shadows = seen[:, AMBIENT_DIRECTIONS:]
        start = 0
        shaded = []
        for part, verts in meshes:
            stop = start + len(verts)
            ao, shadow = occlusion[start:stop], shadows[start:stop]
            if part.kind in ("skin", "suit"):
                ao, shadow = _smooth(part, ao), _smooth(part, shadow)
            floor = {"hair": 0.35, "brow": 0.6, "lash": 0.6, "eyes": 0.3}.get(part.kind, 0.12)
            ao = floor + (1.0 - floor) * np.clip(ao * 1.25, 0.0, 1.0)
            if part.kind in ("hair", "brow", "lash"):
                shadow = 0.3 + 0.7 * shadow
            shaded.append((part, normal[start:stop], irradiance(light, normal[start:stop], ao, shadow)))
            start = stop
        part, normal, light_on_skin = shaded[0]
        verts = meshes[0][1]
        face = (verts[:, 2] > 0.05) & (verts[:, 1] > -0.08) & (verts[:, 1] < 0.07) & (normal[:, 2] > 0.3)
        return shaded, np.percentile(light_on_skin[face], 75, axis=0)

    def make(self, seed, views=True):
        """One head: dictionary of the arrays of ``ARRAYS`` plus ``parameters``. seed: tuple of ints.

        Without views, ``views``, ``view_depth``, ``skin_radius`` and ``skin_rgb`` are left out, the rest is the same.
        """
        rng = np.random.default_rng(seed)
        pack, renderer = self.pack, self.renderer
        person = sample_person(rng, pack)
        head = build_head(pack, person, self.template, self.weights)
        look = sample_look(rng, pack, person)
        if self.haircuts:  # draws from numbers of its own, so that all other heads are as without strands
            look = with_haircut(np.random.default_rng((*seed, STRAND_STREAM)), look, person, self.haircuts)
        light = sample_light(rng, pack)
        camera, camera_numbers = true_camera(rng, self.turns)
        meshes = self._meshes(head, look)
        materials = self.wardrobe.materials(look)
        tops, lobes = ear_points(pack, meshes[0][1])
        meshes += glasses_parts(look.glasses, head.to_portrait(landmark_points(pack, head.posed)), tops, materials)
        meshes += earring_parts(look.earrings, lobes, materials)
        shaded, brightness = self._shade(meshes, light)
        white_balance = rng.uniform(0.6, 1.0)  # how far the camera makes up for the colour of the light
        exposed = np.clip(np.exp(rng.normal(*EXPOSURE)), 0.7, 1.75)
        exposure = exposed / (brightness**white_balance * brightness.mean() ** (1.0 - white_balance))
        for part, normals, lit in shaded:
            tinted = (lit * exposure)[part.source] * self.tint.get(part.name, 1.0)
            renderer.set_shading(part, normals[part.source], tinted, self.cover.get(part.name))
        toward = camera.position / np.linalg.norm(camera.position)
        halves, colours = np.zeros((2, 3)), np.zeros((2, 3))
        for i, direction in enumerate(light.directions):
            half = direction + toward
            halves[i], colours[i] = half / np.linalg.norm(half), light.colours[i] * exposure
        glossy = (halves, colours)

        exact = landmark_points(pack, head.posed)
        landmarks = camera.project(head.to_portrait(exact))[0]
        landmarks68 = camera.project(head.to_portrait(landmark_points(pack, head.posed, "multipie68")))[0]
        estimated = solve_pose(noisy_landmarks(rng, landmarks, self.template, camera), self.template)
        parts, warped = [part for part, _ in meshes], []
        for part, verts in meshes:
            warped.append(warp_points(verts, camera, estimated).astype(np.float32)[part.source])
            renderer.set_positions(part, warped[-1])
        row = {"camera": estimated.camera_to_world, "landmarks": landmarks, "landmarks68": landmarks68}
        noise = self.wardrobe.noise
        row["photo"], row["photo_depth"] = renderer.view(estimated, parts, materials, noise, glossy)
        row["photo_label"] = shares(renderer.view(estimated, parts, materials, noise, glossy, holds=LABEL)[0])
        cameras = [orbit_camera(rng.uniform(-35, 35), rng.uniform(-15, 15)),
                   orbit_camera(rng.uniform(-60, 60), rng.uniform(-20, 25))]  # fmt: skip
        row["view_cameras"] = np.stack([c.camera_to_world for c in cameras])
        if views:
            pictures = [renderer.view(c, parts, materials, noise, glossy) for c in cameras]
            row["views"], row["view_depth"] = np.stack([v[0] for v in pictures]), np.stack([v[1] for v in pictures])
        for part, positions in zip(parts, warped, strict=True):
            wide = widened(positions, DOME_WIDTH / WIDTH) if part.name == "ribbons" else positions
            renderer.set_dome_positions(part, wide)
        row["dome_rgba"], row["dome_radius"] = renderer.dome(parts, materials, noise, glossy, DOME_SIZE)
        row["dome_label"] = shares(renderer.dome(parts, materials, noise, glossy, DOME_SIZE, holds=LABEL)[0])
        if look.haircut:
            row["dome_radius"] = envelope(row["dome_radius"], row["dome_label"])
        matte = row["photo"][..., 3].astype(np.float32) / 255.0
        shown = shown_columns(row["dome_radius"].astype(np.float32), row["dome_rgba"][..., 3] > 127, row["camera"], matte)
        row["dome_seen"] = np.round(255.0 * shown)
        if views:
            bare = [part for part in parts if part.kind not in ("hair", "hat", "glasses")]
            rgba, row["skin_radius"] = renderer.dome(bare, materials, noise, glossy, DOME_SIZE)
            row["skin_rgb"] = rgba[..., :3]
        for part, normals, lit in shaded:  # a tint of strands is a colour of theirs
            if part.name in self.tint:
                renderer.set_shading(part, normals[part.source], (lit * exposure)[part.source], self.cover.get(part.name))
        row["dome_light"] = renderer.dome(parts, materials, noise, glossy, DOME_SIZE, holds=LIGHT)[0][..., :3]
        row["parameters"] = self._parameters(person, look, light, camera_numbers, seed)
        return row

    def _parameters(self, person, look, light, camera_numbers, seed):
        directions, colours = np.zeros((2, 3)), np.zeros((2, 3))
        directions[: len(light.directions)], colours[: len(light.colours)] = light.directions, light.colours
        hairs = self.pack.names["hair"]
        values = {
            "skin": list(self.pack.skins).index(look.skin), "hair": hairs.index(look.hair) + 1 if look.hair else 0,
            "hair_style": [*look.hair_size, look.mirror, look.scalp, look.hair_contrast, 0,
                           look.haircut.style + 1 if look.haircut else 0],
            "strands": look.strands.numbers() if look.strands else np.full(22, -1.0),
            "beard_style": look.beard_style.numbers() if look.beard_style else np.zeros(4),
            "glasses": look.glasses is not None, "earrings": look.earrings is not None, "hat": look.hat is not None,
            "headwear": headwear.KINDS.index(look.headwear.kind) + 1 if look.headwear else 0,
            "scarf": look.scarf is not None,
            "suit": self.pack.names["suit"].index(look.suit), "light_sh": light.sh, "light_directions": directions,
            "light_colours": colours, "true_camera": camera_numbers, "seed": seed[-1],
        }  # fmt: skip
        out = []
        for name, length in PARAMETERS:
            value = values[name] if name in values else getattr(person, name, None)
            value = getattr(look, name) if value is None else value
            out.append(np.asarray(value, np.float32).reshape(length))
        return np.concatenate(out)


def _smooth(part, values, rounds=2):
    """Average values of a mesh's vertices (n, ...) with their neighbours."""
    spread = part.incidence
    count = np.maximum(np.asarray(spread.sum(1)).ravel(), 1.0)
    count = count.reshape(-1, *[1] * (values.ndim - 1))
    for _ in range(rounds):
        faces = (spread.T @ values) / 3.0
        values = spread @ faces / count
    return values


def shares(rgba):
    """Labels (h, w, 4) uint8 as the renderer draws them, as shares of whole pixels: (h, w, 3) uint8."""
    return (rgba[..., :3] * (rgba[..., 3:] / 255.0)).round().astype(np.uint8)


def write_shard(studio, out, index, seed, heads=HEADS_PER_SHARD, views=True, quiet=False):
    """Write shard ``index``; the folder appears under its final name when it is complete. What is left out is zero."""
    final = pathlib.Path(out) / f"shard_{index:04d}"
    if final.is_dir():
        return final
    partial = final.with_name(f".{final.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    length = sum(n for _, n in PARAMETERS)
    arrays = {
        name: np.lib.format.open_memmap(partial / f"{name}.npy", "w+", dtype, (heads, *shape))
        for name, (shape, dtype) in (ARRAYS | {"parameters": ((length,), np.float32)}).items()
    }
    for i in tqdm(range(heads), desc=final.name, unit="head", mininterval=10.0, disable=quiet):
        for name, value in studio.make((seed, index, i), views).items():
            arrays[name][i] = value
    for array in arrays.values():
        array.flush()
    del arrays
    if final.exists():
        shutil.rmtree(partial)
    else:
        partial.rename(final)
    return final


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder of the shards")
    parser.add_argument("--shards", type=int, default=1, help="how many shards to write")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--seed", type=int, default=0, help="every (seed, shard, head) is one fixed person")
    parser.add_argument("--heads", type=int, default=HEADS_PER_SHARD, help="heads per shard")
    parser.add_argument("--no-views", dest="views", action="store_false",
                        help="leave out views and bare skin, a quarter of the time: enough for training.train with view_from=2")  # fmt: skip
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    parser.add_argument("--strands", type=pathlib.Path, help="hairstyles of training.synthetic.strands, for a share of the heads")
    parser.add_argument("--renderer", choices=("gl", "torch"), default="gl", help="OpenGL (EGL) or PyTorch")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of --renderer torch")
    parser.add_argument("--yaw-range", type=float, nargs=2, metavar=("LEAST", "MOST"),
                        help="degrees the heads are turned to either side, evenly; for sets of turned faces")  # fmt: skip
    parser.add_argument("--processes", type=int, default=1, help="that make shards side by side, with a renderer each")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.processes > 1:
        return side_by_side(args)
    studio = open_studio(args)
    for index in range(args.first, args.first + args.shards):
        write_shard(studio, args.out, index, args.seed, args.heads, args.views)
    return 0


def open_studio(args):
    """The Studio of a command line; writes what lies beside the shards."""
    studio = Studio(args.data, renderer_class(args.renderer, args.device), args.yaw_range, args.strands)
    for name, save in (("mean_landmarks.npy", lambda file: np.save(file, studio.template.astype(np.float32))),
                       (PARAMETERS_FILE, lambda file: file.write(json.dumps(PARAMETERS).encode())),
                       (DOMES_FILE, lambda file: file.write(json.dumps(REACH).encode()))):  # fmt: skip
        write_atomically(args.out / name, save)
    return studio


def side_by_side(args):
    """Make shards in several processes. SIGTERM and Ctrl-C finish those that are begun; returns the exit code."""
    caught = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: caught.append(number))
    context = multiprocessing.get_context("spawn")  # neither GL contexts nor CUDA survive a fork
    with ProcessPoolExecutor(args.processes, context, _begin, (args,)) as pool:
        waiting = {pool.submit(_shard, index) for index in range(args.first, args.first + args.shards)}
        with tqdm(total=args.shards, unit="shard", mininterval=10.0) as bar:
            while waiting and not caught:
                done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                bar.update(len(done))
        pool.shutdown(cancel_futures=True)
    return 128 + caught[0] if caught else 0


def _begin(args):
    """Open this process's studio. What a signal to the whole group means is the first process's to decide."""
    global _worker
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _worker = open_studio(args), args


def _shard(index):
    studio, args = _worker
    write_shard(studio, args.out, index, args.seed, args.heads, args.views, quiet=True)


if __name__ == "__main__":
    command(main)
