"""What training minimises: the weighted losses of a batch, in texture space and in view space."""

import dataclasses
import math

import torch
import torch.nn.functional as F

from inference.geometry import cameras
from training.model import manifolds as mf
from training.run import losses
from training.run.judges import Judges
from training.run.swap import swapped
from training.run.views import pick, random_patch, render, rows_of, visible

NEAR_COARSE = 0.004  # metres that details may move the surface of a real portrait for free
NOBODY = Judges()
LARGEST_PATCH = cameras.CROP_SIZE // 3  # pixels; a patch is taken from every pixel, every second or every third one
TURNS = 40.0, 15.0  # degrees of yaw and pitch to either side that other views are taken from


def texture_losses(output, batch, weights, judges=NOBODY):
    """Losses that need no rays. Returns a dict of weighted terms."""
    real = 1.0 - batch["synthetic"]
    out = {}
    for name, share in (("coarse", 0.5), ("fused", 1.0)):
        level, occupancy, colour = output[name][:3]
        if name == "coarse":
            level, occupancy = (F.interpolate(x.float(), scale_factor=2, mode="bilinear") for x in (level, occupancy))
        shape, occupied = losses.geometry(level, occupancy, batch["level"], batch["gap"], real)
        out[f"{name}_level"] = share * weights.level * shape
        out[f"{name}_occupancy"] = share * weights.occupancy * occupied
        out[f"{name}_colour"] = share * weights.colour * losses.column_colour(colour, batch["dome"], batch["level"], real)
    unseen = losses.unseen_colour(output["fused"][2], batch["dome"], batch["seen"], batch["dome_parts"], batch["level"], real)
    out["unseen_colour"] = weights.unseen_colour * unseen
    out["parts"] = weights.parts * (losses.part_entropy(output["fused"][4], batch["dome_parts"], real)
                                    + losses.part_entropy(output["parts"], batch["photo_parts"], real))  # fmt: skip
    out["matte"] = weights.matte * losses.matte_entropy(output["maps"], batch["alpha"], batch["known"])
    out["codes"] = weights.codes * output["w_plus"].float().square().mean()
    if weights.kept_features:
        with torch.no_grad():
            known = judges.features.pixel_features(batch["photo"])
        out["kept_features"] = weights.kept_features * F.smooth_l1_loss(output["maps"][:, 1:].float(), known.float())
    return out


def view_losses(model, output, batch, weights, patch, judges=NOBODY, heads=None, bfloat16=False):
    """Losses on rendered patches of the photo's view and of novel views. Returns a dict of weighted terms.

    heads: (n,) indices of the batch's synthetic heads. Without them the batch is asked, which waits for a GPU.
    bfloat16: whether networks that are asked once more compute so.

    Pictures of a real portrait teach colours alone. Its silhouette is met as well by hair that hangs from the head to the
    shoulders, and with nothing known of the sides that is what networks draw; its shape is the coarse prior's matter.
    """
    heads = heads_of(batch) if heads is None else heads
    surface = model.surface(output, batch["clean"], batch["camera"])
    wanted = weights.prior_depth or weights.prior_features
    priors = coarse_priors(model, output, surface, batch, weights) if wanted else {}
    known = batch["synthetic"].view(-1, 1, 1, 1) > 0.5
    surface = dataclasses.replace(surface, radius=torch.where(known, surface.radius, surface.radius.detach()))
    out, photos = own_view(model, output, surface, batch, weights, patch, judges)
    out |= priors
    if len(heads) and weights.novel_colour:
        out |= known_view(model, *rows_of(heads, output, surface, batch), weights, patch, judges)
    if weights.prior_seen or weights.prior_unseen or judges.critic:
        out |= unknown_view(model, output, surface, batch, weights, patch, judges, photos)
    if judges.identity:
        out["identity"] = weights.identity * same_face(model, output, surface, batch, patch, judges.identity)
    if weights.swap and len(heads) < len(batch["photo"]):
        real = torch.argsort(batch["synthetic"], stable=True)[: len(batch["photo"]) - len(heads)]  # asks no GPU which
        out["swap"] = weights.swap * swapped(model, *rows_of(real, output, surface, batch), patch, bfloat16)
    return out


def heads_of(batch):
    """Indices (n,) of the synthetic heads of a batch."""
    return torch.nonzero(batch["synthetic"] > 0.5)[:, 0]


def own_view(model, output, surface, batch, weights, patch, judges):
    """The photo's own view, synthetic heads and real portraits. Returns the terms and the photos' patches (B, 4, S, S),
    premultiplied RGBA."""
    photo, square = batch["photo"], lambda x: x.reshape(len(x), -1, patch, patch)  # noqa: E731
    pixels, rows, columns = random_patch(len(photo), 256, patch, photo.device)
    view = render(model, output, surface, batch, batch["camera"], pixels)
    truth = torch.cat([pick(photo, rows, columns), pick(batch["alpha"], rows, columns)], 1)
    known = pick(batch["known"], rows, columns)
    # A soft pixel of the photo mixes subject and backdrop, so colour counts only where the subject fills it.
    inside = known * ((truth[:, 3:] > 0.98) | (truth[:, 3:] < 0.02)).float()
    error, alpha_error = losses.picture(*map(square, (view["colour"], view["alpha"], truth, inside)))
    # The columns' own colours must explain the photo too: they are what unseen sides are made of.
    solid = (truth[:, 3:] > 0.98) * (view["alpha"].detach() > 0.9) * known
    coarse = losses.masked_mean((view["tint"] - truth[:, :3]).abs(), solid)
    out = {"input_colour": weights.input_colour * error, "input_alpha": weights.view_alpha * alpha_error,
           "input_coarse": weights.input_coarse * coarse}  # fmt: skip
    photos = square(torch.cat([truth[:, :3] * truth[:, 3:], truth[:, 3:]], 1) * known)
    return out | in_features(judges, weights, "input", square(view["colour"] * known), photos[:, :3]), photos


def in_features(judges, weights, view, ours, theirs):
    """Terms of a view's patches (B, 3, S, S) in the features of a judge, without him or his weights none."""
    on = {name: weight for name in ("perceptual", "gram") if (weight := getattr(weights, name))}
    if not (judges.features and on):
        return {}
    apart = judges.features.compare(even(ours), even(theirs))
    return {f"{view}_{name}": weight * apart[name] for name, weight in on.items()}


def even(picture):
    """A picture (B, C, S, S) without its last row and column where S is odd."""
    side = picture.shape[-1] // 2 * 2
    return picture[..., :side, :side]


def known_view(model, output, surface, batch, weights, patch, judges):
    """Another view of synthetic heads, whose picture is known."""
    pixels, rows, columns = random_patch(len(batch["photo"]), 256, patch, batch["photo"].device)
    view = render(model, output, surface, batch, batch["view_camera"], pixels)
    square = lambda x: x.reshape(len(x), -1, patch, patch)  # noqa: E731
    truth = square(pick(batch["view"], rows, columns))
    everywhere = torch.ones_like(truth[:, :1])
    error, alpha_error = losses.picture(square(view["colour"]), square(view["alpha"]), truth, everywhere)
    out = {"novel_colour": weights.novel_colour * error, "novel_alpha": weights.view_alpha * alpha_error}
    return out | in_features(judges, weights, "novel", square(view["colour"]), truth[:, :3] * truth[:, 3:])


def coarse_priors(model, output, surface, batch, weights):
    """Details stay near the coarse manifolds (GRAMInverter, section 3.3): the surface everywhere on real portraits, whose
    shape nobody knows, and the features of columns that the photo does not see. The coarse ones do not come to meet them."""
    level = F.interpolate(output["coarse"][0].detach().float(), size=surface.radius.shape[-2:], mode="bilinear")
    coarse = model.manifolds.column_radius(level)
    real = (1.0 - batch["synthetic"]).view(-1, 1, 1, 1) * (surface.occupancy > 0).float()
    away = F.relu((surface.radius - coarse).abs() - NEAR_COARSE) * 250.0  # per 4 mm
    points = model.manifolds.column_points(surface.radius.detach())
    unseen = 1.0 - visible(points.flatten(1, 2), batch, surface)[0].view_as(level)
    sheets = output["fused"][3].float()
    added = (sheets - output["coarse"][3].detach().float().view_as(sheets)).square().mean((1, 2))[:, None]
    return {"prior_depth": weights.prior_depth * losses.masked_mean(away, real),
            "prior_features": weights.prior_features * losses.masked_mean(added, F.avg_pool2d(unseen, 2))}  # fmt: skip


def random_cameras(count, device):
    """Other cameras of the head, (count, 4, 4)."""
    turns = torch.rand(count, 2, device=device) * 2 - 1
    return mf.orbit_cameras(*(math.radians(most) * turn for most, turn in zip(TURNS, turns.unbind(1))))


def unknown_view(model, output, surface, batch, weights, patch, judges, photos):
    """A random other view without a picture of it: what the photo shows must reappear there, what it does not show must
    look as the columns say (GRAMInverter, section 3.3), and a critic must take it for one of the photos' patches."""
    count, device = len(batch["photo"]), batch["photo"].device
    camera = random_cameras(count, device)
    pixels, _, _ = random_patch(count, 256, patch, device)
    view = render(model, output, surface, batch, camera, pixels)
    shown, photo = visible(view["points"], batch, surface)
    solid = (view["alpha"].detach() > 0.95).float()
    straight = view["colour"] / view["alpha"].clamp(min=0.5)
    tint = (view["tint"] / view["alpha"].clamp(min=0.5)).detach()
    seen = losses.masked_mean((straight - photo).abs(), shown[:, None] * solid)
    unseen = losses.masked_mean((straight - tint).abs(), (1.0 - shown[:, None]) * solid)
    out = {"prior_seen": weights.prior_seen * seen, "prior_unseen": weights.prior_unseen * unseen}
    if judges.critic:
        rendered = torch.cat([view["colour"], view["alpha"]], 1).reshape(count, 4, patch, patch)
        out["adversarial"] = weights.adversarial * judges.critic.fool(rendered, camera)
        judges.critic.remember(photos, batch["camera"], rendered, camera)
    return out


def same_face(model, output, surface, batch, patch, judge):
    """Distance of the face in small whole pictures of the own and of a random other view to the photo's."""
    count, device = len(batch["photo"]), batch["photo"].device
    pixels = mf.pixel_grid(patch, patch, device).expand(count, -1, -1)
    photo = F.interpolate(batch["photo"].float() * batch["alpha"], size=(patch, patch), mode="area")
    views = (render(model, output, surface, batch, camera, pixels) for camera in (batch["camera"], random_cameras(count, device)))
    return sum(judge.distance(view["colour"].reshape(count, 3, patch, patch), photo) for view in views) / 2
