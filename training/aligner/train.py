"""Train the face detector or the landmark network for a given number of minutes.

    python -m training.aligner.train landmarks --data DATA --labels train.npz --mattes MATTES --out landmarks.pt

DATA is the data pack (``portraits/train``, ``env``, ``heads/textures``); the labels come from
``training.aligner.label_photos``; ``--synthetic`` adds the shards of training.synthetic. The checkpoint holds the
moving average of the weights.
"""

import argparse
import copy
import math
import multiprocessing
import os
import pathlib
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inference.alignment.detection import face_square
from inference.alignment.pose import landmark_weights
from training.errors import command
from training.pack.folder import HELP, pack_folder

from ..synthetic.assets import AssetPack
from ..synthetic.heads import mean_landmarks
from . import data
from .networks import FaceDetector, FaceLandmarks

AVERAGE = 0.995  # decay of the moving average of the weights per step
POSE_WEIGHT = 0.2  # loss in pixels per degree


def to_tensors(batch, device):
    """The images (n, h, w, 3) uint8 as (n, 3, h, w) bfloat16 in 0..1, and the other arrays as tensors."""
    images, *rest = (torch.from_numpy(x).to(device, non_blocking=True) for x in batch)
    return [images.permute(0, 3, 1, 2).to(torch.bfloat16, memory_format=torch.channels_last).mul_(1 / 255), *rest]


def detector_loss(network, batch, device, _):
    """Focal loss on the heat map (Law and Deng, ECCV 2018) plus L1 on the box at the centres."""
    photo, target = to_tensors(batch, device)
    with torch.autocast(device, torch.bfloat16):
        output = network(photo)
    output = output.float()
    heat, weight = target[:, 0], target[:, 1]
    logit = output[:, 0]
    score = torch.sigmoid(logit).clamp(1e-4, 1 - 1e-4)
    centre = heat == 1
    focal = torch.where(
        centre, (1 - score) ** 2 * F.logsigmoid(logit), (1 - heat) ** 4 * score**2 * F.logsigmoid(-logit)
    )
    box = ((output[:, 1:] - target[:, 2:]).abs() * weight[:, None]).sum() / weight.sum().clamp(min=1) / 5
    return -focal.sum() / centre.sum().clamp(min=1) + 2.0 * box, {"box": box}


def landmark_loss(network, batch, device, pose):
    """Mean distance in pixels of the crop, error of yaw and pitch in degrees, cross-entropy of the face score."""
    crop, points, is_face, weight = to_tensors(batch, device)
    with torch.autocast(device, torch.bfloat16):
        features = network.body((crop - 0.5) * 4)
    found, score = network.decode(features.float())
    distance = ((found - points) ** 2).sum(-1).add(1e-8).sqrt().mean(1) * data.LANDMARK_SIZE
    distance = (distance * weight).sum() / weight.sum().clamp(min=1)
    angles = (torch.einsum("anc,bnc->ba", pose, found - points) * data.LANDMARK_MARGIN).abs().mean(1)
    angles = (angles * weight).sum() / weight.sum().clamp(min=1)
    face = F.binary_cross_entropy_with_logits(score, is_face)
    return distance + POSE_WEIGHT * angles + face, {"pixels": distance, "degrees": angles, "face": face}


def pose_rows(mean_landmarks):
    """(2, 468, 2): yaw and pitch in degrees per displacement of the landmarks in box sides, near the frontal view.

    The rows of the weighted least-squares solution of the pose (orthographic), so that the loss knows which
    displacements turn the head and which only move it.
    """
    model = mean_landmarks.astype(np.float64)
    side = face_square(model[:, :2])[1]
    x, y, z = ((model - model.mean(0)) / side).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    # image x right, y down; columns: yaw of the camera, its pitch, roll, scale, shift x, shift y
    jacobian = np.stack([np.stack([-z, zero, y, x, one, zero], -1), np.stack([zero, z, x, -y, zero, one], -1)], 1)
    weights = np.repeat(landmark_weights(mean_landmarks), 2)[:, None]
    flat = jacobian.reshape(-1, 6)
    solution = np.linalg.solve((flat * weights).T @ flat, (flat * weights).T)
    return np.degrees(solution[:2]).reshape(2, -1, 2).astype(np.float32)


NETWORKS = {
    "detector": (FaceDetector, detector_loss, "detector_sample"),
    "landmarks": (FaceLandmarks, landmark_loss, "landmark_sample"),
}


def _produce(composer, draw, batch_size, queue):
    while True:
        columns = zip(*(getattr(composer, draw)() for _ in range(batch_size)), strict=True)
        batch = [np.stack([np.asarray(value) for value in column]) for column in columns]
        queue.put([x if x.dtype == np.uint8 else x.astype(np.float32) for x in batch])


def train(
    name,
    sources,
    backgrounds,
    mean_landmarks,
    out,
    minutes,
    batch_size=64,
    rate=2e-3,
    real_share=0.6,
    workers=1,
    seed=0,
    start=None,
):
    """Train one network, from the checkpoint ``start`` if given, and write its checkpoint; prints the loss."""
    build, loss_of, draw = NETWORKS[name]
    torch.manual_seed(seed)
    twins = data.mirror_permutation(sources.landmarks[sources.real])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build().to(device, memory_format=torch.channels_last).train()
    if start is not None:
        network.load_state_dict(torch.load(start, weights_only=True)["state"])
    elif name == "landmarks":
        composer = data.Composer(sources, backgrounds, twins, real_share, seed)
        network.start_from(torch.from_numpy(np.array([composer.landmark_points() for _ in range(3000)])).to(device))
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    pose = torch.from_numpy(pose_rows(mean_landmarks)).to(device)
    context = multiprocessing.get_context("fork")
    queue = context.Queue(8)
    producers = [
        context.Process(
            target=_produce,
            args=(data.Composer(sources, backgrounds, twins, real_share, seed * 1000 + i), draw, batch_size, queue),
            daemon=True,
        )
        for i in range(workers)
    ]
    for producer in producers:
        producer.start()
    start, step, shown, waited = time.monotonic(), 0, {}, 0.0
    while (part := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * part)) + 1e-6
        mark = time.monotonic()
        batch = queue.get()
        waited += time.monotonic() - mark
        loss, parts = loss_of(network, batch, device, pose)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            decay = min(AVERAGE, step / (step + 10))
            for mean, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(new, 1 - decay)
                else:
                    mean.copy_(new)
        for key, value in ({"loss": loss} | parts).items():
            value = float(value.detach())
            shown[key] = 0.98 * shown.get(key, value) + 0.02 * value
        if step % 50 == 0:
            text = " ".join(f"{key} {value:.4f}" for key, value in shown.items())
            wait = waited / (time.monotonic() - start)
            print(f"{60 * minutes * part:6.0f} s step {step} {text} waiting {wait:.0%}", flush=True)
    for producer in producers:
        producer.terminate()
    temporary = f"{out}.part"
    state = {key: value.cpu() for key, value in average.state_dict().items()}
    torch.save({"network": name, "state": state, "steps": step, "sources": data.describe(sources)}, temporary)
    os.replace(temporary, out)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--data", type=pathlib.Path, help=HELP)
    parser.add_argument("--labels", required=True, help="labels of data/portraits/train, .npz")
    parser.add_argument("--mattes", required=True, help="folder of the mattes of those photos")
    parser.add_argument("--synthetic", help="folder of synthetic shards")
    parser.add_argument("--synthetic-labels", help="labels of the shards by label_photos --shards, .npz")
    parser.add_argument("--synthetic-limit", type=int, default=2000, help="how many synthetic heads to hold in memory")
    parser.add_argument("--real-share", type=float, default=0.6, help="share of real faces among the pasted ones")
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1, help="processes that compose images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", help="checkpoint to go on from")
    parser.add_argument("--out", required=True, help="checkpoint, .pt")
    arguments = parser.parse_args(arguments)
    pack = pack_folder(arguments.data)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)  # before any use: its thread pool does not survive the fork of the workers
    real = data.load_real(pack / "portraits" / "train", arguments.labels, arguments.mattes)
    backgrounds = data.build_backgrounds(pack, real, arguments.seed)
    sources = real
    if arguments.synthetic:
        synthetic = data.load_synthetic(
            arguments.synthetic, arguments.synthetic_limit, arguments.synthetic_labels, arguments.seed
        )
        sources = data.join(real, synthetic)
    print(data.describe(sources), flush=True)
    train(
        arguments.network,
        sources,
        backgrounds,
        mean_landmarks(AssetPack(pack)),
        arguments.out,
        arguments.minutes,
        batch_size=arguments.batch_size,
        real_share=arguments.real_share,
        workers=arguments.workers,
        seed=arguments.seed,
        start=arguments.start,
    )


if __name__ == "__main__":
    command(main)
