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
import torch.nn.functional as F
from tqdm import tqdm

from training import losses
from training import manifolds as mf
from training.examples import RealPortraits, SyntheticHeads
from training.model import GEOMETRY, PortraitModel
from training.population import levels
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


def save_checkpoint(path, state):
    """Write atomically: a killed run keeps its last good checkpoint."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def fit_landmark_levels(model, heads, count=2048, noise=1.0, ridge=30.0):
    """Start ``EncoderW.landmark_levels`` from ridge regression of the level maps on noisy landmark offsets."""
    rng = np.random.default_rng(0)
    inputs, targets = [], []
    total = int(heads.starts[-1])
    for index in rng.permutation(total)[:count]:
        which = int(np.searchsorted(heads.starts, index, side="right") - 1)
        shard, row = heads.shards[which], int(index) - int(heads.starts[which])
        landmarks = torch.tensor(np.array(shard["landmarks"][row]))[None].float()
        camera = torch.tensor(np.array(shard["camera"][row]))[None].float()
        offsets = model.landmark_offsets(landmarks, camera)[0].numpy()
        inputs.append(offsets + rng.normal(0, noise / 10.0, offsets.shape))
        level = levels(np.array(shard["skin_radius"][row]).astype(np.float32), heads.radii)
        hit = level < mf.SHEETS + 0.5
        mean = F.interpolate(model.mean_level, size=(160, 160), mode="bilinear")[0, 0].numpy()
        delta = np.where(hit, level - mean, 0)
        block = lambda x: x.reshape(20, 8, 20, 8).mean((1, 3))  # noqa: E731
        targets.append((block(delta) / np.maximum(block(hit.astype(np.float32)), 0.25)).ravel())
    x, y = np.stack(inputs), np.stack(targets)
    x_mean, y_mean = x.mean(0), y.mean(0)
    gram = (x - x_mean).T @ (x - x_mean)
    gram[np.diag_indices_from(gram)] += ridge
    solution = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
    layer = model.encoder.landmark_levels
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(solution.T))
        layer.bias.copy_(torch.tensor(y_mean - x_mean @ solution))
    rest = (y - y_mean - (x - x_mean) @ solution).std() / y.std()
    print(f"landmarks explain the level maps up to {100 * rest:.0f} % of their spread", file=sys.stderr)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument("--heads", nargs="+", type=pathlib.Path, required=True, help="folders of synthetic shards")
    parser.add_argument("--real", type=pathlib.Path, help="aligned real portraits (.npz)")
    parser.add_argument("--geometry", type=pathlib.Path, required=True, help="geometry.npz of training.population")
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
    with np.load(options.geometry, allow_pickle=False) as data:
        geometry = {name: data[name] for name in data.files}
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
