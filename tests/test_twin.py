"""Slow and plain twins of what happens between the networks: the photo lifted point by point, textures decoded texel by
texel, in double precision and with nothing of the engine's look-ups.

The training's torch model is the other twin, of the networks and of the whole; see tests/training/test_inversion.py.
"""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from inference.geometry import domes
from inference.geometry.cameras import CROP_DISTANCE, orbit_camera
from inference.geometry.reach import NARROW, REACH
from inference.inversion import decoding, invert, lifting, sheets
from inference.inversion.visibility import aside
from tests.golden.heads import read_head


def linear(image, *place):
    """One linear look-up, clamped at the borders. image: (n, ..., C); place: one position per axis, in samples whose
    first has its centre at 0.5. Returns (C,)."""
    if not place:
        return image
    at = np.clip(place[0] - 0.5, 0, len(image) - 1)
    low = min(int(at), max(len(image) - 2, 0))
    high = min(low + 1, len(image) - 1)
    return (1 - at + low) * linear(image[low], *place[1:]) + (at - low) * linear(image[high], *place[1:])


def test_lifting():
    """Every point of the lift takes the voxel's feature where it lies in the photo's frustum, and the photo's sure
    colours as far as they are trusted in its column."""
    rng, grid, size = np.random.default_rng(0), 4, 16
    voxel = rng.normal(size=(3 * lifting.VOXEL_SLICES, size, size)).astype(np.float32)
    photo, matte = rng.uniform(size=(3, 256, 256)).astype(np.float32), rng.uniform(size=(256, 256)).astype(np.float32)
    weight = rng.uniform(size=(grid, grid)).astype(np.float32)
    camera = orbit_camera(yaw=14.0, pitch=-5.0)
    points = rng.uniform(-0.14, 0.14, (2 * grid * grid, 3)).astype(np.float32)
    found = lifting.lift(voxel, photo, matte, weight, camera, points).reshape(2, 7, grid * grid)

    padded = np.pad(matte, 2, constant_values=1.0)
    sure = np.min([padded[i : i + 256, j : j + 256] for i in range(5) for j in range(5)], 0)
    small = np.stack([*(photo * sure), sure], -1).reshape(64, 4, 64, 4, 4).mean((1, 3))
    volume = voxel.reshape(3, lifting.VOXEL_SLICES, size, size).transpose(1, 2, 3, 0)
    for index, point in enumerate(points):
        (x, y), depth = camera.project(point)
        layer, column = divmod(index, grid * grid)
        along = (depth - CROP_DISTANCE + lifting.VOXEL_DEPTH) / (2 * lifting.VOXEL_DEPTH)  # 0 in front, 1 at the back
        feature = linear(volume, along * lifting.VOXEL_SLICES, y / 256 * size, x / 256 * size)
        np.testing.assert_allclose(found[layer, :3, column], feature, atol=0.15)  # 1/32 of a sample of white noise
        colour = linear(small, y / 256 * 64, x / 256 * 64) * weight.ravel()[column]
        np.testing.assert_allclose(found[layer, 3:, column], colour, atol=0.03)


def test_offsets_of_landmarks():
    """None for the mean head in its own pose; ten pixels count as one, to three at most; some points not at all."""
    mean = np.random.default_rng(1).uniform(-0.07, 0.07, (468, 3))
    camera = orbit_camera(yaw=20.0)
    landmarks = camera.project(mean)[0]
    assert np.abs(lifting.landmark_offsets(landmarks, camera, mean)).max() < 1e-6
    found = lifting.landmark_offsets(landmarks + (5.0, -80.0), camera, mean).reshape(468, 2)
    used = np.setdiff1d(np.arange(468), lifting.UNUSED_LANDMARKS)
    np.testing.assert_allclose(found[used], np.tile([0.5, -3.0], (len(used), 1)), atol=1e-5)
    assert not found[list(lifting.UNUSED_LANDMARKS)].any()


@pytest.fixture(scope="module")
def decoded(shipped_model):
    """What a golden head's inversion hands to the decoder, and the textures that come back."""
    kept = {}

    def decode(*arguments):
        kept["arguments"], found = arguments[:6], decoding.decode(*arguments)
        kept["textures"], kept["shown"] = found
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(invert, "decode", decode)
        kept["radii"] = invert.invert_crop(read_head("turned", shipped_model.geometry).alignment, shipped_model)[1]
    return kept


def test_columns_without_a_surface_carry_on_their_neighbours(decoded):
    columns, rng = decoded["arguments"][0], np.random.default_rng(3)
    ended = aside(columns.parts)  # of clothes, which had a surface until then
    known, missing = np.argwhere(columns.valid | ended), np.argwhere(~(columns.valid | ended))
    assert len(missing) > 200
    for row, column in missing[rng.integers(0, len(missing), 50)]:
        away = np.hypot(*(known - (row, column)).T)
        near = known[away < 1.05 * away.min() + 0.5]  # OpenCV's distances are within five per cent
        assert np.abs(columns.radius[tuple(near.T)] - columns.radius[row, column]).min() == 0.0


def passing(past):
    """Share of rays that go farther than ``past`` times the softness beyond the surface."""
    t = min(max((1 - past) / 2, 0.0), 1.0)
    return 3 * t**2 - 2 * t**3


def logits(valid):
    """Of occupancy: the share of valid columns nearby, steepened about one half."""
    share = ndimage.gaussian_filter(valid.astype(np.float64), decoding.CONTOUR, mode="nearest")
    return np.clip(decoding.STEEP * (share - 0.5), decoding.EMPTIED, decoding.FILLED)


class PlainColumn:
    """One texel column of the textures, restated from what :func:`inference.inversion.decoding.decode` is given."""

    def __init__(self, row, column, columns, radii, features, photo_maps, camera, model):
        self.size, self.count, self.camera = decoding.TEXTURE_SIZE, len(radii), camera
        self.v, self.u = (row + 0.5) / self.size, (column + 0.5) / self.size
        self.features, self.photo_maps = features.transpose(0, 2, 3, 1), photo_maps.transpose(1, 2, 0)
        height, width = columns.radius.shape
        table = np.stack(
            [columns.radius, columns.facing, columns.occlusion_depth, columns.softness,
             logits(columns.valid), *columns.colour], -1
        ).astype(np.float64)  # fmt: skip
        at = linear(table, self.v * height, self.u * width)
        self.radius, self.facing, self.occlusion_depth, self.softness, occupancy, *self.colour = at
        self.occupied = 1 / (1 + np.exp(-occupancy))
        self.sheets = [self.corner(table) for table in radii]
        x, _, z = domes.dome_points(self.u, self.v, 0.1)
        azimuth, warp = model.reach  # of the networks' columns
        side = np.arctan2(x, z - domes.AXIS_Z) / azimuth
        self.networks_u = np.clip(0.5 + 0.5 * (side + warp / np.pi * np.sin(np.pi * side)), 0.0, 1.0)
        self.model_sheets = [self.corner(table, self.networks_u) for table in model.geometry["radii"]]

    def corner(self, table, u=None):
        """A table of corners at this column."""
        n = len(table) - 1
        return float(linear(table[..., None], self.v * n + 0.5, (self.u if u is None else u) * n + 0.5)[0])

    def opacities(self):
        """Of all sheets: the share of the rays that reach a sheet and end before half-way to the next one."""
        step = (self.sheets[0] - self.sheets[-1]) / (self.count - 1)
        lowest = self.sheets[-1] - 0.5 * step + self.softness  # the last sheet lets nothing pass
        surface = max(self.radius, lowest)
        halfway = self.sheets[0] + (0.5 - np.arange(self.count + 1)) * step  # in front of the first sheet, and so on
        shares = [passing((surface - radius) / self.softness) for radius in halfway]
        return [self.occupied * (1 - after / max(before, 1e-6)) for before, after in zip(shares, shares[1:])]

    def level(self, sheet):
        """Where a sheet lies among the model's: evenly between the first, the knee and the last."""
        knots = [self.model_sheets[k] for k in (0, sheets.KNEE, -1)]
        radius, slopes = self.sheets[sheet], (sheets.KNEE, 22 - sheets.KNEE)
        if radius > knots[1]:
            return (knots[0] - radius) / (knots[0] - knots[1]) * slopes[0]
        return sheets.KNEE + (knots[1] - radius) / (knots[1] - knots[2]) * slopes[1]

    def point(self, sheet, opacity):
        """What the fusion MLP is told, and the photo's colours and matte there."""
        (x, y), _ = self.camera.project(domes.dome_points(self.u, self.v, self.sheets[sheet]))
        photo, g = linear(self.photo_maps, y, x), self.features.shape[1]
        feature = linear(self.features, self.level(sheet) + 0.5, self.v * g, self.networks_u * g)
        logit = np.log(opacity / max(1 - opacity, 1e-9))
        told = [*self.colour, *photo[:4], logit, *feature, *photo[4:], self.occlusion_depth, self.facing]
        return told, photo[:4]

    def rim(self, matte):
        """How far the colour is the photo's own, because this is the edge of what it shows."""
        soft = min(max((1 - matte) / (1 - decoding.RIM_FROM), 0), 1)
        return soft * min(max(self.facing / decoding.RIM_SEEN, 0), 1)

    def fade(self):
        """Of the bust, towards the lower border and the sides."""
        sides = min(self.u, 1 - self.u) * self.size
        low, side = decoding.HEM
        return min((1 - self.v) * self.size / low, 1) * min(sides / side, 1)


class StandIn:
    """A model whose decoder heeds all that it is told alike; the trained one hardly looks at some of it."""

    def __init__(self, model, reach, features, photo_maps):
        self.reach, self.geometry, self.threads = reach, model.geometry, 2
        spread = [np.full(features.shape[1], features.std()), np.full(len(photo_maps) - 4, photo_maps[4:].std())]
        self.scales = np.concatenate([np.ones(8), *spread, np.ones(2)])[:, None]
        self.weights = np.random.default_rng(5).normal(0.0, 0.05, (3, len(self.scales)))

    def session(self, name):
        assert name == "decoder"
        return self

    def run(self, _, inputs):
        mixed = 0.5 + self.weights @ np.tanh(inputs["points"][0, :, 0] / self.scales)
        return [np.clip(mixed, 0.0, 1.0)[None, :, None].astype(np.float32)]


@pytest.mark.parametrize("reach", [REACH, NARROW])
def test_decoding(decoded, shipped_model, reach):
    """Opacities of whole columns, and the colours of all texels that go through the MLP; to rounding. Networks know the
    portrait's domes, or narrower ones."""
    rng, model = np.random.default_rng(2), StandIn(shipped_model, reach, *decoded["arguments"][2:4])
    arguments = *decoded["arguments"][:5], model
    textures = decoding.decode(*arguments, lambda share: None)[0].astype(float)
    np.testing.assert_array_equal(textures[..., 3], decoded["textures"][..., 3])
    visible = np.argwhere(textures[..., 3].max(0) > 128)
    low = visible[visible[:, 0] > 320 - decoding.HEM[0]]
    chosen = [visible[rng.integers(0, len(visible), 800)], low[rng.integers(0, len(low), 20)]]
    chosen.append(rng.integers(0, 320, (60, 2)))
    told, shown, wanted, rims, gaps = [], [], [], [], []
    for row, column in np.concatenate(chosen):
        texel = PlainColumn(row, column, *arguments)
        opacities, through = texel.opacities(), 1.0
        gaps.append(textures[:, row, column, 3] - 255 * np.array(opacities) * texel.fade())
        for sheet, opacity in enumerate(opacities):
            if opacity * through > 1.2 * decoding.SLIGHT:  # there is a little doubt about those just above it
                point, photo = texel.point(sheet, opacity)
                told.append(point)
                shown.append(photo[:3])
                rims.append(texel.rim(photo[3]))
                wanted.append(textures[sheet, row, column, :3])
            through *= 1 - opacity
    rims = np.array(rims)
    assert len(wanted) > 1000 and (rims > 0.3).sum() > 10
    assert np.abs(gaps).max() < 0.6  # half a level of 255 is rounding
    rgb = model.run(None, {"points": np.array(told).T[None, :, None]})[0][0, :, 0].T
    gap = np.abs(255 * (rgb + rims[:, None] * (shown - rgb)) - wanted).max(1)
    # A look-up that resolves 1/32 of a pixel differs where the photo has an edge, so not every texel is as near.
    assert np.quantile(gap, 0.9) < 1.0 and np.quantile(gap, 0.97) < 1.4 and np.quantile(gap[rims > 0.3], 0.8) < 1.8


def test_columns_show_what_their_sheets_composite_to(decoded):
    textures, through = decoded["textures"].astype(float), 1.0
    colour, alpha = 0.0, textures[..., 3:] / 255
    for sheet, opacity in enumerate(alpha):
        colour, through = colour + through * opacity * textures[sheet, ..., :3], through * (1 - opacity)
    solid = through[..., 0] < 0.5
    solid[-9:] = solid[:, :9] = solid[:, -9:] = False  # the hem fades sheets and not their colours
    gap = decoded["shown"] - colour / np.maximum(1 - through, 1e-6)
    assert solid.sum() > 30000 and np.abs(gap[solid]).max() < 1.6  # rounded three times


def test_slight_texels_wear_the_colour_of_their_column(decoded):
    """Texels that hardly show take what the others of their column show; where all are clear, the column's own."""
    textures, (columns, *_) = decoded["textures"], decoded["arguments"]
    alpha = textures[..., 3:] / 255.0
    reached = np.concatenate([np.ones_like(alpha[:1]), np.cumprod(1 - alpha, 0)[:-1]])
    weight = alpha * reached
    slight = weight[..., 0] < 0.8 * decoding.SLIGHT
    worth = np.where(weight > decoding.SLIGHT, weight, 0.0)
    inner = np.zeros((320, 320), bool)
    inner[10:-10, 10:-10] = True
    solid, clear = inner & (worth.sum(0)[..., 0] > 0.9), inner & (alpha.max(0)[..., 0] < 0.01)
    assert solid.sum() > 10_000 and clear.sum() > 300
    mean = (worth * textures[..., :3]).sum(0) / np.maximum(worth.sum(0), 1e-6)
    tint = 255 * np.stack([cv2.resize(plane, (320, 320)) for plane in columns.colour], -1).clip(0, 1)
    for sheet in (0, 11, 22):
        gap = np.abs(textures[sheet, ..., :3] - mean).max(-1)[solid & slight[sheet]]
        assert np.quantile(gap, 0.99) < 2.0
        assert np.abs(textures[sheet, ..., :3] - tint).max(-1)[clear].max() <= 1.0
