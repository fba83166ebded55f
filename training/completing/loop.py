"""How the small networks of columns learn: from the columns of synthetic heads alone, on a processor."""

import copy
import dataclasses
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from inference.files import write_atomically
from training.errors import TrainingError
from training.evaluation.columns import FARTHEST
from training.model.completion import STEP
from training.model.emphasis import EARS, within

WEIGHTS = {"surface": 1.0, "occupied": 0.5, "colour": 6.0}  # of completion's terms, which are then about as large
EAR = 2.0  # how much more a column of skin counts where ears are
CONTOUR = 2.0  # how much more a column counts that the photo's silhouette touches
NEAR, GRAZED, BEHIND = 6.0, 0.4, 1.0  # there: pixels from the matte's edge, cosine to the camera, centimetres behind what it sees
AVERAGE = 0.995  # decay of the averaged weights
REPORT = 300  # steps


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long and how fast."""

    minutes: float = 45.0
    batch: int = 8
    steps: int = 0  # that end it earlier, 0 for none
    seed: int = 1
    rate: float = 1e-3  # at its peak
    warmup: int = 100  # steps over which it rises, before half a cosine over the run

    def progress(self, step, seconds):
        """Share of the run after some steps and seconds."""
        return max(seconds / (60.0 * self.minutes), step / self.steps if self.steps else 0.0)

    def rate_at(self, step, progress):
        """Learning rate at a step and a share of the run."""
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (0.02 + 0.98 * cosine)


def terms(answer, planes, truth):
    """Losses by name, of completion's answer: where the surface is, which columns there are, what the photo hides of them.

    planes (B, PLANES, h, w) and truth (B, TRUTH, h, w) of :class:`.columns.HeadColumns`.
    """
    radius, occupied, colour = answer
    there, seen, skin = truth[:, 4:5], planes[:, 6:7], planes[:, 18:19]
    facing, behind, edge = planes[:, 4:5], planes[:, 5:6], planes[:, 24:25]
    contour = (edge.abs() < NEAR) & (facing < GRAZED) & (behind < BEHIND)
    weight = there * (1.0 + seen * skin + CONTOUR * contour + EAR * skin * within(EARS, skin))  # the face counts twice
    hidden = there * (1.0 - seen)
    off = torch.log1p((radius - truth[:, :1]).abs() / STEP)  # an edge in another column is off by centimetres
    return {
        "surface": (off * weight).sum() / weight.sum(),
        "occupied": F.binary_cross_entropy_with_logits(occupied, there),
        "colour": ((colour - truth[:, 1:4]).abs().mean(1, keepdim=True) * hidden).sum() / hidden.sum(),
    }


def train(network, heads, schedule, report, checkpoint, terms=terms, weights=WEIGHTS):
    """Train in place; returns the average of the weights, which is also written to the file ``checkpoint``.

    heads: :class:`.columns.HeadColumns`. report: called with a line and the averaged network every so often. terms and
    weights: losses by name, by default completion's. Raises TrainingError where the loss is no number.
    """
    torch.manual_seed(schedule.seed)
    network = network.to(memory_format=torch.channels_last)  # a fifth faster on processors
    average, start, step = copy.deepcopy(network), time.monotonic(), 0
    optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)
    loader = torch.utils.data.DataLoader(heads, schedule.batch, shuffle=True, drop_last=len(heads) > schedule.batch)
    while True:
        for planes, truth in loader:
            progress = schedule.progress(step, time.monotonic() - start)
            if progress >= 1.0:
                write_atomically(checkpoint, lambda file: torch.save(average.state_dict(), file))
                return average
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(step, progress)
            losses = terms(network(planes), planes, truth)
            loss = sum(weights[name] * value for name, value in losses.items())
            if not torch.isfinite(loss):
                raise TrainingError(f"the loss is no number at step {step}: look at the columns, or lower the learning rate")
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
            _move(average, network, min(AVERAGE, step / (step + 20.0)))
            if step % REPORT == 0:
                write_atomically(checkpoint, lambda file: torch.save(average.state_dict(), file))
                values = ", ".join(f"{name} {value.item():.4f}" for name, value in losses.items())
                report(f"step {step}, {step * schedule.batch / (time.monotonic() - start):.1f} heads a second: {values}", average)


@torch.no_grad()
def _move(average, network, decay):
    for own, other in zip(average.parameters(), network.parameters()):
        own.lerp_(other, 1.0 - decay)


@torch.no_grad()
def measure(network, heads):
    """What the network makes of heads, as text: before and after, the surface's error (mm) where there is a surface, the
    root mean square error of hidden columns' colours, and the share (%) of columns wrongly taken for the subject's or not."""
    rows = []
    for planes, truth in torch.utils.data.DataLoader(heads, 8):
        before = planes[:, :1], planes[:, 2:3] - 0.5, planes[:, 11:14]
        there = truth[:, 4:5] * planes[:, 2:3]
        hidden = there * (1.0 - planes[:, 6:7])
        for radius, occupied, colour in (before, network(planes)):
            off = (radius - truth[:, :1]).abs().clamp(max=FARTHEST)
            square = (colour - truth[:, 1:4]).square().mean(1, keepdim=True)
            wrong = ((occupied > 0) != (truth[:, 4:5] > 0.5)).float().mean()
            rows.append([1e3 * (off * there).sum() / there.sum(), (square * hidden).sum() / hidden.sum(), 1e2 * wrong])
    surface, colour, wrong = np.float64(rows).reshape(-1, 2, 3).mean(0).T
    colour = np.sqrt(colour)
    return (f"surface {surface[0]:.2f} -> {surface[1]:.2f} mm, hidden colours {colour[0]:.4f} -> {colour[1]:.4f}, "
            f"wrong columns {wrong[0]:.2f} -> {wrong[1]:.2f} %")  # fmt: skip
