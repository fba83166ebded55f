"""Validation pictures of a run: a few fixed heads, photo beside own view and novel view, each beside its truth."""

import numpy as np
import torch

from training.data.examples import SyntheticHeads
from training.model import manifolds as mf

SIDE = 128  # pixels of one rendered view


class Validation:
    """A small fixed batch of heads that is rendered again and again while a run goes on."""

    def __init__(self, folder, geometry, device, count=4):
        heads = SyntheticHeads([folder], geometry, view=True, augment=False)
        rows = [heads[int(i)] for i in np.linspace(0, len(heads) - 1, min(count, len(heads)))]
        self.batch = {name: torch.stack([row[name] for row in rows]).to(device) for name in rows[0]}

    @torch.no_grad()
    def __call__(self, model, bfloat16=False):
        """Returns the sheet (rows, columns, 3) uint8, one head a row, and PSNR in dB of both views over grey."""
        batch, device = self.batch, self.batch["photo"].device
        photo, camera = batch["photo"], batch["camera"]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            output = model(photo, batch["landmarks"], camera)
        pixels = mf.pixel_grid(SIDE, SIDE, device).expand(len(photo), -1, -1)
        columns, scores = [small(photo)], {}
        own = torch.cat([photo, batch["alpha"]], 1)  # over its backdrop; equal to the subject where that is opaque
        for name, pose, truth in (("own", camera, own), ("novel", batch["view_camera"], batch["view"])):
            colour, alpha, _ = model.render(pixels, pose, output, batch["clean"], camera)
            colour, alpha = (x.view(len(photo), -1, SIDE, SIDE) for x in (colour, alpha[:, None]))
            ours, theirs = colour + 0.5 * (1 - alpha), over_grey(small(truth))
            region = (small(truth)[:, 3:] > 0.98).expand_as(ours) if name == "own" else torch.ones_like(ours, dtype=torch.bool)
            scores[f"psnr_{name}"] = float(-10 * torch.log10((ours - theirs)[region].square().mean() + 1e-12))
            columns += [ours, theirs]
        sheet = torch.cat(columns, 3).clamp(0, 1).permute(0, 2, 3, 1).flatten(0, 1)
        return (sheet * 255).round().byte().cpu().numpy(), scores


def small(image):
    return torch.nn.functional.interpolate(image.float(), size=(SIDE, SIDE), mode="area")


def over_grey(image):
    return image[:, :3] * image[:, 3:] + 0.5 * (1 - image[:, 3:])
