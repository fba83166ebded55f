"""The whole path: photo, face, crop, networks, portrait, and a report of how it went."""

import dataclasses
import functools
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import Cancelled, FaceUnusable, MatteUnusable, PortraitError
from .files import PathLike, one_line, staged, write_atomically
from .log import log
from .networks.model import Model
from .photo.matte import fitted_matte, open_matte
from .photo.open import open_with_alpha
from .photo.pixels import over_grey
from .portrait import Portrait, save_portrait
from .progress import Progress, silent
from .report import REPORT

VERSION = "0.1.0"  # of the program, as in blender_manifest.toml


@dataclasses.dataclass(frozen=True)
class Inversion:
    """portrait: :class:`Portrait`; alignment: :class:`inference.alignment.align.Alignment`; report: for report.json."""

    portrait: Portrait
    alignment: object
    report: dict


def invert_photo(
    photo: PathLike | np.ndarray,
    model: Model,
    face: int | None = None,
    crop: Sequence[float] | None = None,
    progress: Progress = silent,
    landmarks: np.ndarray | None = None,
    yaw: float | None = None,
    pitch: float | None = None,
    matte: PathLike | np.ndarray | None = None,
    like: Portrait | None = None,
    crop_to_picture: np.ndarray | None = None,
) -> Inversion:
    """Turn a photo into a portrait.

    photo: path, or (H, W, 3) uint8 sRGB, or (H, W, 4) with straight alpha.
    model: :class:`inference.networks.model.Model`.
    face: which face, 0 for the first by score times size; None takes that and warns when there are several.
    crop: (x, y, size) or (x, y, size, roll) chosen by hand instead: centre and side of the square in photo pixels,
        and roll in degrees.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    landmarks: (468, 2) photo pixels, set by hand instead of found; no face is looked for then.
    yaw, pitch: degrees within 60, where the head turns set by hand instead of found.
    matte: path, or (h, w) uint8, of a picture with the photo's proportions, white where the subject is; it decides what
        is subject, and where its edge lies. None takes the photo's alpha channel, or else the networks' own matte.
    like: a portrait whose crop, camera, pose and landmarks are taken over, in place of those above; ``photo`` is then
        what somebody made of its photo, or of its crop, see :func:`inference.editing.crop_in`.
    crop_to_picture: (2, 3) affine map of the crop's pixels to those of such a picture, where its size does not tell.
    Where the model's device fails, the CPU does it, and the report says so.
    Returns an :class:`Inversion`. Raises PortraitError.
    """
    from .alignment.doubts import device_failed

    by_hand = (face, crop, progress, landmarks, yaw, pitch, matte, like, crop_to_picture)
    try:
        return _inverted(photo, model, *by_hand)
    except (Cancelled, PortraitError):
        raise
    except Exception as error:  # onnxruntime raises many types of its own
        if model.device == "cpu":
            raise
        failed = model.device
        log.warning("%s failed (%s); the CPU takes its place", failed, " ".join(str(error).split())[:160])
        inversion = _inverted(photo, model.on_cpu(), *by_hand)
        inversion.report["warnings"].append(dataclasses.asdict(device_failed(failed)))
        return inversion


def _inverted(photo, model, face, crop, progress, landmarks, yaw, pitch, matte, like, crop_to_picture):
    """As :func:`invert_photo`, on the device of the model alone."""
    from .alignment.align import align_as_set
    from .alignment.doubts import doubts
    from .editing import align_edit, crop_in
    from .inversion.given_matte import shown_by
    from .inversion.invert import invert_crop

    timings, warnings = {}, []

    def stage(name, fraction, text, work):
        progress(fraction, text)
        start = time.perf_counter()
        result = work()
        timings[name] = round(1000.0 * (time.perf_counter() - start), 3)
        return result

    name, alpha = "", None
    if isinstance(photo, (str, os.PathLike)):
        name = one_line(Path(photo).name)
        photo, alpha = stage("open", 0.0, "opening the photo", lambda path=photo: open_with_alpha(path))
    else:
        photo, alpha = _checked_pixels(photo)
    photo = over_grey(photo, alpha)
    size = (photo.shape[1], photo.shape[0]) if like is None else tuple(like.photo_size)
    if matte is not None:
        matte = stage("open_matte", 0.02, "opening the matte", lambda given=matte: _matte_of(given, size))
    box, faces, found = None, None, None
    if crop is None and landmarks is None and like is None:
        found, faces = _choose_face(photo, model, face, stage, warnings)
        box = [round(float(value), 2) for value in found.box]
    if like is None:
        alignment = stage(
            "align", 0.10, "estimating the pose", lambda: align_as_set(photo, found, model, crop, landmarks, yaw, pitch)
        )
        crop_to_picture = alignment.crop_to_photo
    else:
        if crop_to_picture is None:
            crop_to_picture = crop_in((photo.shape[1], photo.shape[0]), like)
        alignment = stage(
            "align", 0.10, "taking over the camera", lambda: align_edit(photo, crop_to_picture, like, model)
        )
    source, matte, fine_matte = _crop_matte(matte, alpha, alignment, crop_to_picture)
    if matte is not None:
        alignment = shown_by(matte, alignment)
    warnings += doubts(alignment, found, size)
    textures, radii, detail, rim, parts = stage(
        "invert",
        0.15,
        "inverting",
        lambda: invert_crop(
            alignment,
            model,
            lambda fraction, text: progress(0.15 + 0.85 * fraction, text),
            matte,
            warnings.append,
            fine_matte,
        ),
    )
    progress(1.0, "done")

    pose = {key: round(float(getattr(alignment, key)), 3) for key in ("yaw", "pitch", "roll")}
    settings = {"face": face, "crop": None if crop is None else [float(value) for value in crop]}
    settings |= {"landmarks": landmarks is not None, "yaw": yaw, "pitch": pitch}
    if like is not None:
        settings = like.settings | {"edited": True}
    portrait = Portrait(
        textures=textures,
        radii=radii,
        camera=alignment.camera,
        crop=alignment.crop,
        crop_to_photo=np.asarray(alignment.crop_to_photo, np.float64),
        photo_size=size,
        photo_name=name if like is None else like.photo_name,
        model_id=model.id,
        model_sha256=model.sha256,
        settings=settings,
        pose=pose,
        detail=detail,
        landmarks=alignment.landmarks,
        rim=rim,
        parts=parts,
    )
    report = {
        "photo": {"name": name, "width": size[0], "height": size[1]},
        "face_box": box,
        "faces": faces,
        "face_score": None if found is None else round(found.score, 3),
        "matte": source,
        "pose": pose,
        "settings": settings,
        "timings_ms": timings | {"total": round(sum(timings.values()), 3)},
        "peak_memory_mb": peak_memory(),
        "model": {"id": model.id, "sha256": model.sha256},
        "device": model.device,
        "versions": versions(),
        "warnings": [dataclasses.asdict(warning) for warning in warnings],
    }
    log.info("%s: %s", name or "a photo", ", ".join(f"{stage} {time:.0f} ms" for stage, time in timings.items()))
    if report["peak_memory_mb"] is None:
        del report["peak_memory_mb"]
    return Inversion(portrait, alignment, report)


def save_inversion(inversion: Inversion, folder: PathLike) -> None:
    """Write crop.png, portrait.manifolds and, last, report.json into a folder: all or none. Raises PortraitError."""
    from .photo.images import save_png

    report = json.dumps(inversion.report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with staged(folder, REPORT) as stage:
        save_png(inversion.portrait.crop, stage / "crop.png")
        save_portrait(inversion.portrait, stage / "portrait.manifolds")
        write_atomically(stage / REPORT, lambda stream: stream.write(report.encode()))


def versions() -> dict[str, str]:
    """Names and versions of everything that can change a result."""
    return dict(_versions())


@functools.cache
def _versions():
    from importlib import metadata

    found = {"portrait_manifolds": VERSION, "python": platform.python_version(), "platform": platform.platform()}
    distributions = ("numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python-headless", "Pillow", "scikit-image")
    for name in (*distributions, "trimesh"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def peak_memory() -> float | None:
    """Largest resident memory of this process so far in MB, or None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def _checked_pixels(photo):
    """Pixels of a photo that came as an array, (H, W, 3), and its alpha (H, W) or None."""
    photo = np.asarray(photo)
    if photo.ndim != 3 or photo.shape[2] not in (3, 4) or photo.dtype != np.uint8:
        raise PortraitError(f"a photo must be (height, width, 3) uint8, not {photo.shape} {photo.dtype}")
    if photo.shape[2] == 3 or photo[..., 3].min() == 255:
        return np.ascontiguousarray(photo[..., :3]), None
    return np.ascontiguousarray(photo[..., :3]), np.ascontiguousarray(photo[..., 3])


def _matte_of(given, photo_size):
    """A given matte, path or (h, w) uint8, as large as the photo."""
    if isinstance(given, (str, os.PathLike)):
        return open_matte(given, photo_size)
    given = np.asarray(given)
    if given.ndim != 2 or given.dtype != np.uint8 or given.size == 0:
        raise MatteUnusable(f"a matte must be (height, width) uint8, not {given.shape} {given.dtype}")
    return fitted_matte(given, photo_size, "given")


def _crop_matte(given, alpha, alignment, crop_to_picture):
    """Where the matte comes from, for the report; and what was given, in the crop, (256, 256) in [0, 1], and in the
    detail crop, (s, s); None where the networks find it.

    given: as large as the photo. alpha: as large as the picture, in which the crop lies at crop_to_picture.
    """
    from .inversion.given_matte import crop_matte, fine_matte, is_cut_out

    if given is not None:
        return "given", crop_matte(given, alignment), fine_matte(given, alignment)
    in_picture = dataclasses.replace(alignment, crop_to_photo=crop_to_picture)
    if alpha is not None and is_cut_out(found := crop_matte(alpha, in_picture)):
        return "alpha channel", found, fine_matte(alpha, in_picture)
    return "networks", None, None


def _choose_face(photo, model, face, stage, warnings):
    from .alignment.align import find_faces
    from .alignment.doubts import several_faces

    faces = stage("find_faces", 0.03, "looking for faces", lambda: find_faces(photo, model))
    if not faces:
        raise FaceUnusable(
            "no face was found; use a photo with the face larger and seen from the front, or set the crop by hand"
        )
    if face is None:
        if len(faces) > 1:
            warnings.append(several_faces(len(faces)))
        return faces[0], len(faces)
    if not 0 <= face < len(faces):
        count = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
        raise PortraitError(f"there is no face {face}: {count} found, counted from 0 (the likeliest); choose another")
    return faces[face], len(faces)
