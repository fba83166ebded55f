"""View swap: a real portrait is its own second view (SHARP, Apple 2025).

What a portrait looks like from another side is nobody's to tell. So it is rendered from there, that picture is inverted as if
it were a photo, and seen again from where the photo was taken it must be the photo.
"""

import dataclasses
import math

import torch
import torch.nn.functional as F

from inference.geometry.cameras import CROP_SIZE
from training.data.augment import without_fringe
from training.model import manifolds as mf
from training.run import losses
from training.run.views import invert, pick, random_patch, render

YAW = 15.0, 30.0  # degrees by which the portrait is turned, to either side
ROWS = 16  # of a picture rendered at once: as many rays as a patch of 64 x 64 has
NEAR_MEAN = 0.03  # metres; portraits' landmarks are at most 25 mm behind the mean head's, rays that end 40 mm before them on a cheek
PATCHES = 4  # colours of a backdrop along either side


def swapped(model, output, surface, batch, patch, bfloat16=False):
    """How far the photos of a batch, a random patch of each, differ from their swapped views: L1 of colours and their gradients.

    output and surface are of the batch; no gradient reaches them. All of the subject is demanded, also the tenth of it that the
    turned view hides: what is there is known of no other photo.
    """
    turned = turned_photos(model, output, surface, batch)
    output = invert(model, turned, bfloat16)
    surface = model.surface(output, turned["clean"], turned["camera"])
    surface = dataclasses.replace(surface, radius=surface.radius.detach())  # pictures teach colours alone, as everywhere
    pixels, rows, columns = random_patch(len(batch["photo"]), CROP_SIZE, patch, batch["photo"].device)
    view = render(model, output, surface, turned, batch["camera"], pixels)
    square = lambda x: x.reshape(len(x), -1, patch, patch)  # noqa: E731
    truth = torch.cat([pick(batch["photo"], rows, columns), pick(batch["alpha"], rows, columns)], 1)
    inside = (truth[:, 3:] > 0.98) * (view["alpha"].detach() > 0.9) * pick(batch["known"], rows, columns)
    return losses.picture(*map(square, (view["colour"], view["alpha"], truth, inside)))[0]


@torch.no_grad()
def turned_photos(model, output, surface, batch):
    """A batch's portraits from aside as photos: ``photo``, ``clean``, ``alpha``, ``landmarks`` and ``camera`` as in a batch."""
    camera = turned_cameras(batch["camera"])
    pixels = mf.pixel_grid(CROP_SIZE, CROP_SIZE, camera.device).expand(len(camera), -1, -1)
    views = [render(model, output, surface, batch, camera, part) for part in pixels.split(ROWS * CROP_SIZE, 1)]
    colour, alpha = (torch.cat([view[name] for view in views], 2).unflatten(2, (CROP_SIZE, CROP_SIZE)) for name in ("colour", "alpha"))
    backdrop = F.interpolate(torch.rand(len(camera), 3, PATCHES, PATCHES, device=camera.device), size=CROP_SIZE, mode="bilinear")
    photo = colour + (1.0 - alpha) * backdrop
    landmarks, _ = mf.project(landmark_points(model, output, surface, batch), camera)
    return {"photo": photo, "clean": without_fringe(photo, alpha), "alpha": alpha, "camera": camera, "landmarks": landmarks * CROP_SIZE}


def turned_cameras(camera):
    """Cameras (B, 4, 4) turned about the head's upright axis by YAW degrees to a random side."""
    least, most = map(math.radians, YAW)
    turn = torch.rand(len(camera), device=camera.device) * 2 - 1
    yaw = turn.sign() * least + turn * (most - least)
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    rows = [[yaw.cos(), zero, yaw.sin(), zero], [zero, one, zero, zero], [-yaw.sin(), zero, yaw.cos(), zero], [zero, zero, zero, one]]
    return torch.stack([torch.stack(row, -1) for row in rows], 1) @ camera


def landmark_points(model, output, surface, batch):
    """Points (B, 468, 3) metres of a batch's landmarks: where their pixels' rays end, and as far away as the mean head's where
    the ray ends elsewhere, on a cheek before a hidden jaw or beside the head."""
    pixels, camera = batch["landmarks"] / CROP_SIZE, batch["camera"]
    view = render(model, output, surface, batch, camera, pixels)
    _, found = mf.project(view["points"], camera)
    _, expected = mf.project(model.mean_landmarks.expand(len(camera), -1, -1), camera)
    met = (view["alpha"][:, 0] > 0.5) & ((found - expected).abs() < NEAR_MEAN)
    return camera[:, None, :3, 3] + mf.rays(pixels, camera) * torch.where(met, found, expected)[..., None]
