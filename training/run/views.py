"""Photos of a batch inverted and rendered: which pixels, what a camera sees there, and what of it the photo shows."""

import torch
import torch.nn.functional as F

from training.model import manifolds as mf

SEEN_WITHIN = 0.008  # metres behind the photo's visible surface within which a point counts as seen


def random_patch(batch, size, patch, device=None):
    """Pixels of one square patch per example: (B, patch², 2) in [0, 1] and integer rows, columns (B, patch²)."""
    stride = random_stride()
    start = torch.randint(0, size - (patch - 1) * stride, (batch, 2), device=device)
    steps = torch.arange(patch, device=device) * stride
    rows = (start[:, 0, None] + steps)[:, :, None].expand(-1, -1, patch).reshape(batch, -1)
    columns = (start[:, 1, None] + steps)[:, None].expand(-1, patch, -1).reshape(batch, -1)
    return torch.stack([(columns + 0.5) / size, (rows + 0.5) / size], -1), rows, columns


def random_stride():
    """Distance in pixels of a patch's pixels, drawn on the host, which must know how far the patch reaches."""
    return int(torch.randint(1, 4, ()))


def pick(image, rows, columns):
    """Pixels (B, C, P) of image (B, C, H, W)."""
    index = (rows * image.shape[-1] + columns)[:, None].expand(-1, image.shape[1], -1)
    return image.flatten(2).gather(2, index)


def rows_of(chosen, output, surface, batch):
    """Some examples of a batch, by their indices (n,): output, surface and batch."""
    rows = lambda x: x.index_select(0, chosen)  # noqa: E731
    output = {"fused": tuple(map(rows, output["fused"])), "maps": rows(output["maps"]), "parts": rows(output["parts"])}
    surface = type(surface)(*map(rows, vars(surface).values()))
    return output, surface, {name: rows(value) for name, value in batch.items()}


def render(model, output, surface, batch, camera, pixels):
    """Render pixels (B, P, 2) of a camera. Returns a dict: ``colour`` (B, 3, P), premultiplied, ``alpha`` (B, 1, P), ``tint``
    (B, 3, P), the same picture from the columns' own colours, and ``points`` (B, P, 3), where the rays end."""
    points, uv, valid = model.manifolds.hits(camera, pixels, surface.band)
    rgb, opacity, tint = model.decode(points, uv, output["fused"], surface, batch["clean"], output["maps"], batch["camera"])
    colour, alpha, weight = mf.composite(rgb, opacity * valid)
    fixed = weight.detach()[..., None]
    ends = (points * fixed).sum(1) / fixed.sum(1).clamp(min=1e-4)
    return {"colour": colour, "alpha": alpha[:, None], "tint": (tint * fixed[..., 0][:, :, None]).sum(1), "points": ends}


def invert(model, batch, bfloat16):
    """The model's output for the photos of a batch; bfloat16: whether its networks compute so."""
    with torch.autocast(batch["photo"].device.type, dtype=torch.bfloat16, enabled=bfloat16):
        return model(batch["photo"], batch["landmarks"], batch["camera"])


@torch.no_grad()
def visible(points, batch, surface):
    """Whether the photo shows points (B, P, 3): (B, P) 0 or 1, and its colours there (B, 3, P).

    Shown are points that project onto the subject and lie no further than 8 mm behind what the photo sees.
    """
    pixel, distance = mf.project(points, batch["camera"])
    maps = torch.cat([batch["clean"], batch["alpha"], F.interpolate(surface.depth, size=256, mode="bilinear")], 1)
    found = mf.sample_maps(maps, pixel)
    return ((found[:, 3] > 0.9) & (distance - found[:, 4] < SEEN_WITHIN)).float(), found[:, :3]
