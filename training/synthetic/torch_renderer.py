"""The passes of :mod:`training.synthetic.renderer` in plain torch, on the CPU or a GPU, without OpenGL."""

import numpy as np
import torch

from . import torch_raster as raster
from . import torch_shading as shading
from .passes import (
    COLOUR,
    DEPTH_BLUR,
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
    shadow_axes,
    shadow_matrix,
    shadow_points,
)
from .torch_textures import Texture


def reduce_color(color, factor):
    """:func:`training.synthetic.passes.reduce_color` of a tensor: (H, W, 4) uint8 to 1 / factor of the size, uint8."""
    if factor == 1:
        return color
    height, width = color.shape[0] // factor, color.shape[1] // factor
    mean = color.float().view(height, factor, width, factor, 4).mean((1, 3))
    straight = mean[..., :3] * (255.0 / mean[..., 3:].clamp(min=1e-3))
    return torch.cat([straight, mean[..., 3:]], -1).clamp(0, 255).round().byte()


def reduce_depth(depth, factor, farthest=False):
    """:func:`training.synthetic.passes.reduce_depth` of a tensor (H, W) float32, 0 = none: nearest or farthest first."""
    height, width = depth.shape[0] // factor, depth.shape[1] // factor
    blocks = depth.view(height, factor, width, factor).permute(0, 2, 1, 3).reshape(height, width, -1)
    some = blocks > 0
    first = torch.where(some, blocks, -torch.inf).amax(-1) if farthest else torch.where(some, blocks, torch.inf).amin(-1)
    near = some & ((blocks - first[..., None]).abs() < DEPTH_BLUR)
    return (blocks * near).sum(-1) / near.sum(-1).clamp(min=1)


def on_screen(positions, matrix, size):
    """Columns, rows and depths (k, 3) in a square buffer, and distances (k,), of points (k, 3) under a (4, 4) matrix.

    Depths are 0 to 1 over the matrix's range; what lies behind the camera is no number.
    """
    clip = positions @ matrix[:, :3].T + matrix[:, 3]
    w = clip[:, 3:]
    screen = torch.where(w > 1e-6, clip[:, :3] / w, torch.nan) * 0.5 + 0.5
    return torch.cat([screen[:, :2] * size, screen[:, 2:]], 1), w[:, 0]


class _Drawn:
    """Tensors of one Part."""

    def __init__(self, part, device):
        self.part, self.live = part, part.triangles  # triangles that are drawn; left-out ones are degenerate
        count = len(part.source)
        self.uv = torch.from_numpy(part.uv).to(device)
        self.position, self.shade = torch.zeros(count, 3, device=device), torch.zeros(count, 7, device=device)
        self.index = self.dome_index = torch.from_numpy(part.triangles).to(device).long()


def _together(meshes, dome=False):
    """Positions (k, 3) and triangles (t, 3) int64 of several meshes in one list each, and where each mesh's triangles start."""
    triangles, first, starts = [], 0, [0]
    for mesh in meshes:
        triangles.append((mesh.dome_index if dome else mesh.index) + first)
        first, starts = first + len(mesh.position), [*starts, starts[-1] + len(triangles[-1])]
    return torch.cat([mesh.position for mesh in meshes]), torch.cat(triangles), starts


class _Scene:
    """Parts side by side in one list of triangles.

    screen: (k, 3) and distance: (k,) of the vertices, as of :func:`on_screen`. vertices: (k, 9): uv, normal, light, cover.
    triangles: (t, 3) int64. starts: first triangle of every part, and the number of all.
    """

    def __init__(self, screen, distance, vertices, triangles, starts):
        self.corners, self.values, self.starts = screen[triangles], vertices[triangles], starts
        slopes = raster.texture_slopes(self.corners, self.values[..., :2])
        self.rows = torch.cat([self.corners[..., :2].flatten(1), distance[triangles], slopes.flatten(1)], 1)

    def interpolate(self, triangle, column, row):
        """Samples at places (f,) int64 each of triangles (f,)."""
        rows = self.rows.index_select(0, triangle)
        weights = raster.barycentric(rows[:, :6].view(-1, 3, 2), column, row, rows[:, 6:9])
        values = (weights[:, None] @ self.values.index_select(0, triangle))[:, 0]
        return shading.Samples(values[:, :2], rows[:, 9:].view(-1, 2, 2), values[:, 8], values[:, 2:5], values[:, 5:8])


class TorchRenderer:
    """Owns the textures and the meshes on a device; the same methods as :class:`~training.synthetic.renderer.Renderer`.

    pack: :class:`~training.synthetic.assets.AssetPack`. device: of torch.
    """

    def __init__(self, pack, device="cpu"):
        self.pack, self.device = pack, torch.device(device)
        self.drawn, self.textures = {}, {}
        self.changes, self.seen = 0, (None, None)  # the last picture's visible samples, for its labels

    def _tensor(self, values):
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def upload(self, image, mipmaps=True):
        """A :class:`Texture` from (H, W, 4) uint8, row 0 on top, repeating."""
        return Texture(image, self.device, mipmaps)

    def texture(self, path, size=None):
        """Resident texture of the pack by its path."""
        if path not in self.textures:
            self.textures[path] = self.upload(self.pack.image(path, size))
        return self.textures[path]

    def _mesh(self, part):
        if id(part) not in self.drawn:
            self.drawn[id(part)] = _Drawn(part, self.device)
        return self.drawn[id(part)]

    def _changed(self, part):
        """The mesh of a part that is about to change."""
        self.changes += 1
        return self._mesh(part)

    def bake_positions(self, part, verts, size=1024):
        """Positions of a part in its texture: (size, size, 4) float32, row 0 on top, last channel 1 where covered."""
        mesh, values = self._mesh(part), self._tensor(verts[part.source])
        flat = torch.stack([mesh.uv[:, 0] * size, (1 - mesh.uv[:, 1]) * size, torch.zeros_like(mesh.uv[:, 0])], 1)
        triangles = mesh.index.flip(0)  # the last one drawn is seen
        keys = raster.new_keys(size, size, self.device)
        for fragment in raster.fragments(flat[triangles], size, size):
            raster.draw(keys, *fragment)
        sample, triangle = raster.covered(keys)
        index = triangles[triangle]
        weights = raster.barycentric(flat[index], sample % size, sample // size, None)
        out = torch.zeros(size * size, 4, device=self.device)
        out[sample, :3] = (weights[..., None] * values[index]).sum(1)
        out[sample, 3] = 1.0
        return out.view(size, size, 4).cpu().numpy()

    def set_positions(self, part, positions):
        """Keep the drawn vertices' positions (k, 3)."""
        self._changed(part).position = self._tensor(positions)

    def set_shading(self, part, normals, light, cover=None):
        """Keep unit normals (k, 3), relative irradiance (k, 3) and strand cover (k,), 1 if not given."""
        cover = np.ones(len(normals)) if cover is None else cover
        self._changed(part).shade = self._tensor(np.hstack([normals, light, cover[:, None]]))

    def set_strands(self, part, uv, cover):
        """Keep strand coordinates (k, 2) and leave out triangles without any cover (k,)."""
        mesh = self._changed(part)
        mesh.uv = self._tensor(uv)
        mesh.live = np.where((cover[part.triangles] > 0.0).any(1, keepdims=True), part.triangles, 0).astype(np.int32)
        mesh.index = torch.from_numpy(mesh.live).to(self.device).long()

    def set_dome_positions(self, part, positions):
        """Keep dome coordinates of the drawn vertices (k, 3), metres, and drop triangles that wrap round."""
        mesh = self._changed(part)
        coordinates, index = dome_mesh(positions, mesh.live)
        mesh.position, mesh.dome_index = self._tensor(coordinates), torch.from_numpy(index).to(self.device).long()

    def visibility(self, parts, points, normals, directions):
        """How much of each far-away light a point sees, from shadow maps of the parts' current positions.

        points, normals: (n, 3). directions: (d, 3) unit, towards the lights. Returns (n, d) in 0..1.
        """
        size, meshes = OCCLUSION_SIZE, [self._mesh(part) for part in parts]
        positions, triangles, _ = _together(meshes)
        offset = self._tensor(shadow_points(points, normals))
        out = []
        for direction in directions:
            axes = shadow_axes(direction)
            screen = on_screen(positions, self._tensor(shadow_matrix(axes)), size)[0]
            keys = raster.new_keys(size, size, self.device)
            for fragment in raster.fragments(screen[triangles], size, size):
                raster.draw(keys, *fragment)
            stored = raster.depths(keys)
            local = offset @ self._tensor(axes).T / OCCLUSION_EXTENT
            at = ((local[:, :2] * 0.5 + 0.5) * size - 0.5).clamp(0, size - 1.001)
            corner = at.long()
            fx, fy = (at - corner).T
            mine = (local[:, 2] * 0.5 + 0.5) - SHADOW_BIAS / (2 * OCCLUSION_EXTENT)
            first = corner[:, 1] * size + corner[:, 0]
            lit = [(stored[first + step] > mine).float() for step in (0, 1, size, size + 1)]
            out.append(torch.lerp(torch.lerp(lit[0], lit[1], fx), torch.lerp(lit[2], lit[3], fx), fy))
        return torch.stack(out, 1).cpu().numpy()

    def _scene(self, parts, matrix, size, dome):
        meshes = [self._mesh(part) for part in parts]
        positions, triangles, starts = _together(meshes, dome)
        screen, distance = on_screen(positions, self._tensor(matrix), size)
        if dome:
            screen = screen * screen.new_tensor([1.0, 1.0, -1.0]) + screen.new_tensor([0.0, 0.0, 1.0])  # outermost first
        vertices = torch.cat([torch.cat([mesh.uv, mesh.shade], 1) for mesh in meshes])
        return _Scene(screen, distance, vertices, triangles, starts)

    def _visible(self, scene, surfaces, size):
        """Depth buffer of a scene: solid parts first, then those that leave out samples, where nothing hides them."""
        keys = raster.new_keys(size, size, self.device)
        ranges = [torch.arange(a, b, device=self.device) for a, b in zip(scene.starts, scene.starts[1:])]
        solid = torch.cat([r for r, surface in zip(ranges, surfaces) if surface.solid] or [ranges[0][:0]])
        for sample, triangle, depth in raster.fragments(scene.corners[solid], size, size):
            raster.draw(keys, sample, solid[triangle], depth)
        for numbers, surface in zip(ranges, surfaces):
            if surface.solid:
                continue
            for sample, triangle, depth in raster.fragments(scene.corners[numbers], size, size):
                seen = raster.keys_of(depth, numbers[triangle]) < keys[sample]
                sample, triangle, depth = sample[seen], triangle[seen], depth[seen]
                column, row = sample % size, sample // size
                alpha = shading.opacity(surface, scene.interpolate(numbers[triangle], column, row))
                kept = alpha >= shading.dither(triangle, column, row)
                raster.draw(keys, sample[kept], numbers[triangle[kept]], depth[kept])
        return keys

    def _draw(self, parts, materials, noise, gloss_light, matrix, size, dome, holds):
        """Colours (size, size, 4) uint8, alpha 0 or 255, and depths (size, size) in 0..1 of the screen samples."""
        surfaces = []
        for part in parts:
            material = materials[part.name]
            kind = KINDS.get(material["kind"] or part.kind, shading.CLOTH)
            surfaces.append(shading.Surface(kind, material, material.get("image"), material.get("paint"), noise))
        asked = ((self.changes, np.asarray(matrix).tobytes(), size, dome, [id(part) for part in parts]), materials, noise)
        if not _same(asked, self.seen[0]):
            scene = self._scene(parts, matrix, size, dome)
            keys = self._visible(scene, surfaces, size)
            sample, triangle = raster.covered(keys)
            triangle, order = torch.sort(triangle)  # part by part, and neighbours in a texture side by side
            sample = sample[order]
            ends = torch.searchsorted(triangle, torch.tensor(scene.starts, device=self.device)).tolist()
            self.seen = asked, (raster.depths(keys), sample, scene.interpolate(triangle, sample % size, sample // size), ends)
        depth, sample, at, ends = self.seen[1]
        colour = torch.zeros(size * size, 4, dtype=torch.uint8, device=self.device)
        half_vectors, light_colours = (self._tensor(values) for values in gloss_light)
        for part, surface, start, stop in zip(parts, surfaces, ends, ends[1:]):
            mine = slice(start, stop)
            rgb = shading.painted(surface, at[mine], LABELS.get(part.kind, (1, 0, 0)), half_vectors, light_colours, holds)
            colour[sample[mine], :3] = (rgb * 255).round().byte()
        colour[sample, 3] = 255
        return colour.view(size, size, 4), depth.view(size, size)

    def view(self, camera, parts, materials, noise, gloss_light, samples=2, holds=COLOUR):
        """Draw the parts. Returns color (H, W, 4) uint8 straight alpha and depth (H, W) float32 metres, 0 = none.

        holds: COLOUR, LABEL or LIGHT, what the colours are.
        """
        size = camera.width * samples
        matrix = projection_matrix(camera)
        colour, stored = self._draw(parts, materials, noise, gloss_light, matrix, size, False, holds)
        depth = torch.where(stored < 1.0, metres(stored), 0.0)
        return reduce_color(colour, samples).cpu().numpy(), reduce_depth(depth, samples).cpu().numpy()

    def dome(self, parts, materials, noise, gloss_light, size, samples=2, holds=COLOUR):
        """Unroll the parts. Returns color (size, size, 4) uint8 and the outermost radius float32 metres, 0 = none.

        holds: as of :meth:`view`.
        """
        size = size * samples
        colour, stored = self._draw(parts, materials, noise, gloss_light, DOME_MATRIX, size, True, holds)
        radius = reduce_depth((1.0 - stored) * DOME_RADIUS, samples, farthest=True)
        return reduce_color(colour, samples).cpu().numpy(), radius.cpu().numpy()


def _same(asked, before):
    """Whether a picture was asked for before: equal numbers, and the very same materials and noise."""
    return before is not None and asked[0] == before[0] and all(a is b for a, b in zip(asked[1:], before[1:]))
