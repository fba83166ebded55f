"""How far a checkpoint is, without export: its losses on heads and photos that it never saw.

Weights are the running average's. ``surface`` is the mean error of the surface over all columns that meet the subject, in
millimetres along the column; ``parts`` the mean chance of what a column is made of; the rest are the terms of
training.run.objective with the default weights, with ``novel_perceptual`` and ``novel_gram`` of weight one in the features of
models/default. With aligned portraits of training.align_photos also the priors from the
coarse manifolds, each with weight one, in random other views of them, and ``swap``, their views swapped.
"""

import functools

import torch

from training.data.batches import open_portraits
from training.data.examples import SyntheticHeads
from training.model.geometry import SHEETS
from training.run.checkpoint import load_checkpoint, read_checkpoint
from training.run.judges import Features, Judges
from training.run.objective import NOBODY, coarse_priors, known_view, texture_losses, unknown_view
from training.run.presets import LossWeights
from training.run.swap import swapped

CHUNK = 8  # examples evaluated at once
MILLIMETRES = 4.0  # ``gap`` of an example is in units of so many
PATCH = 64  # pixels per side of the patches of other views
PRIORS = ("prior_depth", "prior_features", "prior_seen", "prior_unseen")
ALONE = LossWeights(**{name: 1.0 for name in (*PRIORS, "perceptual", "gram")})


@torch.no_grad()
def measure(model, batch, judges):
    """Terms of one batch of heads with other views by name, floats; judges with features."""
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    terms = texture_losses(output, batch, LossWeights())
    hit = (batch["level"] < SHEETS + 0.5).float()
    error = (output["fused"][0].float() - batch["level"]).abs() * batch["gap"] * MILLIMETRES
    shares = batch["dome_parts"]
    terms |= {"surface": (error * hit).sum() / hit.sum(), "parts": (output["fused"][4].softmax(1) * shares).sum() / shares.sum()}
    surface = model.surface(output, batch["clean"], batch["camera"])
    novel = known_view(model, output, surface, batch, ALONE, PATCH, judges)
    terms |= {name: novel[name] for name in ("novel_perceptual", "novel_gram")}
    return {name: float(value) for name, value in terms.items()}


@torch.no_grad()
def measure_priors(model, batch):
    """PRIORS and swap of one batch of portraits by name, floats; the random other views are torch's."""
    output = model(batch["photo"], batch["landmarks"], batch["camera"])
    surface = model.surface(output, batch["clean"], batch["camera"])
    terms = coarse_priors(model, output, surface, batch, ALONE)
    terms |= unknown_view(model, output, surface, batch, ALONE, PATCH, NOBODY, photos=None)
    terms["swap"] = swapped(model, output, surface, batch, PATCH)
    return {name: float(terms[name]) for name in (*PRIORS, "swap")}


def means(measured, model, examples, limit):
    """Means of a measure over the first ``limit`` of a dataset's examples, the same random numbers for every model."""
    torch.manual_seed(0)
    count = min(limit, len(examples))
    total = {}
    for start in range(0, count, CHUNK):
        rows = [examples[index] for index in range(start, min(start + CHUNK, count))]
        batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        for name, value in measured(model, batch).items():
            total[name] = total.get(name, 0.0) + value * len(rows) / count
    return total


def unseen(checkpoint, heads=None, photos=None, limit=48):
    """All measures of a checkpoint by name, and its step. heads: folder of shards; photos: aligned portraits; either may be
    None. Raises TrainingError."""
    geometry = {name: value.numpy() for name, value in read_checkpoint(checkpoint)["geometry"].items()}
    model, step = load_checkpoint(checkpoint)
    found = {}
    if heads:
        judged = functools.partial(measure, judges=Judges(features=Features()))
        found |= means(judged, model, SyntheticHeads([heads], geometry, view=True, augment=False), limit)
    if photos:
        portraits = open_portraits(photos, seed=0, augment=False)
        found |= means(measure_priors, model, portraits, limit)
    return found, step
