"""Contact sheets of a shard: ``python -m training.synthetic.sheet SHARD --out sheet.png``."""

import argparse
import dataclasses
import pathlib

import cv2
import numpy as np
from PIL import Image

from inference.geometry import domes
from inference.geometry.cameras import orbit_camera
from training.errors import TrainingError, command

BACKGROUND = (92, 112, 150)  # sRGB


def over_background(rgba):
    """Straight-alpha (..., 4) uint8 over a plain blue: (..., 3) uint8."""
    alpha = rgba[..., 3:] / 255.0
    return (rgba[..., :3] * alpha + np.array(BACKGROUND) * (1.0 - alpha)).astype(np.uint8)


def reprojected_dome(radius, rgba, camera_to_world):
    """The dome's texels splatted through the estimated camera, (256, 256, 3) uint8; it must line up with the photo."""
    u, v = domes.texel_centres(*radius.shape)
    hit = radius > 0
    points = domes.dome_points(u[hit], v[hit], radius[hit].astype(np.float64))
    camera = dataclasses.replace(orbit_camera(), camera_to_world=camera_to_world.astype(np.float64))
    pixels, depth = camera.project(points)
    out = np.zeros((camera.height, camera.width, 3), np.uint8)
    x, y = np.floor(pixels).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height)
    order = np.argsort(-depth[inside])
    out[y[inside][order], x[inside][order]] = rgba[hit][inside][order][:, :3]
    return out


def head_row(shard, index):
    """One head: photo with landmarks, two views, the dome seen by the camera, dome, inner dome. (256, 1536, 3) uint8."""
    photo = np.ascontiguousarray(over_background(shard["photo"][index]))
    for x, y in shard["landmarks"][index]:
        cv2.circle(photo, (int(x), int(y)), 0, (0, 255, 0), -1)
    enlarge = {"dsize": (256, 256), "interpolation": cv2.INTER_NEAREST}
    return np.concatenate(
        [over_background(shard["photo"][index]), photo, *over_background(shard["views"][index]),
         reprojected_dome(shard["dome_radius"][index], shard["dome_rgba"][index], shard["camera"][index]),
         cv2.resize(over_background(shard["dome_rgba"][index]), **enlarge),
         cv2.resize(shard["skin_rgb"][index], **enlarge)], 1,
    )  # fmt: skip


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shard", type=pathlib.Path, help="folder of one shard")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("sheet.png"), help="picture to write")
    parser.add_argument("--heads", type=int, default=8, help="heads to show")
    parser.add_argument("--photos", action="store_true", help="only the photos, eight in a row")
    args = parser.parse_args(arguments)
    shard = {p.stem: np.load(p, mmap_mode="r", allow_pickle=False) for p in args.shard.glob("*.npy")}
    if "photo" not in shard:
        raise TrainingError(f"{args.shard} is no shard: give one of the folders that training.synthetic.generate wrote")
    count = min(args.heads, len(shard["photo"]))
    if args.photos:
        tiles = [over_background(shard["photo"][i]) for i in range(count)]
        tiles += [np.zeros_like(tiles[0])] * (-count % 8)
        sheet = np.concatenate([np.concatenate(tiles[i : i + 8], 1) for i in range(0, len(tiles), 8)])
    else:
        sheet = np.concatenate([head_row(shard, i) for i in range(count)])
    Image.fromarray(sheet).save(args.out)
    print(f"{count} heads of {args.shard} drawn into {args.out}")


if __name__ == "__main__":
    command(main)
