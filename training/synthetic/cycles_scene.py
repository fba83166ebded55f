"""Heads of the :class:`~training.synthetic.generate.Studio` as scenes that Blender can build: one .npz file each.

A scene holds ``description`` (JSON: parts, lights, cameras) and arrays: ``positions_k`` (n, 3) float32 metres in portrait
space, ``triangles_k`` (t, 3) int32, ``uv_k`` (t, 3, 2) float32 per corner, v up, ``normals_k`` (n, 3) and ``cover_k``
(n,) float32 of part k, ``image_k`` (h, w, 4) uint8 sRGB with opacity where the part has one, ``noise`` (h, w, 4) uint8
and ``environment`` (h, w, 3) float32, linear radiance, rows from zenith to nadir.
"""

import json

import numpy as np

from .cycles_textures import STRANDS, bake, shader_kind
from .generate import PARAMETERS
from .lighting import project_environment
from .passes import COLOUR
from .renderer import Renderer

BRIGHTEST = 40.0  # times the mean; hotter spots of an environment map are cut, a few samples cannot find them
SATURATION = (0.15, 0.8)  # of the environment's colours, as in sample_light


class RecordingRenderer(Renderer):
    """The OpenGL renderer, which also remembers what it was given last."""

    def __init__(self, pack):
        self.positions, self.normals, self.covers, self.strands, self.cameras = {}, {}, {}, {}, []
        super().__init__(pack)

    def upload(self, image, mipmaps=True):
        texture = super().upload(image, mipmaps)
        texture.extra = image
        return texture

    def set_positions(self, part, positions):
        self.positions[part.name] = np.asarray(positions, np.float32)
        super().set_positions(part, positions)

    def set_shading(self, part, normals, light, cover=None):
        self.normals[part.name] = np.asarray(normals, np.float32)
        self.covers[part.name] = np.ones(len(normals), np.float32) if cover is None else np.asarray(cover, np.float32)
        super().set_shading(part, normals, light, cover)

    def set_strands(self, part, uv, cover):
        self.strands[part.name] = np.asarray(uv, np.float32)
        super().set_strands(part, uv, cover)

    def view(self, camera, parts, materials, noise, gloss_light, samples=2, holds=COLOUR):
        if holds == COLOUR:
            self.cameras.append(camera)
            self.parts, self.materials, self.noise, self.gloss_light = parts, materials, noise, gloss_light
        return super().view(camera, parts, materials, noise, gloss_light, samples, holds)


def named_parameters(parameters):
    """The rows of ``parameters`` by name, each (length,) float32."""
    stops = np.cumsum([length for _, length in PARAMETERS])
    return {name: parameters[stop - length : stop] for (name, length), stop in zip(PARAMETERS, stops, strict=True)}


def environment_map(rng, maps, mean):
    """One of the pack's environment maps, turned at random, as Blender wraps it round portrait space.

    maps: arrays by name. mean: (3,) its mean radiance, seen as an even light, per channel. Returns (256, 512, 3) float32.
    """
    radiance = maps[rng.choice(sorted(maps))].astype(np.float32)
    radiance = np.minimum(radiance, BRIGHTEST * radiance.mean())
    radiance = np.roll(radiance, rng.integers(radiance.shape[1]), 1)
    grey = radiance.mean(-1, keepdims=True)
    radiance = grey + rng.uniform(*SATURATION) * (radiance - grey)
    return radiance * np.float32(mean / (project_environment(radiance)[0] * 0.282095))


def _mesh(part, renderer):
    """Arrays of a part as a mesh whose vertices are not split at UV seams, so that it shades smoothly."""
    source, first, inverse = np.unique(part.source, return_index=True, return_inverse=True)
    live = renderer.drawn[id(part)].live  # triangles without any cover are all (0, 0, 0)
    live = live[(live[:, 0] != live[:, 1]) & (live[:, 1] != live[:, 2])]
    name = part.name
    return {
        "positions": renderer.positions[name][first], "triangles": inverse[live].astype(np.int32),
        "uv": renderer.strands.get(name, part.uv)[live], "normals": renderer.normals[name][first],
        "cover": renderer.covers[name][first],
    }  # fmt: skip


def record(studio, seed, maps):
    """One head of a Studio with a :class:`RecordingRenderer`.

    seed: tuple of ints, as of ``Studio.make``. maps: environment maps by name. Returns the row of ``Studio.make`` and the
    arrays of the scene.
    """
    renderer = studio.renderer
    renderer.cameras.clear()
    row = studio.make(seed)
    noise, arrays, parts = renderer.noise.extra, {}, []
    for k, part in enumerate(renderer.parts):
        material = renderer.materials[part.name]
        kind = shader_kind(part, material)
        pictures = [getattr(material[name], "extra", None) for name in ("image", "paint")]
        found = _mesh(part, renderer) | {"image": bake(kind, material, *pictures, noise)}
        arrays |= {f"{name}_{k}": value for name, value in found.items() if value is not None}
        parts.append({"name": part.name, "kind": part.kind, "strands": kind == STRANDS} | {
            name: np.asarray(material[name], float).tolist()
            for name in ("gain", "power", "opacity", "noise_scale", "shine")
        })  # fmt: skip
    values = named_parameters(row["parameters"])
    directions, colours = (values[name].reshape(2, 3) for name in ("light_directions", "light_colours"))
    exposure = renderer.gloss_light[1][0] / colours[0]  # per channel, with the white balance
    lights = [{"direction": d.tolist(), "colour": (c * exposure).tolist()}
              for d, c in zip(directions, colours, strict=True) if c.any()]  # fmt: skip
    mean = values["light_sh"].reshape(9, 3)[0] * 0.282095 * exposure
    arrays |= {"noise": noise, "environment": environment_map(np.random.default_rng((*seed, 1)), maps, mean)}
    description = {"parts": parts, "lights": lights, "cameras": [camera.to_json() for camera in renderer.cameras]}
    return row, arrays | {"description": np.array(json.dumps(description))}
