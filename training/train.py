"""Train the portrait model: ``python -m training.train --preset cpu --minutes 60 --out runs/first ...``.

Two kinds of supervision, see docs/training.md: texture space (exact level, occupancy and colour of every texel of the
synthetic heads, no ray casting) from the start, and view space (patches of the photo's own view and of novel views,
real portraits too) from ``--view-from`` on.
"""

import argparse
import copy
import dataclasses
import json
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch
from tqdm import tqdm

from training.examples import RealPortraits, SyntheticHeads
from training.from_onnx import read_geometry, start_from
from training.landmark_levels import fit_landmark_levels
from training.model import GEOMETRY, PortraitModel
from training.objective import texture_losses, view_losses
from training.presets import PRESETS

REOPEN = 420.0  # seconds after which the folders are looked at again, for shards made meanwhile


def build_loader(options, preset, geometry, view, seed):
    """Endless batches: synthetic heads with a share of real portraits."""
    real = RealPortraits(options.real, geometry, seed) if options.real else None
    backgrounds = real.backdrops() if real else ()
    heads = SyntheticHeads(options.heads, geometry, seed, backgrounds, view)
    count = round(preset.batch * preset.real_share) if real else 0
    loaders = [torch.utils.data.DataLoader(heads, preset.batch - count, shuffle=True, drop_last=True,
                                           num_workers=options.workers, persistent_workers=options.workers > 0)]  # fmt: skip
    if count:
        loaders.append(torch.utils.data.DataLoader(real, count, shuffle=True, drop_last=True))

    def endless(loader):
        while True:
            yield from loader

    for parts in zip(*map(endless, loaders)):
        names = parts[0].keys()
        yield {n: torch.cat([p[n] for p in parts]) if len(parts) > 1 else parts[0][n] for n in names}


def save_checkpoint(path, state):
    """Write atomically: a killed run keeps its last good checkpoint."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--heads", nargs="+", type=pathlib.Path, required=True, help="folders of synthetic shards")
    parser.add_argument("--real", type=pathlib.Path, help="aligned real portraits (.npz)")
    parser.add_argument("--geometry", type=pathlib.Path, help="geometry.npz of training.population; that of --start by default")
    parser.add_argument("--start", type=pathlib.Path, help="folder of an exported model whose weights to start from")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--view-from", type=float, default=0.5, help="share of the run after which views are rendered")
    parser.add_argument("--resume", type=pathlib.Path, help="checkpoint to go on from")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float)
    options = parser.parse_args(arguments)
    preset = PRESETS[options.preset]
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    if options.geometry:
        with np.load(options.geometry, allow_pickle=False) as data:
            geometry = {name: data[name] for name in data.files}
    elif options.start:
        geometry = read_geometry(options.start)
    else:
        parser.error("give --geometry, or --start with the folder of an exported model")
    options.out.mkdir(parents=True, exist_ok=True)
    model = PortraitModel(*(geometry[name] for name in GEOMETRY), preset.network)
    rate = options.learning_rate or preset.learning_rate
    step, spent = 0, 0.0
    heads = None
    if options.resume:
        state = torch.load(options.resume, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        average = copy.deepcopy(model)
        average.load_state_dict(state["average"])
    elif options.start:
        fresh = start_from(model, options.start)
        print(f"weights of {options.start}; new here: {', '.join(fresh) or 'nothing'}", file=sys.stderr)
        average = copy.deepcopy(model)
    else:
        heads = SyntheticHeads(options.heads, geometry)
        fit_landmark_levels(model, heads)
        average = copy.deepcopy(model)
    model.to(options.device)
    average.to(options.device).requires_grad_(False)
    for name in ("encoder", "generator", "detail_encoder", "detail"):
        getattr(model, name).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.99))
    if options.resume and "optimizer" in state:
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    start, view, loader, opened = time.monotonic(), False, None, 0.0
    total, waited, log = options.minutes * 60.0, 0.0, open(options.out / "curve.jsonl", "a")
    bar = tqdm(total=round(total), unit="s", mininterval=20, bar_format="{l_bar}{bar:20}| {n}/{total}s {postfix}")
    sums, times, counts, last_save = {}, {}, 0, time.monotonic()
    first_step, bad = step, 0
    while True:
        spent = time.monotonic() - start
        if spent >= total:
            break
        wanted_view = spent >= options.view_from * total
        if loader is None or wanted_view != view or time.monotonic() - opened > REOPEN:
            view, opened = wanted_view, time.monotonic()
            loader = build_loader(options, preset, geometry, view or bool(options.real), options.seed + step + 1)
        progress = spent / total
        warm = min(1.0, (step - first_step + 1) / 200)
        for group in optimizer.param_groups:
            group["lr"] = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        mark = time.monotonic()
        batch = {k: v.to(options.device, non_blocking=True) for k, v in next(loader).items()}
        batch["photo"] = batch["photo"].to(memory_format=torch.channels_last)
        waited += time.monotonic() - mark
        with torch.autocast(options.device, dtype=torch.bfloat16, enabled=preset.bfloat16):
            output = model(batch["photo"], batch["landmarks"], batch["camera"])
        terms = texture_losses(output, batch, preset.weights)
        if view and step % preset.view_every == 0:
            terms |= view_losses(model, output, batch, preset.weights, preset.patch)
        loss = sum(terms.values())
        if not torch.isfinite(loss):
            bad += 1
            if bad > 20:
                raise SystemExit(f"the loss is not finite; the last good checkpoint is {options.out / 'last.pt'}")
            optimizer.zero_grad(set_to_none=True)
            continue
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.996, (step - first_step + 1) / (step - first_step + 20))
        with torch.no_grad():
            for ours, theirs in zip(average.parameters(), model.parameters()):
                ours.lerp_(theirs, 1 - decay)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
            times[name] = times.get(name, 0) + 1
        counts += 1
        bar.n = round(min(time.monotonic() - start, total))
        if counts == 50 or time.monotonic() - last_save > 240:
            means = {name: round(value / times[name], 4) for name, value in sums.items()}
            speed = (step - first_step) * preset.batch / (time.monotonic() - start)
            record = {"step": step, "seconds": round(spent), "samples_per_second": round(speed, 2),
                      "wait": round(waited / (time.monotonic() - start), 3), **means}  # fmt: skip
            print(json.dumps(record), file=log, flush=True)
            bar.set_postfix_str(f"{speed:.1f}/s loss {sum(means.values()):.3f}")
            sums, times, counts = {}, {}, 0
        if time.monotonic() - last_save > 240:
            last_save = time.monotonic()
            save(options, model, average, optimizer, step, preset)
    save(options, model, average, optimizer, step, preset)
    bar.close()


def save(options, model, average, optimizer, step, preset):
    state = {"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
             "step": step, "network": dataclasses.asdict(preset.network)}  # fmt: skip
    save_checkpoint(options.out / "last.pt", state)


if __name__ == "__main__":
    main()
