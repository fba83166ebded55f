"""Train the portrait model: ``python -m training.train --preset cpu --minutes 60 --heads DIR --geometry FILE --out RUN``.

Two kinds of supervision, see docs/training.md: texture space (exact level, occupancy and colour of every texel of the
synthetic heads, no ray casting) from the start, and view space (patches of the photo's own view and of novel views,
real portraits too) from the preset's ``view_from`` on. A run is a function of its settings, its data and its step: killed
and resumed (``--resume``), or shared by several processes (``torchrun --nproc-per-node N -m training.train ...``), it
takes the same course. Bad input, a loss that is no number and a full disk end it with one line and exit code 2, and
``last.pt`` in the folder of the run is always the last good checkpoint.
"""

import argparse
import copy
import dataclasses
import math
import pathlib
import signal
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from inference.errors import FolderUnusable
from training.data.batches import Batches, Opening, look, newer
from training.data.fresh_heads import fresh_heads
from training.errors import TrainingError, command
from training.model.geometry import GEOMETRY, for_grid, load_geometry, on_todays_domes
from training.model.linear_shape import fit_linear_shape
from training.model.model import PortraitModel
from training.pack.folder import HELP
from training.run import checkpoint as ck
from training.run.captured import Captured
from training.run.journal import Journal
from training.run.judges import summon
from training.run.objective import LARGEST_PATCH, heads_of, texture_losses, view_losses
from training.run.optimizer import Optimizer
from training.run.pictures import Validation
from training.run.presets import PRESETS, override
from training.run.processes import Group
from training.run.views import invert
from training.weights.from_onnx import read_geometry, start_from

PATIENCE = 10  # steps in a row whose gradient is no number before a run ends


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu", help="see training/run/presets.py")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", dest="settings",
                        help="change fields of the preset: batch=8 weights.level=0 network.w_dim=256")  # fmt: skip
    parser.add_argument("--heads", nargs="+", type=pathlib.Path, required=True, help="folders of synthetic shards")
    parser.add_argument("--real", type=pathlib.Path, help="aligned real portraits (.npz of training.align_photos)")
    parser.add_argument("--geometry", type=pathlib.Path,
                        help="geometry.npz of training.population; that of --start-from or --resume by default")  # fmt: skip
    parser.add_argument("--start-from", dest="start", type=pathlib.Path,
                        help="exported model (folder) or checkpoint whose weights to start from")  # fmt: skip
    parser.add_argument("--freeze", nargs="+", default=[], choices=("encoder", "generator", "detail_encoder", "detail", "decoder"),
                        help="networks that stay as they are: their backward pass costs nothing")  # fmt: skip
    parser.add_argument("--resume", nargs="?", const=True, type=pathlib.Path,
                        help="go on with a run: its checkpoint, or nothing for last.pt in --out")  # fmt: skip
    parser.add_argument("--fresh-heads", nargs="?", const=0, type=int, metavar="N",
                        help="render N heads of every chunk anew on --device, all without N, in place of those of the shards")  # fmt: skip
    parser.add_argument("--resident", action="store_true",
                        help="keep heads and portraits in the memory of --device and make the examples there")  # fmt: skip
    parser.add_argument("--places", type=pathlib.Path,
                        help="folder of equirectangular pictures of places, which backdrops of --resident are pieces of")  # fmt: skip
    parser.add_argument("--data", type=pathlib.Path, help=f"of --fresh-heads: {HELP}")
    parser.add_argument("--fresh-data", action="store_true", help="resume with the shards that are there now")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, help="length of the whole run, over all its parts (default 60)")
    parser.add_argument("--samples", type=int, help="length in examples instead; its course then depends on no clock")
    parser.add_argument("--validation", type=pathlib.Path, help="folder of shards for pictures; the first of --heads by default")
    parser.add_argument("--features", type=pathlib.Path,
                        help="model folder or TorchScript file for weights.perceptual and gram; models/default by default")  # fmt: skip
    parser.add_argument("--identity", type=pathlib.Path, help="TorchScript face descriptor for weights.identity")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare examples")
    parser.add_argument("--threads", type=int, help="of torch; all cores by default")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    options = parser.parse_args(arguments)
    if options.resume is True:
        options.resume = options.out / "last.pt"
    if not options.minutes and not options.samples:
        options.minutes = 60.0
    return options


def chosen_geometry(options, state):
    """Arrays of geometry.npz from wherever the options say."""
    if options.geometry:
        return load_geometry(options.geometry)
    if state:
        return {name: value.numpy() for name, value in state["geometry"].items()}
    if options.start and options.start.is_dir():
        return on_todays_domes(read_geometry(options.start))
    raise TrainingError("the sheets' geometry is needed: --geometry of training.population, or --start-from with a model")


def learning_rate(preset, step, progress):
    """Warm-up by steps, then half a cosine over the run's progress in [0, 1]."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return preset.learning_rate * min(1.0, (step + 1) / preset.warmup) * (preset.final_rate + (1 - preset.final_rate) * cosine)


def fit_textures(batch, size):
    """A batch whose textures, made at TEXTURE texels, have the size of the model's own: (size, size)."""
    if batch["level"].shape[-1] == size:
        return batch
    near = {name: F.interpolate(batch[name], size=(size, size), mode="nearest-exact") for name in ("level", "gap")}
    soft = {name: F.interpolate(batch[name], size=(size, size), mode="bilinear", align_corners=False)
            for name in ("dome", "seen", "dome_parts")}  # fmt: skip
    return batch | near | soft


class Run:
    """A run at some step: model, running average, optimizer, and the time it took so far."""

    def __init__(self, options, preset, group):
        state = ck.read_checkpoint(options.resume) if options.resume else None
        source = ck.read_checkpoint(options.start) if options.start and not options.start.is_dir() else None
        if not options.resume and (options.out / "last.pt").exists():
            raise TrainingError(f"{options.out} holds a run already: add --resume to go on with it, or give another --out")
        if state and not any(line.startswith("network.") for line in options.settings):
            preset = dataclasses.replace(preset, network=ck.network_config(state))
        self.preset, self.group, self.seed = preset, group, options.seed
        self.geometry = for_grid(chosen_geometry(options, state or source), preset.network.grid)
        torch.manual_seed(options.seed)
        self.model = PortraitModel(*(self.geometry[name] for name in GEOMETRY), preset.network)
        self.step, self.seconds, self.rate = 0, 0.0, 0.0
        self.opening = look(options.heads, 0)
        if not state:
            fresh = start_from(self.model, options.start if source is None else source["average"]) if options.start else None
            if fresh is None or any(name.startswith("encoder.shape.") for name in fresh):
                fit_linear_shape(self.model, self.opening.heads(options.heads, self.geometry))
            if fresh is not None and group.rank == 0:
                print(f"weights of {options.start}; new here: {', '.join(fresh) or 'nothing'}", file=sys.stderr)
        self.model.to(group.device, memory_format=torch.channels_last)
        for name in options.freeze:
            getattr(self.model, name).requires_grad_(False)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = Optimizer(self.model, preset.learning_rate, preset.muon)
        self.judges = summon(preset.weights, group.device, options.features, options.identity, options.seed)
        if state:
            ck.unpack(state, self.model, self.average, self.optimizer)
            if self.judges.critic and state.get("critic"):
                self.judges.critic.unpack(state["critic"])
            self.step, self.seconds = state["step"], state["seconds"]
            recorded = Opening(state["opening"]["step"], tuple(map(tuple, state["opening"]["shards"])))
            self.opening = dataclasses.replace(self.opening, step=self.step) if options.fresh_data else recorded
        self.opening, self.bad, self.step_on_device = group.first(self.opening), 0, None

    def gradients(self, batch, heads=None):
        """Add the gradients of a chunk's losses; those of views only with heads, the indices (n,) of its synthetic heads.
        Returns the terms."""
        preset = self.preset
        output = invert(self.model, batch, preset.bfloat16)
        terms = texture_losses(output, batch, preset.weights, self.judges)
        if heads is not None:
            terms |= view_losses(self.model, output, batch, preset.weights, preset.patch, self.judges, heads, preset.bfloat16)
        (sum(terms.values()) * preset.chunk / preset.batch).backward()
        return {name: value.detach() for name, value in terms.items()}

    def textures(self, batch):
        """:meth:`gradients` without views, in one launch where a step is one chunk on a GPU."""
        if self.step_on_device is None:
            self.step_on_device = self.gradients
            if self.group.device.type == "cuda" and self.preset.chunk == self.preset.batch:
                try:
                    self.step_on_device = Captured(self.gradients, self.model.parameters(), batch)
                except RuntimeError as error:
                    print(f"kernels are launched one by one: {str(error).splitlines()[0]}", file=sys.stderr)
        return self.step_on_device(batch)

    def advance(self, batches, journal, progress, view):
        """One step. Returns whether it was taken: a gradient that is no number leaves the weights as they are."""
        preset, chunks = self.preset, self.preset.batch // self.preset.chunk
        self.rate = learning_rate(preset, self.step, progress)
        self.optimizer.set_rate(self.rate)
        self.optimizer.zero_grad()
        collected = []
        for number in self.group.share(range(chunks)):
            mark = time.monotonic()
            batch = next(batches)
            heads = heads_of(batch).to(self.group.device, non_blocking=True)  # asking a GPU later would wait for it
            batch = {k: v.to(self.group.device, non_blocking=True) for k, v in batch.items()}
            batch = fit_textures(batch, 2 * preset.network.grid)
            batch["photo"] = batch["photo"].to(memory_format=torch.channels_last)
            journal.waited += time.monotonic() - mark
            torch.manual_seed(self.seed * 1_000_003 + self.step * chunks + number)  # patches and backdrops of the views
            rendered = view and self.step % preset.view_every == 0
            terms = self.gradients(batch, heads) if rendered else self.textures(batch)
            collected.append(terms)
        self.group.add([p.grad for p in self.model.parameters() if p.grad is not None])
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), preset.clip)
        if not torch.isfinite(norm):
            self.bad += 1
            if self.bad >= PATIENCE:
                names = sorted({n for terms in collected for n, v in terms.items() if not torch.isfinite(v)})
                raise TrainingError(f"the loss is no number any more at step {self.step} ({', '.join(names) or 'its gradient'})")
            return False
        self.optimizer.step()
        if self.judges.critic:
            self.judges.critic.learn(self.group)
        decay = min(preset.average, (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        for terms in collected:
            journal.add(terms, 1 / chunks)
        self.step, self.bad = self.step + 1, 0
        return True

    def save(self, path):
        """Settle the live state and, on the first process, write it. Raises FolderUnusable when that fails."""
        state = ck.settle(self.model, self.average, self.optimizer)
        state["critic"] = self.judges.critic.settle() if self.judges.critic else {}
        if self.group.rank:
            return
        state |= {
            "step": self.step, "seconds": self.seconds, "seed": self.seed, "opening": dataclasses.asdict(self.opening),
            "network": dataclasses.asdict(self.preset.network), "preset": dataclasses.asdict(self.preset),
            "geometry": {name: torch.from_numpy(np.array(value)) for name, value in self.geometry.items()},
        }  # fmt: skip
        ck.save_checkpoint(path, state)


def train(options):
    """Run to the end, or until a signal. Returns the exit code."""
    preset = override(PRESETS[options.preset], options.settings)
    if preset.patch > LARGEST_PATCH:
        raise TrainingError(f"patch={preset.patch} does not fit into the photo: {LARGEST_PATCH} at most")
    if options.threads:
        torch.set_num_threads(options.threads)
    group = Group(options.device)
    group.check(preset)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    if options.resident and options.fresh_heads is not None:
        raise TrainingError("--fresh-heads are rendered by workers; --resident takes heads from shards alone")
    fresh = None if options.fresh_heads is None else fresh_heads(options.fresh_heads, group.device, options.data)
    run = Run(options, preset, group)
    preset, first, start = run.preset, run.seconds, time.monotonic()

    def progress():
        run.seconds = first + time.monotonic() - start
        done = run.step * preset.batch / options.samples if options.samples else run.seconds / (60 * options.minutes)
        late = bool(options.minutes) and run.seconds >= 60 * options.minutes
        return group.agree(min(done, 1.0), late or done >= 1 or bool(caught))

    caught = []
    previous = {s: signal.signal(s, lambda number, _: caught.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    now, stop = progress()
    if stop:
        raise TrainingError(f"this run is over after {run.step} steps: give more --minutes or --samples to go on")
    batches = Batches(preset, options.heads, options.real, run.geometry, options.seed, options.workers, group.share, fresh,
                      group.device if options.resident else None, options.places)  # fmt: skip
    validation = Validation(options.validation or options.heads[0], run.geometry, group.device) if group.rank == 0 else None
    view, unsaved, path = now >= preset.view_from, None, options.out / "last.pt"
    batches.open(run.opening, run.step, view)
    options.out.mkdir(parents=True, exist_ok=True)
    journal = Journal(options.out, group, preset, run.step, now, options.quiet)

    def save():
        journal.record(run.step, now, run.rate, run.seconds)
        try:
            run.save(path)
        except FolderUnusable as error:
            print(f"step {run.step} cannot be saved: {error}. {path} stays as it was, the run goes on and tries again.", file=sys.stderr)
            return error
        return None

    try:
        while not stop:
            if not run.advance(batches, journal, now, view):
                continue
            now, stop = progress()
            if run.step % preset.save_every == 0 or (unsaved and run.step % preset.log_every == 0):
                unsaved = save()
            elif run.step % preset.log_every == 0:
                journal.record(run.step, now, run.rate, run.seconds)
            if validation and run.step % preset.picture_every == 0:
                journal.picture(run.step, *validation(run.average, preset.bfloat16))
            opening = run.opening
            if run.step % preset.reopen_every == 0:
                opening = group.first(newer(options.heads, run.opening, run.step))
            if opening != run.opening or (now >= preset.view_from) != view:
                run.opening, view = opening, now >= preset.view_from
                batches.open(run.opening, run.step, view)
            journal.tick(run.step, now)
        if unsaved or run.step % preset.save_every:  # else it has just been saved
            unsaved = save()
    except TrainingError as error:
        note = f"; the last good checkpoint is {path}" if path.exists() else "; no checkpoint was due yet"
        raise TrainingError(f"{error}{note}") from error
    finally:
        journal.close()
        batches.close()
        for number, handler in previous.items():
            signal.signal(number, handler)
        group.close()
    if unsaved:
        raise TrainingError(f"the disk is full or not writable: {path} could not be replaced: {unsaved}")
    if caught:
        print(f"stopped at step {run.step}; --resume goes on from {path}", file=sys.stderr)
    return 128 + caught[0] if caught else 0


def main(arguments=None):
    return train(parse(arguments))


if __name__ == "__main__":
    command(main)
