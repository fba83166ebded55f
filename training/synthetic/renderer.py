"""OpenGL passes: occlusion, colour and depth through a camera, and the two dome layers."""

import moderngl
import numpy as np

from . import shaders
from .passes import (
    BRIGHTEST,
    COLOUR,
    DOME_MATRIX,
    DOME_RADIUS,
    KINDS,
    LABELS,
    OCCLUSION_EXTENT,
    OCCLUSION_SIZE,
    SHADOW_BIAS,
    dome_mesh,
    metres,
    projection_matrix,
    reduce_color,
    reduce_depth,
    shadow_axes,
    shadow_matrix,
    shadow_points,
)


class _Drawn:
    """GL buffers of one Part."""

    def __init__(self, context, programs, part):
        self.part = part
        count = len(part.source)
        self.live = part.triangles  # triangles that are drawn; left-out ones are degenerate
        self.uv = context.buffer(part.uv.tobytes())
        self.position = context.buffer(reserve=count * 12, dynamic=True)
        self.shade = context.buffer(reserve=count * 28, dynamic=True)
        self.index = context.buffer(part.triangles.tobytes())
        self.dome_index = context.buffer(reserve=part.triangles.nbytes, dynamic=True)
        layout = [(self.position, "3f", "position"), (self.uv, "2f", "uv"), (self.shade, "3f 3f 1f", "normal", "light", "cover")]
        self.surface = context.vertex_array(programs["surface"], layout, self.index)
        self.dome = context.vertex_array(programs["surface"], layout, self.dome_index)
        self.depth = context.vertex_array(programs["depth"], [(self.position, "3f", "position")], self.index)


class Renderer:
    """Owns the GL context, the textures and the buffers; one per process.

    pack: :class:`~training.synthetic.assets.AssetPack`.
    """

    def __init__(self, pack):
        self.pack = pack
        self.context = moderngl.create_context(standalone=True, backend="egl")
        program = self.context.program
        self.programs = {
            "surface": program(shaders.SURFACE_VERTEX, shaders.SURFACE_FRAGMENT),
            "depth": program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT),
            "bake": program(shaders.BAKE_VERTEX, shaders.BAKE_FRAGMENT),
        }
        self.drawn, self.textures, self.targets = {}, {}, {}
        self.blank = self.context.texture((1, 1), 4, b"\xff" * 4)

    def upload(self, image, mipmaps=True):
        """A GL texture from (H, W, 4) uint8, row 0 on top, repeating."""
        texture = self.context.texture(image.shape[1::-1], 4, np.ascontiguousarray(image[::-1]).tobytes())
        if mipmaps:
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        return texture

    def texture(self, path, size=None):
        """Resident texture of the pack by its path."""
        if path not in self.textures:
            self.textures[path] = self.upload(self.pack.image(path, size))
        return self.textures[path]

    def _buffers(self, part):
        if id(part) not in self.drawn:
            self.drawn[id(part)] = _Drawn(self.context, self.programs, part)
        return self.drawn[id(part)]

    def _target(self, size):
        if size not in self.targets:
            color, depth = self.context.texture((size, size), 4), self.context.depth_texture((size, size))
            self.targets[size] = (self.context.framebuffer([color], depth), color, depth)
        return self.targets[size]

    def bake_positions(self, part, verts, size=1024):
        """Positions of a part in its texture: (size, size, 4) float32, row 0 on top, last channel 1 where covered."""
        texture = self.context.texture((size, size), 4, dtype="f4")
        frame = self.context.framebuffer([texture])
        frame.use()
        frame.clear()
        self.context.disable(moderngl.DEPTH_TEST)
        position = self.context.buffer(np.ascontiguousarray(verts[part.source], np.float32).tobytes())
        drawn = self._buffers(part)
        layout = [(drawn.uv, "2f", "uv"), (position, "3f", "position")]
        self.context.vertex_array(self.programs["bake"], layout, drawn.index).render()
        out = np.frombuffer(texture.read(), np.float32).reshape(size, size, 4)[::-1].copy()
        frame.release()
        texture.release()
        return out

    def set_positions(self, part, positions):
        """Upload the drawn vertices' positions (k, 3)."""
        self._buffers(part).position.write(np.ascontiguousarray(positions, np.float32).tobytes())

    def set_shading(self, part, normals, light, cover=None):
        """Upload unit normals (k, 3), relative irradiance (k, 3) and strand cover (k,), 1 if not given."""
        cover = np.ones(len(normals)) if cover is None else cover
        self._buffers(part).shade.write(np.hstack([normals, light, cover[:, None]]).astype(np.float32).tobytes())

    def set_strands(self, part, uv, cover):
        """Upload strand coordinates (k, 2) and leave out triangles without any cover (k,)."""
        drawn = self._buffers(part)
        drawn.uv.write(np.ascontiguousarray(uv, np.float32).tobytes())
        drawn.live = np.where((cover[part.triangles] > 0.0).any(1, keepdims=True), part.triangles, 0).astype(np.int32)
        drawn.index.write(drawn.live.tobytes())

    def visibility(self, parts, points, normals, directions):
        """How much of each far-away light a point sees, from shadow maps of the parts' current positions.

        points, normals: (n, 3). directions: (d, 3) unit, towards the lights. Returns (n, d) in 0..1.
        """
        size = OCCLUSION_SIZE
        frame, _, depth = self._target(size)
        frame.use()
        self.context.enable(moderngl.DEPTH_TEST)
        self.context.depth_func = "<"
        out = np.empty((len(points), len(directions)), np.float32)
        offset = shadow_points(points, normals)
        for i, direction in enumerate(directions):
            axes = shadow_axes(direction)
            frame.clear(depth=1.0)
            self.programs["depth"]["projection"].write(shadow_matrix(axes).T.astype("f4").tobytes())
            for part in parts:
                self._buffers(part).depth.render()
            stored = np.frombuffer(depth.read(), np.float32).reshape(size, size)
            local = offset @ axes.T / OCCLUSION_EXTENT
            at = ((local[:, :2] * 0.5 + 0.5) * size - 0.5).clip(0, size - 1.001)
            corner = at.astype(np.int32)
            fx, fy = (at - corner).T
            mine = (local[:, 2] * 0.5 + 0.5) - SHADOW_BIAS / (2 * OCCLUSION_EXTENT)
            seen = [(stored[corner[:, 1] + dy, corner[:, 0] + dx] > mine) for dy in (0, 1) for dx in (0, 1)]
            out[:, i] = ((1 - fy) * ((1 - fx) * seen[0] + fx * seen[1]) + fy * ((1 - fx) * seen[2] + fx * seen[3]))
        return out

    def _draw(self, parts, materials, attribute):
        program = self.programs["surface"]
        for part in parts:
            material = materials[part.name]
            program["kind"] = KINDS.get(material["kind"] or part.kind, 2)
            program["label"] = LABELS.get(part.kind, (1, 0, 0))
            (material.get("image") or self.blank).use(0)
            (material.get("paint") or self.blank).use(1)
            for name in ("gain", "power", "mean_luminance", "opacity", "beard_colour", "scalp_colour", "lip_colour",
                         "lid_colour", "beard", "scalp", "scalp_hair", "lips", "lids", "blotches", "noise_scale", "shine",
                         "gloss"):  # fmt: skip
                if name in program:
                    program[name] = material[name]
            getattr(self._buffers(part), attribute).render()

    def _begin(self, size, matrix, noise, light):
        frame, color, depth = self._target(size)
        frame.use()
        program = self.programs["surface"]
        program["projection"].write(np.asarray(matrix).T.astype("f4").tobytes())
        for i, name in enumerate(("image", "paint", "noise")):
            program[name] = i
        noise.use(2)
        program["brightest"] = BRIGHTEST
        program["half_vectors"].write(np.asarray(light[0], "f4").tobytes())
        program["light_colours"].write(np.asarray(light[1], "f4").tobytes())
        self.context.enable(moderngl.DEPTH_TEST)
        return frame, color, depth

    def view(self, camera, parts, materials, noise, gloss_light, samples=2, holds=COLOUR):
        """Draw the uploaded parts. Returns color (H, W, 4) uint8 straight alpha and depth (H, W) float32 metres, 0 = none.

        holds: COLOUR, LABEL or LIGHT, what the colours are.
        """
        size = camera.width * samples
        frame, color, depth = self._begin(size, projection_matrix(camera), noise, gloss_light)
        self.context.depth_func = "<"
        frame.clear(depth=1.0)
        self.programs["surface"]["holds"] = holds
        self._draw(parts, materials, "surface")
        pixels = np.frombuffer(color.read(), np.uint8).reshape(size, size, 4)
        stored = np.frombuffer(depth.read(), np.float32).reshape(size, size)
        depth = np.where(stored < 1.0, metres(stored), 0.0)
        return reduce_color(pixels, samples), reduce_depth(depth, samples, np.minimum)

    def set_dome_positions(self, part, positions):
        """Upload dome coordinates of the drawn vertices (k, 3), metres, and drop triangles that wrap round."""
        drawn = self._buffers(part)
        coordinates, index = dome_mesh(positions, drawn.live)
        drawn.position.write(coordinates.tobytes())
        drawn.dome_index.write(index.tobytes())

    def dome(self, parts, materials, noise, gloss_light, size, samples=2, holds=COLOUR):
        """Unroll the uploaded parts. Returns color (size, size, 4) uint8 and the outermost radius float32 metres, 0 = none.

        holds: as of :meth:`view`.
        """
        frame, color, depth = self._begin(size * samples, DOME_MATRIX, noise, gloss_light)
        self.context.depth_func = ">"
        frame.clear(depth=0.0)
        self.programs["surface"]["holds"] = holds
        self._draw(parts, materials, "dome")
        pixels = np.frombuffer(color.read(), np.uint8).reshape(size * samples, size * samples, 4)
        stored = np.frombuffer(depth.read(), np.float32).reshape(size * samples, size * samples)
        return reduce_color(pixels, samples), reduce_depth(stored * DOME_RADIUS, samples, np.maximum)
