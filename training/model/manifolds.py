"""Differentiable radiance manifolds in torch: ray hits, the lift of the photo, compositing.

The twin of :mod:`inference.geometry.domes` and :mod:`inference.view.render` for training; tests hold the two together.
Cameras are (B, 4, 4) float32 camera_to_world with the fixed intrinsics of the aligned crop.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from inference.geometry import cameras, domes
from inference.geometry.domes import column_rays
from inference.inversion.columns import GRID
from inference.inversion.lifting import VOXEL_DEPTH
from inference.inversion.sheets import KNEE, ROOM_INSIDE, ROOM_OUTSIDE, THINNEST
from training.model.geometry import SHEETS
from training.model.visibility import eroded

FOCAL = 0.5 / math.tan(math.radians(cameras.CROP_FOV) / 2)  # of the crop's camera, in image widths


def dome_coordinates(points):
    """Torch twin of :func:`inference.geometry.domes.dome_coordinates`; points (..., 3) metres."""
    x, y, z = points.unbind(-1)
    y, z = y - domes.EQUATOR_Y, z - domes.AXIS_Z
    horizontal = torch.sqrt(x * x + z * z + 1e-12)
    azimuth = torch.atan2(x, z) / domes.MAX_AZIMUTH
    u = 0.5 + 0.5 * (azimuth + domes.AZIMUTH_WARP / math.pi * torch.sin(math.pi * azimuth))
    above = torch.clamp(y, min=0.0)
    radius = torch.sqrt(horizontal * horizontal + above * above)
    elevation = torch.atan2(above, horizontal) / domes.MAX_ELEVATION
    warped = elevation + domes.ELEVATION_WARP * elevation * (1.0 - elevation)
    top = 1.0 - domes.EQUATOR_V
    v = torch.where(y > 0.0, top * (1.0 - warped), top + domes.EQUATOR_V * y / (domes.BOTTOM_Y - domes.EQUATOR_Y))
    return u, v, radius


def sample_corners(table, u, v):
    """Look up tables (C, K, K) given at grid corners at u, v (...). Returns (C, ...); clamped at the borders."""
    grid = torch.stack([u, v], -1).view(1, 1, -1, 2) * 2 - 1
    out = F.grid_sample(table[None], grid, mode="bilinear", padding_mode="border", align_corners=True)
    return out.view(table.shape[0], *u.shape)


def sample_maps(maps, uv, align_corners=False):
    """Bilinear look-up of maps (B, C, h, w) at uv (B, ..., 2) in [0, 1], clamped. Returns (B, C, ...) float32.

    align_corners: the maps' outermost values stand at the borders, as in tables of grid corners.
    """
    grid = uv.reshape(uv.shape[0], 1, -1, 2) * 2 - 1
    out = F.grid_sample(maps.float(), grid, padding_mode="border", align_corners=align_corners)
    return out.view(*maps.shape[:2], *uv.shape[1:-1])


def band_around(radius):
    """Band (B, 2, 161, 161) metres of sheets around surfaces (B, 1, h, w) metres without gaps; twin of
    :func:`inference.inversion.sheets.place_sheets`."""
    corner = torch.linspace(0.0, 1.0, GRID + 1, device=radius.device)
    v, u = torch.meshgrid(corner, corner, indexing="ij")
    surface = sample_maps(radius, torch.stack([u, v], -1).expand(len(radius), -1, -1, -1))
    return torch.cat([surface + ROOM_OUTSIDE, (surface - ROOM_INSIDE).clamp(min=THINNEST)], 1)


def band_level(points, band):
    """Continuous level of points (B, ..., 3) among the sheets of a band (B, 2, n, n), unbounded. Returns level, u, v."""
    u, v, radius = dome_coordinates(points)
    outer, inner = sample_maps(band, torch.stack([u, v], -1), align_corners=True).unbind(1)
    return (outer - radius) / (outer - inner) * (SHEETS - 1), u, v


class Manifolds(torch.nn.Module):
    """The fixed geometry of one model: radii (23, 81, 81) metres at grid corners, as training.population places them.

    Levels are measured by these sheets, and the voxel is looked up on them. A subject's own sheets are a *band*
    (B, 2, 161, 161): the radii of its outermost and innermost one, see :mod:`inference.inversion.sheets`.
    """

    def __init__(self, radii, grid, lift_sheets):
        super().__init__()
        radii = torch.as_tensor(radii, dtype=torch.float32)
        self.register_buffer("bounds", torch.stack([radii[0], radii[KNEE], radii[-1]]))
        u, v = self.texels(grid)
        points = [domes.dome_points(u.numpy(), v.numpy(), self.radius(u, v, k).numpy()) for k in lift_sheets]
        self.register_buffer("lift_points", torch.tensor(np.stack(points), dtype=torch.float32).view(-1, 3))
        for size in (grid, 2 * grid):
            self.register_buffer(f"columns_{size}", torch.tensor(np.concatenate(column_rays(size, size), -1)), persistent=False)
        self.grid, self.lift_sheets = grid, lift_sheets

    def radius(self, u, v, level):
        """Radius of a level at u, v; metres."""
        outer, bulk, inner = sample_corners(self.bounds, u, v)
        outside = outer + (bulk - outer) * (level / KNEE)
        return torch.where(torch.as_tensor(level < KNEE, device=u.device), outside,
                           bulk + (inner - bulk) * ((level - KNEE) / (SHEETS - 1 - KNEE)))  # fmt: skip

    def texels(self, size):
        """Centres u, v of the texels of size x size textures, (size, size) each."""
        centre = (torch.arange(size, device=self.bounds.device) + 0.5) / size
        v, u = torch.meshgrid(centre, centre, indexing="ij")
        return u, v

    def column_radius(self, level):
        """Radius (B, 1, size, size) metres of levels (B, 1, size, size) of texel columns."""
        return self.radius(*self.texels(level.shape[-1]), level.float())

    def columns(self, size):
        """Origins and unit directions of the texel columns of size x size textures, (size, size, 3) each; size is the
        grid's or twice as much."""
        return getattr(self, f"columns_{size}").split(3, -1)

    def column_points(self, radius):
        """Points (B, size, size, 3) metres of texel columns at radius (B, 1, size, size) metres."""
        origin, direction = self.columns(radius.shape[-1])
        return origin + direction * radius[:, 0, ..., None]

    def level(self, points):
        """Continuous level at points (..., 3): 0 on the outermost sheet, N - 1 on the innermost."""
        u, v, radius = dome_coordinates(points)
        outer, bulk, inner = sample_corners(self.bounds, u, v)
        outside = (outer - radius) / (outer - bulk) * KNEE
        inside = KNEE + (bulk - radius) / (bulk - inner) * (SHEETS - 1 - KNEE)
        return torch.where(radius > bulk, outside, inside), u, v

    @torch.no_grad()
    def hits(self, camera, pixels, band, samples=44, near=1.34, far=1.84):
        """First inward crossing of every sheet of a band by rays of the crop camera.

        camera (B, 4, 4); pixels (B, P, 2) in [0, 1] of the image; band (B, 2, n, n) metres. Returns points (B, N, P, 3)
        metres, uv (B, N, P, 2) and valid (B, N, P) bool (the hit lies inside the textures).
        """
        direction = F.normalize(rays(pixels, camera), dim=-1)
        origin = camera[:, None, :3, 3].expand_as(direction)
        distance = torch.linalg.norm(camera[:, :3, 3], dim=1)[:, None, None] - cameras.CROP_DISTANCE
        t = torch.linspace(near, far, samples, device=camera.device)
        t = (t[None, None] + distance).expand(*direction.shape[:2], samples)
        points = origin[:, :, None] + direction[:, :, None] * t[..., None]
        level, _, _ = band_level(points, band)
        front = points[..., 2] > domes.AXIS_Z + 0.01
        level = torch.where(front, level, torch.full_like(level, -50.0))
        level = torch.cummax(level, -1).values
        wanted = torch.arange(SHEETS, device=camera.device, dtype=torch.float32)
        index = (level[:, :, None] < wanted[:, None]).sum(-1)  # (B, P, N): first sample at or beyond the sheet
        valid = (index > 0) & (index < samples)
        index = index.clamp(1, samples - 1)
        before, after = level.gather(2, index - 1), level.gather(2, index)
        low, high = t.gather(2, index - 1), t.gather(2, index)
        for _ in range(3):
            fraction = ((wanted - before) / (after - before).clamp(min=1e-4)).clamp(0.02, 0.98)
            middle = low + (high - low) * fraction
            points = origin[:, :, None] + direction[:, :, None] * middle[..., None]
            value, u, v = band_level(points, band)
            beyond = value >= wanted
            low, before = torch.where(beyond, low, middle), torch.where(beyond, before, value)
            high, after = torch.where(beyond, middle, high), torch.where(beyond, value, after)
        valid &= (u > 0) & (u < 1) & (v > 0) & (v < 1)
        return points.transpose(1, 2), torch.stack([u, v], -1).transpose(1, 2), valid.transpose(1, 2)

    def lift(self, voxel, photo, matte, weight, camera, config):
        """Carry the photo's voxel and its low-resolution colours onto the manifolds' texture grid.

        voxel (B, C * D, 64, 64), photo (B, 3, 256, 256), matte (B, 1, 256, 256) chance, weight (B, 1, G, G) of the
        photo's colours in every column, camera (B, 4, 4).
        Returns (B, L * (C + 4), G, G).
        """
        batch, count, grid = voxel.shape[0], len(self.lift_sheets), self.grid
        with torch.no_grad():
            pixel, depth = project(self.lift_points.expand(batch, -1, -1), camera)
            place = voxel_coordinates(pixel, depth)
        volume = voxel.float().view(batch, config.voxel_channels, config.voxel_depth, *voxel.shape[-2:])
        features = F.grid_sample(volume, place.view(batch, 1, 1, -1, 3), padding_mode="border", align_corners=False)
        sure = eroded(matte)
        small = F.avg_pool2d(torch.cat([photo.float() * sure, sure], 1), 4)
        colours = F.grid_sample(small, place[..., :2].view(batch, 1, -1, 2), padding_mode="border", align_corners=False)
        features = features.view(batch, config.voxel_channels, count, grid * grid)
        colours = colours.view(batch, 4, count, grid * grid) * weight.view(batch, 1, 1, -1)
        lifted = torch.cat([features, colours], 1).transpose(1, 2)
        return lifted.reshape(batch, count * (config.voxel_channels + 4), grid, grid)


def voxel_coordinates(pixel, depth):
    """Coordinates in [-1, 1]³ of the frustum voxel: pixels (..., 2) in [0, 1], depth (...) metres from the camera."""
    return torch.cat([pixel * 2 - 1, ((depth - cameras.CROP_DISTANCE) / VOXEL_DEPTH)[..., None]], -1)


def project(points, camera):
    """Project points (B, ..., 3) into the crop camera (B, 4, 4). Returns pixels (B, ..., 2) in [0, 1], depth (B, ...)."""
    position = camera[:, :3, 3].view(-1, *[1] * (points.dim() - 2), 3)
    x, y, z = rotated(points - position, camera[:, :3, :3])
    return torch.stack([0.5 - FOCAL * x / z, 0.5 + FOCAL * y / z], -1), -z


def rays(pixels, camera):
    """Directions (B, P, 3) in the world of the rays of pixels (B, P, 2) in [0, 1] of a crop camera (B, 4, 4), to depth 1."""
    local = torch.stack([(pixels[..., 0] - 0.5) / FOCAL, (0.5 - pixels[..., 1]) / FOCAL, -torch.ones_like(pixels[..., 0])], -1)
    return torch.stack(rotated(local, camera[:, :3, :3].transpose(1, 2)), -1)


def rotated(vectors, rotation):
    """Components x, y, z, (B, ...) each, of vectors (B, ..., 3) times rotations (B, 3, 3).

    Not a matrix product: in bfloat16, or in TF32 on a GPU, a surface would move by millimetres.
    """
    rows = rotation.view(-1, 3, 3, *[1] * (vectors.dim() - 2)).unbind(1)
    x, y, z = vectors.unbind(-1)
    return tuple(x * a + y * b + z * c for a, b, c in zip(*(row.unbind(1) for row in rows)))


def orbit_cameras(yaw, pitch):
    """Crop cameras (B, 4, 4) around the head by yaw and pitch (B,), radians; twin of
    :func:`inference.geometry.cameras.orbit_camera`."""
    back = torch.stack([yaw.sin() * pitch.cos(), pitch.sin(), yaw.cos() * pitch.cos()], -1)
    right = torch.stack([yaw.cos(), torch.zeros_like(yaw), -yaw.sin()], -1)
    pose = torch.eye(4, device=yaw.device).repeat(len(yaw), 1, 1)
    pose[:, :3] = torch.stack([right, torch.linalg.cross(back, right), back, cameras.CROP_DISTANCE * back], -1)
    return pose


def sample_sheets(features, uv, level):
    """Look per-sheet textures (B, N, C, H, W) up at uv (B, ..., 2) and levels (B, ...) of the model's sheets, trilinear,
    clamped. Returns (B, C, ...) float32."""
    batch, sheets, channels = features.shape[:3]
    place = torch.cat([uv * 2 - 1, ((level + 0.5) * (2.0 / sheets) - 1)[..., None]], -1).view(batch, 1, 1, -1, 3)
    volume = features.transpose(1, 2).float()
    out = F.grid_sample(volume, place, padding_mode="border", align_corners=False)
    return out.view(batch, channels, *level.shape[1:])


def composite(colour, opacity, depth=None):
    """Front-to-back compositing over the sheets.

    colour (B, N, 3, P), opacity (B, N, P) in [0, 1]. Returns premultiplied colour (B, 3, P), alpha (B, P), weights (B, N, P).
    """
    through = torch.cumprod(1.0 - opacity + 1e-6, 1)
    weight = opacity * torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], 1)
    return (colour * weight[:, :, None]).sum(1), weight.sum(1), weight


def pixel_grid(height, width, device=None):
    """Pixel centres of a whole image, (height * width, 2) in [0, 1], row by row."""
    v, u = torch.meshgrid((torch.arange(height, device=device) + 0.5) / height,
                          (torch.arange(width, device=device) + 0.5) / width, indexing="ij")  # fmt: skip
    return torch.stack([u, v], -1).view(-1, 2)
