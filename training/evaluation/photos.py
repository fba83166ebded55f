"""What portraits of real photos are measured by."""

import cv2
import numpy as np
from tqdm import tqdm

from inference.errors import PortraitError
from inference.pipeline import invert_photo
from inference.view.render import render_view
from training.data.photos import crop_of, photos_in
from training.evaluation.heads import OURS
from training.evaluation.metrics import Identity, iou, psnr, ssim
from training.evaluation.views import (
    above_collar,
    measure_consistency,
    measure_identity,
    of_sheets_alone,
    over,
    views_from_the_sides,
)


def matte_of(portrait, folder, stem):
    """The photo's matte in the crop, (h, w) float32 in [0, 1]; None where there is none."""
    path = folder / f"{stem}.png" if folder else None
    if path is None or not path.exists():
        return None
    matte = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return crop_of(matte, portrait.crop_to_photo, len(portrait.crop)).astype(np.float32) / 255


def measure_photo(portrait, matte, region, identity, reference):
    """Measures of one portrait of a real photo.

    matte: (h, w) float in [0, 1] of the crop or None; region: (h, w) bool, the head; identity: :class:`Identity`;
    reference: descriptor of the photo, or None.
    """
    camera, photo = portrait.camera, portrait.crop.astype(np.float32) / 255
    view = render_view(portrait, camera)
    black = over(view, 0.0)
    row = {"made": True, "psnr": psnr(black, photo, region), "ssim": ssim(np.where(region[..., None], black, photo), photo, region)}
    if matte is not None:
        above = above_collar(camera)
        for name, seen in ("silhouette", view), ("silhouette_sheets", of_sheets_alone(portrait, camera)):
            row[name] = iou((seen.alpha > 0.5) & above, (matte > 0.5) & above)
    row |= measure_consistency(portrait, photo, view)
    if reference is not None:
        row |= measure_identity({"identity_own": view} | views_from_the_sides(portrait), reference, identity)
    return row


def evaluate_photos(model, folder, mattes=None, limit=None, peers=None, identity=None):
    """Measures per photo and method. peers: {name: maker of a Portrait from alignment and matte}.

    Returns {method: list of dicts}, one dict per photo.
    """
    identity, peers = identity or Identity(), peers or {}
    rows = {method: [] for method in (OURS, *peers)}
    for path in tqdm(photos_in(folder)[:limit], desc="portraits"):
        try:
            inversion = invert_photo(path, model)
        except PortraitError as error:
            rows[OURS].append({"name": path.stem, "made": False, "error": str(error)})
            continue
        portrait = inversion.portrait
        matte = matte_of(portrait, mattes, path.stem)
        # The head region is what the photo shows of the subject above the collar.
        solid = matte > 0.98 if matte is not None else render_view(portrait, portrait.camera).alpha > 0.95
        region, reference = above_collar(portrait.camera) & solid, identity(portrait.crop)
        made = {OURS: portrait} | {name: make(inversion.alignment, matte) for name, make in peers.items()}
        for method, result in made.items():
            rows[method].append({"name": path.stem} | measure_photo(result, matte, region, identity, reference))
    return rows
