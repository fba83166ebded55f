"""The whole method as one torch module: photo to fused manifolds, and manifolds to pixels."""

import torch
import torch.nn.functional as F
from torch import nn

from inference import cameras, domes
from inference.inversion import FAR, MAX_OFFSET, UNUSED_LANDMARKS, VISIBLE_SIZE
from training import manifolds as mf
from training.networks import (
    Decoder,
    DetailEncoder,
    DetailManifolds,
    EfficientGRAM,
    EncoderW,
    NetworkConfig,
    opacity_logits,
)

GEOMETRY = ("radii", "mean_level", "mean_colour", "mean_landmarks")  # arrays of geometry.npz, in PortraitModel's order


class PortraitModel(nn.Module):
    """Every network of the method with the geometry it works on.

    radii: (23, 81, 81) metres; mean_level: (G, G) and mean_colour: (3, H, H), averages of the training heads;
    mean_landmarks: (468, 3) metres.
    """

    def __init__(self, radii, mean_level, mean_colour, mean_landmarks, config=None):
        super().__init__()
        self.config = config or NetworkConfig()
        self.manifolds = mf.Manifolds(radii, self.config.grid, self.config.lift_sheets)
        self.register_buffer("mean_level", torch.as_tensor(mean_level, dtype=torch.float32)[None, None])
        self.register_buffer("mean_colour", torch.as_tensor(mean_colour, dtype=torch.float32)[None])
        self.register_buffer("mean_landmarks", torch.as_tensor(mean_landmarks, dtype=torch.float32))
        self.register_buffer("unused_landmarks", torch.tensor(UNUSED_LANDMARKS), persistent=False)
        self.generator = EfficientGRAM(self.config)
        self.encoder = EncoderW(self.config, self.generator.styles)
        self.detail_encoder = DetailEncoder(self.config)
        self.detail = DetailManifolds(self.config)
        self.decoder = Decoder(self.config)

    def landmark_offsets(self, landmarks, camera):
        """Offsets (B, 936), in units of 10 px, of landmarks (B, 468, 2) px from the mean head's in the given pose."""
        expected, _ = mf.project(self.mean_landmarks.expand(landmarks.shape[0], -1, -1), camera)
        offsets = (landmarks - expected * cameras.CROP_SIZE) / 10.0
        return torch.clamp(offsets, -MAX_OFFSET, MAX_OFFSET).index_fill(1, self.unused_landmarks, 0.0).flatten(1)

    def coarse(self, photo, landmarks, camera):
        """Coarse manifolds from photo (B, 3, 256, 256) in [0, 1]; see :class:`EfficientGRAM` for the parts."""
        w_plus, linear = self.encoder(photo * 2 - 1, self.landmark_offsets(landmarks, camera))
        return self.generator(w_plus, linear, self.mean_level, self.mean_colour), w_plus

    def forward(self, photo, landmarks, camera):
        """photo (B, 3, 256, 256) in [0, 1], landmarks (B, 468, 2) px, camera (B, 4, 4).

        Returns a dict: ``coarse`` and ``fused`` (level, occupancy, colour, sheets), ``maps`` and ``w_plus``.
        """
        coarse, w_plus = self.coarse(photo, landmarks, camera)
        voxel, maps = self.detail_encoder(photo * 2 - 1)
        matte = torch.sigmoid(maps[:, :1].float())
        lifted = self.manifolds.lift(voxel, photo, matte, camera, self.config)
        fused = self.detail(lifted, *coarse)
        return {"coarse": coarse, "fused": fused, "maps": maps, "w_plus": w_plus}

    @torch.no_grad()
    def visible_depth(self, fused, camera):
        """Depth of the photo's visible surface, (B, 1, 64, 64) metres; far behind the head where there is none."""
        batch = camera.shape[0]
        pixels = mf.pixel_grid(VISIBLE_SIZE, VISIBLE_SIZE, camera.device).expand(batch, -1, -1)
        points, uv, valid = self.manifolds.hits(camera, pixels)
        opacity = torch.sigmoid(self.point_features(fused, uv)[1][:, 0]) * valid
        _, alpha, weight = mf.composite(torch.zeros_like(opacity)[:, :, None], opacity)
        _, depth = mf.project(points, camera)
        depth = (weight * depth).sum(1) + (1 - alpha) * FAR
        return depth.view(batch, 1, VISIBLE_SIZE, VISIBLE_SIZE)

    def point_features(self, fused, uv):
        """Fused manifolds at uv (B, N, P, 2): colour (B, 3, N, P) and features (B, C, N, P), the first the logit of
        the opacity."""
        level, occupancy, colour, sheets = fused
        batch, count, points = uv.shape[:3]
        columns = torch.cat([level.float(), occupancy.float(), colour.float()], 1)
        grid = uv.reshape(batch, -1, 1, 2) * 2 - 1
        columns = F.grid_sample(columns, grid, padding_mode="border", align_corners=False).view(batch, 5, count, points)
        features = mf.sample_sheets(sheets, uv).transpose(1, 2)
        index = torch.arange(count, dtype=torch.float32, device=uv.device)[:, None]
        logit = opacity_logits(columns[:, 0], columns[:, 1], index) + features[:, 0]
        return columns[:, 2:], torch.cat([logit[:, None], features[:, 1:]], 1)

    def decode(self, points, uv, fused, photo, maps, depth, camera):
        """Colour and opacity of points on the sheets.

        points (B, N, P, 3) metres, uv (B, N, P, 2), depth as of :meth:`visible_depth`, camera of the photo.
        Returns colour (B, N, 3, P) and opacity (B, N, P).
        """
        batch, sheets, count = points.shape[:3]
        tint, features = self.point_features(fused, uv)
        maps = maps.float()
        depth = F.interpolate(depth, size=photo.shape[-2:], mode="bilinear", align_corners=False)
        stack = torch.cat([photo.float(), torch.sigmoid(maps[:, :1]), maps[:, 1:], depth], 1)
        with torch.no_grad():
            pixel, distance = mf.project(points, camera)
            towards = F.normalize(camera[:, None, None, :3, 3] - points, dim=-1)
            radial = points - points.new_tensor([0.0, domes.EQUATOR_Y, domes.AXIS_Z])
            radial = torch.cat([radial[..., :1], radial[..., 1:2].clamp(min=0.0), radial[..., 2:]], -1)
            cosine = (towards * F.normalize(radial, dim=-1)).sum(-1)
        seen = F.grid_sample(stack, pixel.view(batch, -1, 1, 2) * 2 - 1, padding_mode="border", align_corners=False)
        seen = seen.view(batch, -1, sheets, count)
        behind = (distance[:, None] - seen[:, -1:]) * 100.0
        inputs = torch.cat([tint, seen[:, :4], features, seen[:, 4:-1], behind, cosine[:, None]], 1)
        rgb, opacity = self.decoder(inputs.view(batch, -1, sheets, count))
        return rgb.transpose(1, 2), opacity[:, 0]

    def render(self, pixels, camera, output, photo, photo_camera, depth):
        """Render pixels (B, P, 2) in [0, 1] of a camera (B, 4, 4). Returns premultiplied colour (B, 3, P), alpha (B, P),
        expected depth (B, P) where alpha is 1."""
        points, uv, valid = self.manifolds.hits(camera, pixels)
        rgb, opacity = self.decode(points, uv, output["fused"], photo, output["maps"], depth, photo_camera)
        colour, alpha, weight = mf.composite(rgb, opacity * valid)
        _, distance = mf.project(points, camera)
        return colour, alpha, (weight * distance).sum(1)
