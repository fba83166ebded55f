"""Unseen synthetic heads at any size, and how close views of their portraits come to what cameras would truly see.

Features are those of the model's own E_detail on pieces of CROP_SIZE, one vector a pixel scaled to length 1; their
distance is the mean square between two pictures (as in LPIPS: Zhang et al., CVPR 2018, without its weights).
"""

import dataclasses

import cv2
import numpy as np

from inference.alignment.align import Alignment
from inference.geometry.cameras import CROP_SIZE
from inference.inversion.invert import invert_crop
from inference.portrait import Portrait
from inference.view.render import render_view
from training.evaluation.heads import BACKDROP, crop_camera
from training.evaluation.metrics import psnr
from training.evaluation.views import over

SEED = 90211, 768  # of no head that was ever trained or chosen on
GREY = 0.5  # sRGB, behind what is compared
RIM = 12  # pixels to each side of the matte's edge
BUST = 0.8  # of a view's height, below which the bust ends
STROKE = 8  # pixels, side of the windows in which gradients are averaged


@dataclasses.dataclass(frozen=True)
class FreshHead:
    """alignment: of its photo. photo and views: pairs of what a camera truly sees, (s, s, 4) float32 in [0, 1] of
    straight alpha, and that camera at its size."""

    alignment: Alignment
    photo: tuple
    views: list


def fresh_heads(count, size, geometry, data=None):
    """So many :class:`FreshHead`, drawn in size x size pixels. geometry: the model's; data: folder of the data pack."""
    from training.synthetic.generate import Studio
    from training.synthetic.renderer import Renderer

    class Large(Renderer):
        def view(self, camera, *how, **more):
            return super().view(camera.resized(size, size), *how, **more)

    studio = Studio(data, Large)
    for number in range(count):
        yield _head(studio.make((*SEED, number)), size, geometry)


def _head(row, size, geometry):
    pictures = [row["photo"], *row["views"]]
    cameras = [crop_camera(pose) for pose in (row["camera"], *row["view_cameras"])]
    camera, mean, bias = cameras[0], geometry["mean_landmarks"], geometry["landmark_bias"]
    landmarks = row["landmarks"] + camera.project(mean)[0] - camera.project(mean - bias)[0]
    photo, *views = (
        (picture.astype(np.float32) / 255, camera.resized(size, size))
        for picture, camera in zip(pictures, cameras, strict=True)
    )
    detail = np.rint(255 * _before(photo[0], np.float32(BACKDROP))).astype(np.uint8)
    crop = cv2.resize(detail, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    affine = np.column_stack([np.eye(2) * (size / CROP_SIZE), np.zeros(2)])
    alignment = Alignment(crop, affine, camera, landmarks.astype(np.float32), 0.0, 0.0, 0.0, detail=detail)
    return FreshHead(alignment, photo, views)


def portrait_of(head, model):
    textures, radii, detail, rim, _ = invert_crop(head.alignment, model)
    size, one = len(head.photo[0]), head.alignment
    return Portrait(
        textures, radii, one.camera, one.crop, one.crop_to_photo, (size, size), detail=detail, rim=rim
    )  # fmt: skip


def measure_head(portrait, head, features, threads):
    """What a portrait of a :class:`FreshHead` is measured by. features: of pictures, as of :func:`features_by`."""
    truth, camera = head.photo
    own = render_view(portrait, camera, threads=threads)
    row = {"rim before grey": psnr(over(own, GREY), _before(truth, GREY), rim_band(truth[..., 3]))}
    novel = [_novel(render_view(portrait, camera, threads=threads), truth, features) for truth, camera in head.views]
    return row | {f"novel view, {name}": float(np.mean([one[name] for one in novel])) for name in novel[0]}


def rim_band(matte):
    """Pixels (s, s) bool within RIM of the edge of a matte (s, s), above the bust's end."""
    inside = (matte > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1,) * 2)
    band = cv2.dilate(inside, disc) > cv2.erode(inside, disc)
    band[int(BUST * len(band)) :] = False
    return band


def _novel(view, truth, features):
    where = (view.alpha > 0.98) & (truth[..., 3] > 0.98)
    where[int(BUST * len(where)) :] = False
    pictures = over(view, GREY), _before(truth, GREY)
    apart = np.square(np.subtract(*(features(picture) for picture in pictures))).sum(0)
    gradients = [_gradients(picture) for picture in pictures]
    strengths = [cv2.blur(np.sqrt(np.square(one).sum(-1, keepdims=True)), (STROKE, STROKE)) for one in gradients]
    return {
        "features": float(apart[where].mean()),
        "gradients": psnr(*gradients, where),
        "gradients' strength": psnr(*(one[..., None] for one in strengths), where),
        "colour": psnr(*pictures, where),
    }


def features_by(model):
    """A function from pictures (s, s, 3) float32, s a multiple of CROP_SIZE, to features (C, s, s) of length 1."""
    session = model.session("detail_encoder")

    def features(picture):
        found, pieces = None, range(0, len(picture), CROP_SIZE)
        for top in pieces:
            for left in pieces:
                part = slice(top, top + CROP_SIZE), slice(left, left + CROP_SIZE)
                photo = np.ascontiguousarray(picture[part].transpose(2, 0, 1)[None], np.float32)
                maps = session.run(None, {"photo": photo})[1][0, 1:]  # without the matte
                found = np.empty((len(maps), *picture.shape[:2]), np.float32) if found is None else found
                found[(slice(None), *part)] = maps
        return found / np.sqrt(np.square(found).sum(0, keepdims=True) + 1e-8)

    return features


def _before(rgba, backdrop):
    return rgba[..., :3] * rgba[..., 3:] + backdrop * (1.0 - rgba[..., 3:])


def _gradients(picture):
    """Forward differences (s, s, 6) of a picture (s, s, 3)."""
    across = np.diff(picture, axis=1, append=picture[:, -1:])
    return np.concatenate([across, np.diff(picture, axis=0, append=picture[-1:])], -1)
