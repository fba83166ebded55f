"""What training minimises: the weighted losses of a batch, in texture space and in view space."""

import torch
import torch.nn.functional as F

from training import losses
from training import manifolds as mf


def texture_losses(output, batch, weights):
    """Losses that need no rays. Returns a dict of weighted terms."""
    real = 1.0 - batch["synthetic"]
    out = {}
    for name, share in (("coarse", 0.5), ("fused", 1.0)):
        level, occupancy, colour, sheets = output[name][:4]
        if name == "coarse":
            level, occupancy = (F.interpolate(x.float(), scale_factor=2, mode="bilinear") for x in (level, occupancy))
            sheets = sheets.view(level.shape[0], mf.SHEETS, -1, *sheets.shape[-2:])
        shape, occupied = losses.geometry(level, occupancy, batch["level"], real)
        out[f"{name}_level"] = share * weights.level * shape
        out[f"{name}_occupancy"] = share * weights.occupancy * occupied
        out[f"{name}_opacity"] = share * weights.opacity * losses.sheet_opacity(level, occupancy, sheets, batch["level"], real)
        out[f"{name}_colour"] = share * weights.colour * losses.column_colour(colour, batch["dome"], batch["level"], real)
    out["matte"] = weights.matte * losses.matte(output["maps"], batch["alpha"], batch["known"])
    out["codes"] = weights.codes * output["w_plus"].float().square().mean()
    return out


def random_patch(batch, size, patch, device=None):
    """Pixels of one square patch per example: (B, patch², 2) in [0, 1] and integer rows, columns (B, patch²)."""
    stride = int(torch.randint(1, 4, ()).item())
    reach = size - (patch - 1) * stride
    start = torch.randint(0, reach, (batch, 2))
    steps = torch.arange(patch) * stride
    rows = (start[:, 0, None] + steps)[:, :, None].expand(-1, -1, patch).reshape(batch, -1)
    columns = (start[:, 1, None] + steps)[:, None].expand(-1, patch, -1).reshape(batch, -1)
    return torch.stack([(columns + 0.5) / size, (rows + 0.5) / size], -1).to(device), rows, columns


def pick(image, rows, columns):
    """Pixels (B, C, P) of image (B, C, H, W)."""
    index = (rows * image.shape[-1] + columns)[:, None].expand(-1, image.shape[1], -1).to(image.device)
    return image.flatten(2).gather(2, index)


def view_losses(model, output, batch, weights, patch):
    """Losses on rendered patches of the photo's view and of a novel view. Returns a dict of weighted terms."""
    count, camera, photo = len(batch["photo"]), batch["camera"], batch["photo"]
    square = lambda x: x.reshape(count, -1, patch, patch)  # noqa: E731
    depth = model.visible_depth(tuple(f.detach() for f in output["fused"]), camera)
    out = {}
    # The photo's own view, synthetic and real.
    pixels, rows, columns = random_patch(count, 256, patch, photo.device)
    points, uv, valid = model.manifolds.hits(camera, pixels)
    rgb, opacity = model.decode(points, uv, output["fused"], photo, output["maps"], depth, camera)
    opacity = opacity * valid
    colour, alpha, weight = mf.composite(rgb, opacity)
    truth = torch.cat([pick(photo, rows, columns), pick(batch["alpha"], rows, columns)], 1)
    known = square(pick(batch["known"], rows, columns))
    # A soft pixel of the photo mixes subject and backdrop, so colour counts only where the subject fills it.
    inside = known * ((square(truth[:, 3:]) > 0.98) | (square(truth[:, 3:]) < 0.02)).float()
    error, alpha_error = losses.picture(square(colour), square(alpha[:, None]), square(truth), inside)
    out["input_colour"], out["input_alpha"] = weights.input_colour * error, weights.view_alpha * alpha_error
    # Coarse colours alone must explain the photo too: they are what unseen sides are made of.
    tint, _ = model.point_features(output["fused"], uv)
    explained = (tint.transpose(1, 2) * weight.detach()[:, :, None]).sum(1)
    solid = (truth[:, 3:] > 0.98) * (alpha.detach()[:, None] > 0.9) * square(known).view(count, 1, -1)
    out["input_coarse"] = weights.input_coarse * losses.masked_mean((explained - truth[:, :3]).abs(), solid.float())
    # A novel view: exact for synthetic heads.
    rows_of = batch["synthetic"] > 0.5
    if rows_of.any() and weights.novel_colour:
        sub = {k: v[rows_of] for k, v in batch.items() if torch.is_tensor(v)}
        fused = tuple(f[rows_of] for f in output["fused"])
        pixels, rows, columns = random_patch(len(sub["photo"]), 256, patch, photo.device)
        points, uv, valid = model.manifolds.hits(sub["view_camera"], pixels)
        rgb, opacity = model.decode(points, uv, fused, sub["photo"], output["maps"][rows_of], depth[rows_of], sub["camera"])
        colour, alpha, _ = mf.composite(rgb, opacity * valid)
        shape = (len(sub["photo"]), -1, patch, patch)
        truth = pick(sub["view"], rows, columns).view(*shape)
        error, alpha_error = losses.picture(colour.view(*shape), alpha[:, None].view(*shape), truth, torch.ones_like(truth[:, :1]))
        out["novel_colour"], out["novel_alpha"] = weights.novel_colour * error, weights.view_alpha * alpha_error
    return out
