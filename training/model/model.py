"""The whole method as one torch module: photo to fused manifolds, and manifolds to pixels."""

import dataclasses

import torch
from torch import nn

from inference.geometry import cameras
from inference.inversion.columns import SOFTNESS
from inference.inversion.decoding import CONTOUR, EMPTIED, FILLED, STEEP
from inference.inversion.ears import ear_map
from inference.inversion.lifting import MAX_OFFSET, UNUSED_LANDMARKS
from inference.inversion.sheets import THINNEST
from inference.inversion.visibility import VISIBLE_SIZE
from training.model import ears, filling, hull, visibility
from training.model import manifolds as mf
from training.model.colouring import match_colours
from training.model.networks import (
    Decoder,
    DetailEncoder,
    DetailManifolds,
    EfficientGRAM,
    EncoderW,
    NetworkConfig,
    ending,
    in_levels,
)


@dataclasses.dataclass(frozen=True)
class Surface:
    """radius (B, 1, H, H) metres of each texel column's surface, defined everywhere; occupancy (B, 1, H, H), logit, high
    where the column meets the subject and low elsewhere; facing (B, 1, H, H), cosine between its normal and the photo's camera; behind (B, 1, H, H) cm, how far it lies
    behind what the photo sees; softness (B, 1, H, H) metres to either side of it within which rays end; share (B, 1, H, H) of
    the networks' own colour in a column's, and tone (B, 3, H, H), the rest of it; band (B, 2, 161, 161) metres, outermost and innermost sheet of each subject; depth
    (B, 1, 64, 64) metres of what the photo sees, far behind the head where it sees nothing."""

    radius: torch.Tensor
    occupancy: torch.Tensor
    facing: torch.Tensor
    behind: torch.Tensor
    softness: torch.Tensor
    share: torch.Tensor
    tone: torch.Tensor
    band: torch.Tensor
    depth: torch.Tensor


class PortraitModel(nn.Module):
    """Every network of the method with the geometry it works on.

    radii: (23, 81, 81) metres; mean_level: (G, G) and mean_colour: (3, H, H), averages of the training heads;
    mean_landmarks: (468, 3) metres; part_colour: (3, 3, H, H), average colours of skin, hair and cloth.
    """

    def __init__(self, radii, mean_level, mean_colour, mean_landmarks, part_colour, config=None):
        super().__init__()
        self.config = config or NetworkConfig()
        self.manifolds = mf.Manifolds(radii, self.config.grid, self.config.lift_sheets)
        self.register_buffer("mean_level", torch.as_tensor(mean_level, dtype=torch.float32)[None, None])
        self.register_buffer("mean_colour", torch.as_tensor(mean_colour, dtype=torch.float32)[None])
        self.register_buffer("mean_landmarks", torch.as_tensor(mean_landmarks, dtype=torch.float32))
        self.register_buffer("unused_landmarks", torch.tensor(UNUSED_LANDMARKS), persistent=False)
        for name, value in ear_map().items():
            self.register_buffer(f"ears_{name}", torch.tensor(value), persistent=False)
        self.generator = EfficientGRAM(self.config)
        self.encoder = EncoderW(self.config, self.generator.styles)
        self.detail_encoder = DetailEncoder(self.config)
        self.detail = DetailManifolds(self.config, part_colour)
        self.decoder = Decoder(self.config)

    def landmark_offsets(self, landmarks, camera):
        """Offsets (B, 936), in units of 10 px, of landmarks (B, 468, 2) px from the mean head's in the given pose."""
        expected, _ = mf.project(self.mean_landmarks.expand(landmarks.shape[0], -1, -1), camera)
        offsets = (landmarks - expected * cameras.CROP_SIZE) / 10.0
        return torch.clamp(offsets, -MAX_OFFSET, MAX_OFFSET).index_fill(1, self.unused_landmarks, 0.0).flatten(1)

    def ears(self, landmarks, camera):
        """Points of both ears (B, 2, k, 3) metres by landmarks (B, 468, 2) px: see :mod:`inference.inversion.ears`."""
        offsets = self.landmark_offsets(landmarks, camera) - self.ears_offsets
        return self.ears_points + (offsets @ self.ears_into @ self.ears_out_of).unflatten(1, self.ears_points.shape)

    def coarse(self, photo, landmarks, camera, matte):
        """Coarse manifolds from photo (B, 3, 256, 256) in [0, 1] and its matte (B, 1, 256, 256) in [0, 1]; see
        :class:`EfficientGRAM` for the parts. Returns them and w+."""
        w_plus, shape = self.encoder(photo * 2 - 1, self.landmark_offsets(landmarks, camera), matte, camera)
        return self.generator(w_plus, shape, self.mean_level, self.mean_colour), w_plus

    def forward(self, photo, landmarks, camera):
        """photo (B, 3, 256, 256) in [0, 1], landmarks (B, 468, 2) px, camera (B, 4, 4).

        Returns a dict: ``coarse`` and ``fused`` (level, occupancy, colour, sheets, and the latter parts), ``maps``, ``parts`` of
        the photo, ``w_plus``, and the points of the ``ears``.
        """
        voxel, maps, parts = self.detail_encoder(photo * 2 - 1)
        matte = torch.sigmoid(maps[:, :1].float())
        coarse, w_plus = self.coarse(photo, landmarks, camera, matte.detach())
        lifted = self.manifolds.lift(voxel, photo, matte, self.grazing_weight(coarse[0], camera), camera, self.config)
        fused = self.detail(lifted, *coarse)
        return {"coarse": coarse, "fused": fused, "maps": maps, "parts": parts, "w_plus": w_plus, "ears": self.ears(landmarks, camera)}

    @torch.no_grad()
    def grazing_weight(self, level, camera):
        """How far the photo's colours count in every column by the angle of the coarse surface: (B, 1, G, G) in [0, 1].

        level (B, 1, G, G), camera (B, 4, 4) of the photo.
        """
        points = self.manifolds.column_points(self.manifolds.column_radius(level))
        facing = visibility.facing_camera(points, self.manifolds.columns(level.shape[-1])[1], camera)
        return visibility.grazing_weight(facing)

    def surface(self, output, photo, camera, fit=hull.carve):
        """Surface of each subject and the sheets placed around it, as :mod:`inference.inversion.invert` does for the engine.

        output as of :meth:`forward`; photo (B, 3, 256, 256) in [0, 1] without fringe, and its camera. fit moves the surface to
        the photo's silhouette, like :func:`training.model.hull.carve`: the engine's also grows to it, which networks must
        learn to do. Returns a :class:`Surface`; its radius carries gradients wherever the photo did not carve it.
        """
        level, occupancy, colour, _, parts = (x.float() for x in output["fused"])
        found = self.manifolds.column_radius(level).clamp(min=THINNEST)
        with torch.no_grad():
            columns, matte = self.manifolds.columns(level.shape[-1]), torch.sigmoid(output["maps"][:, :1].float())
            radius, kept = fit(found, matte, camera, columns)
            known = kept & (occupancy > 0.0)
            free = known & (radius == found)
            radius = filling.continued(radius, known)
            points = self.manifolds.column_points(radius)
            pixel, distance = mf.project(points, camera)
            depth = visibility.visible_depth(pixel, distance[:, None], known, camera, VISIBLE_SIZE)
            parts, photo_parts = parts.softmax(1), output["parts"].float().softmax(1)
            photo_maps = torch.cat([photo.float(), photo_parts, visibility.eroded(matte)], 1)
            shown, shown_parts, sure = mf.sample_maps(photo_maps, pixel).split((3, 3, 1), 1)
            facing = visibility.facing_camera(points, columns[1], camera)
            behind = visibility.occluded_by(distance[:, None], mf.sample_maps(depth, pixel))
            ear = ears.before_ears(output["ears"], pixel, distance, camera)
            behind = behind + visibility.shows_elsewhere(facing, parts, shown_parts, ear)
            seen, glimpsed = visibility.seen_by_photo(sure, facing, behind)
            matched, share = match_colours(colour, parts, shown, shown_parts, seen, glimpsed)
            softness = sum(soft * part for soft, part in zip(SOFTNESS, parts.split(1, 1)))
            occupancy = torch.where(known, FILLED, EMPTIED).to(occupancy)
            tone, band = matched - share * colour, mf.band_around(radius)
        return Surface(torch.where(free, found, radius), occupancy, facing, behind, softness, share, tone, band, depth)

    def decode(self, points, uv, fused, surface, photo, maps, camera):
        """Colour and opacity of points on the subjects' sheets.

        points (B, N, P, 3) metres, uv (B, N, P, 2), camera of the photo. Returns colour (B, N, 3, P), opacity (B, N, P)
        and the columns' own colour (B, N, 3, P).
        """
        batch, sheets, count = points.shape[:3]
        colour = surface.share * fused[2].float() + surface.tone
        columns = torch.cat([surface.radius, occupancy_logits(surface.occupancy > 0.0), surface.facing, surface.behind, colour, surface.softness], 1)
        columns = mf.sample_maps(columns, uv)
        outer, inner = mf.sample_maps(surface.band, uv, align_corners=True).unbind(1)
        index = torch.arange(sheets, dtype=torch.float32, device=uv.device)[:, None]
        opacity = torch.sigmoid(columns[:, 1]) * ending(*in_levels(columns[:, 0], columns[:, 7], outer, inner, sheets), index)
        logit = torch.log(opacity.clamp(min=1e-9) / (1.0 - opacity).clamp(min=1e-9))
        features = mf.sample_sheets(fused[3], uv, self.manifolds.level(points)[0])
        maps = maps.float()
        stack = torch.cat([photo.float(), torch.sigmoid(maps[:, :1]), maps[:, 1:]], 1)
        with torch.no_grad():
            pixel, _ = mf.project(points, camera)
        seen = mf.sample_maps(stack, pixel)
        inputs = [columns[:, 4:7], seen[:, :4], logit[:, None], features, seen[:, 4:], columns[:, 3:4], columns[:, 2:3]]
        rgb = self.decoder(torch.cat(inputs, 1))
        return rgb.transpose(1, 2), opacity, columns[:, 4:7].transpose(1, 2)

    def render(self, pixels, camera, output, photo, photo_camera):
        """Render pixels (B, P, 2) in [0, 1] of a camera (B, 4, 4). Returns premultiplied colour (B, 3, P), alpha (B, P),
        expected depth (B, P) where alpha is 1."""
        surface = self.surface(output, photo, photo_camera)
        points, uv, valid = self.manifolds.hits(camera, pixels, surface.band)
        rgb, opacity, _ = self.decode(points, uv, output["fused"], surface, photo, output["maps"], photo_camera)
        colour, alpha, weight = mf.composite(rgb, opacity * valid)
        _, distance = mf.project(points, camera)
        return colour, alpha, (weight * distance).sum(1)


def occupancy_logits(valid):
    """Twin of :func:`inference.inversion.decoding.occupancy_logits`; valid (B, 1, h, w) bool."""
    return (STEEP * (visibility.blurred(valid.float(), CONTOUR) - 0.5)).clamp(EMPTIED, FILLED)
