"""Inversion: aligned photo to the RGBA textures of all manifolds, in one forward pass of the networks.

The method is GRAMInverter's (CVPR 2023, figure 2), and :func:`invert_crop` reads like it: the photo is matted, encoded
and lifted onto the manifolds; the networks' surface is fitted to the photo's silhouette (the visual hull); what the
photo sees of it decides whose colours its columns take; sheets are placed around it and their textures decoded. The
convolutions run in ONNX Runtime; look-ups at points that are known beforehand run here, because they are many times
faster outside an exported graph. ``training/model/`` is the same computation in torch.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from ..alignment.align import Alignment
from ..alignment.doubts import Doubt, matte_doubts
from ..geometry import domes
from ..geometry.cameras import Camera
from ..geometry.curves import softmax
from ..geometry.filling import continued
from ..geometry.grids import at_texels
from ..geometry.reach import REACH, across, respread
from ..geometry.rims import Rim
from ..networks.model import Model
from ..networks.run import run_network
from ..progress import Progress, silent
from .colouring import match_colours, with_photo
from .columns import Columns
from .completion import COMPLETION, TOUCHED, complete, completion_planes
from .decoding import TEXTURE_SIZE, decode
from .detail import lift_detail
from .ears import ear_points, with_ears
from .hull import fit_surface, occupied, without_holes
from .lifting import landmark_offsets, lift
from .matting import background_texture, foreground
from .rim import lift_rim
from .segmentation import subject_matte
from .sheets import place_sheets, surface_radius
from .visibility import (
    DEEPEST,
    VISIBLE_SIZE,
    aside,
    cut_off,
    facing_camera,
    far_depth,
    grazing_weight,
    occluded_by,
    outside_photo,
    shows_elsewhere,
    usual_silhouette,
    visible_depth,
)

STAGES = ("encoding the photo", "coarse manifolds", "lifting details", "fusing", "decoding textures")


def invert_crop(
    alignment: Alignment,
    model: Model,
    progress: Progress = silent,
    matte: np.ndarray | None = None,
    doubted: Callable[[Doubt], object] = lambda doubt: None,
    fine_matte: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, Rim, np.ndarray]:
    """Invert an aligned photo.

    progress: called with (fraction, stage name) before each stage; may raise to stop.
    matte: (256, 256) float32 in [0, 1] of the subject, where it is known; else the networks find it.
    doubted: called with what makes the result doubtful.
    fine_matte: (s, s) float32 in [0, 1], a known matte as fine as the detail, or the crop; else the photo refines it.
    Returns textures (24, 320, 320, 4) uint8, sRGB colour and straight opacity of the 23 sheets and of the background
    plane; radii (23, 161, 161) float32 metres of the sheets; for an alignment with detail, else None, the detail
    map (s, s, 3) uint8 of :mod:`inference.geometry.detail_maps`; the :class:`Rim`; and the columns' parts (160, 160, 3)
    uint8, chances of skin, hair and cloth times 255.
    """
    photo, camera = np.float32(alignment.crop.transpose(2, 0, 1)) / 255.0, alignment.camera
    spread = functools.partial(respread, reach=model.reach)  # from the networks' columns to the portrait's

    progress(0.0, STAGES[0])  # E_detail's encoder: voxel, matte, pixel features, parts; E_w: the photo's latent code
    voxel, maps, part_logits = run_network(model, "detail_encoder", {"photo": photo[None]})
    if matte is None:
        matte = subject_matte(maps[0, 0], alignment.crop, alignment.landmarks, model)
        for doubt in matte_doubts(matte, alignment.landmarks):
            doubted(doubt)
    if alignment.beyond is not None:  # stretched pixels look like a tower of head; the usual one ends somewhere
        matte = np.where(alignment.beyond, matte * usual_silhouette(model.sheets, camera), matte)
    photo_parts = softmax(part_logits[0])
    offsets = landmark_offsets(alignment.landmarks, camera, model.geometry["mean_landmarks"])
    inputs = {"photo": photo[None], "landmark_offsets": offsets, "matte": matte[None, None]}
    inputs["camera"] = camera.camera_to_world[None].astype(np.float32)
    w_plus, shape = run_network(model, "encoder_w", inputs)

    progress(0.15, STAGES[1])  # efficient GRAM
    coarse = run_network(model, "efficient_gram", {"w_plus": w_plus, "shape": shape})
    coarse = dict(zip(("level", "occupancy", "colour", "sheets", "hidden"), coarse, strict=True))

    progress(0.25, STAGES[2])
    coarse_surface = spread(surface_radius(model.geometry["radii"], coarse["level"][0, 0]))
    weight = respread(grazing_weight(facing_camera(coarse_surface, camera)), REACH, model.reach)
    lifted = lift(voxel[0], photo, matte, weight, camera, _lift_points(model))

    progress(0.4, STAGES[3])  # detail manifolds, their sum with the coarse ones
    level, occupancy, colour, features, part_logits = run_network(
        model, "detail_manifolds", {"lifted": lifted} | coarse
    )

    progress(0.5, STAGES[4])
    parts, occupancy, colour = spread(softmax(part_logits[0])), spread(occupancy[0, 0]), spread(colour[0])
    ears = ear_points(offsets)
    met = functools.partial(fit_surface, matte=matte, camera=camera, beyond=alignment.beyond)
    seen = functools.partial(
        see, parts=parts, photo_parts=photo_parts, ears=ears, camera=camera, beyond=alignment.beyond
    )
    clean, backdrop = foreground(photo, matte)
    found = spread(surface_radius(model.geometry["radii"], level[0, 0]))
    columns = seen(*met(found, occupied(occupancy), parts=(parts, photo_parts)), colour)
    matched, share = match_colours(columns, clean, photo_parts, matte, camera)
    if model.has(COMPLETION):
        planes = completion_planes(columns, found, occupancy, matched, share, clean, photo_parts, matte, camera)
        radius, logits, colour = complete(planes, model)
        apart = with_ears(parts, photo_parts, ears, camera)
        columns = seen(*met(radius, occupied(logits), parts=apart, reach=TOUCHED), colour)
        matched = with_photo(columns, clean, photo_parts, matte, camera)
    columns = dataclasses.replace(columns, colour=matched)
    ends = aside(columns.parts)
    if alignment.beyond is not None:
        ends |= cut_off(columns.radius, alignment.beyond, camera)
    columns = dataclasses.replace(columns, valid=columns.valid & without_holes(columns.valid & ~ends))
    radii = place_sheets(columns.radius, columns.valid, len(features[0]))
    photo_maps = np.concatenate([clean, matte[None], maps[0, 1:]])
    textures, shown = decode(
        columns, radii, features[0], photo_maps, camera, model, lambda done: progress(0.5 + 0.5 * done, STAGES[4])
    )
    foreign = matte if alignment.beyond is None else np.maximum(matte, alignment.beyond)
    background = background_texture(alignment.crop, foreign, camera, TEXTURE_SIZE)
    detail = None
    if alignment.detail is not None:
        detail = lift_detail(alignment.detail, columns, shown, matte, photo_parts, camera)
    rim = lift_rim(alignment, matte, backdrop, columns.radius, columns.valid, fine_matte)
    progress(1.0, "done")
    parts = np.rint(255.0 * columns.parts.transpose(1, 2, 0)).astype(np.uint8)
    return np.concatenate([textures, background[None]]), radii, detail, rim, parts


def see(
    radius: np.ndarray,
    valid: np.ndarray,
    colour: np.ndarray,
    parts: np.ndarray,
    photo_parts: np.ndarray,
    ears: np.ndarray,
    camera: Camera,
    beyond: np.ndarray | None = None,
) -> Columns:
    """The columns of a surface with what the photo's camera sees of them; arguments as in :class:`Columns`, and ears
    (n, k, 3) metres of :func:`.ears.ear_points`.

    What lies where there is no photo, ``beyond`` (256, 256) bool, is as unseen as what the head itself hides.
    """
    depth = visible_depth(radius, valid, camera, VISIBLE_SIZE, far_depth(camera))
    radius = continued(radius, valid)
    facing, occlusion_depth = facing_camera(radius, camera), occluded_by(radius, depth, camera)
    occlusion_depth = occlusion_depth + shows_elsewhere(radius, facing, parts, photo_parts, ears, camera)
    if beyond is not None:
        outside = outside_photo(radius, beyond, camera)
        facing, occlusion_depth = facing * (1.0 - outside), occlusion_depth + DEEPEST * outside
    return Columns(radius, valid, facing, occlusion_depth, colour, parts)


_known_points = {}


def _lift_points(model):
    """Points (L * grid * grid, 3) float32 metres to which the photo is lifted; of the latest model they are kept."""
    if model.sha256 not in _known_points:
        grid, radii = int(model.geometry["grid"]), model.geometry["radii"]
        u, v = domes.texel_centres(grid, grid)
        u = across(u[0], model.reach, REACH)
        sheets = [domes.dome_points(u, v, at_texels(radii[int(k)], grid, grid)) for k in model.geometry["lift_sheets"]]
        _known_points.clear()
        _known_points[model.sha256] = np.reshape(sheets, (-1, 3)).astype(np.float32)
    return _known_points[model.sha256]
