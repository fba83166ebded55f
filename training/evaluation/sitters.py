"""Who stands in the look-alikes: real portraits cut out of plain backdrops, and synthetic heads with exact answers."""

import dataclasses
import json
import pathlib

import cv2
import numpy as np
from tqdm import tqdm

from inference.alignment.align import align, align_landmarks, find_faces
from inference.errors import PortraitError
from inference.files import make_folder, write_atomically
from inference.geometry.cameras import CROP_SIZE
from inference.photo.open import open_photo
from training.data.shards import open_shards
from training.errors import TrainingError

PLAIN = 15.0  # grey values: standard deviation of a plain backdrop; studio cloth has up to 12, flags from 45 on
SURE = 0.05  # matte of the segmentation below which a pixel is surely backdrop, one minus that from which on sitter
UNSURE = 0.02  # of the photo's width to either side of the segmentation's edge, where closed-form matting decides
FAINT = 0.05  # closed-form opacity that counts as none: what little of a backdrop it leaves would be pasted along
EXACT, REFERENCE = "exact", "reference"  # where a pose comes from; a reference is an estimate on the untouched photo


@dataclasses.dataclass(frozen=True, eq=False)
class Sitter:
    """One person in one picture, and what is known of the face.

    photo: (h, w, 3) uint8 sRGB. cutout: (h, w, 4) uint8, straight alpha, or None where the backdrop is not plain.
    landmarks: (468, 2) float64, pixels. crop_to_photo: (2, 3) float64, the aligned crop as the engine frames it.
    yaw, pitch: degrees, as in :class:`inference.alignment.align.Alignment`. pose_from: ``EXACT`` or ``REFERENCE``.
    """

    name: str
    photo: np.ndarray
    cutout: np.ndarray | None
    landmarks: np.ndarray
    crop_to_photo: np.ndarray
    yaw: float
    pitch: float
    pose_from: str

    @property
    def size(self):
        """Side of the aligned crop in pixels of the photo."""
        return CROP_SIZE * float(np.hypot(*self.crop_to_photo[:, 0]))


def is_plain(photo, matte):
    """Whether the backdrop of a photo (h, w, 3) uint8 is of one colour, well outside the matte (h, w) in [0, 1]."""
    reach = 2 * round(UNSURE * photo.shape[1]) + 1
    backdrop = photo[cv2.dilate(matte, np.ones((reach, reach))) < SURE]
    return len(backdrop) > 0 and float(backdrop.std(0).mean()) <= PLAIN


def cut_out(photo, matte):
    """The sitter alone, without a trace of the backdrop: (h, w, 4) uint8 sRGB with straight alpha.

    photo (h, w, 3) uint8; matte (h, w) in [0, 1], a segmentation. Closed-form matting (Levin et al., CVPR 2006) decides
    near its edge, multilevel foreground estimation (Germer et al., ICPR 2020) takes the backdrop out of mixed pixels.
    """
    try:
        from pymatting import estimate_alpha_cf, estimate_foreground_ml
    except ImportError:
        raise TrainingError("cutting sitters out needs pymatting: pip install pymatting") from None

    reach = max(2, round(UNSURE * photo.shape[1]))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = cv2.erode((matte > 1 - SURE).astype(np.uint8), disk)
    outside = 1 - cv2.dilate((matte > SURE).astype(np.uint8), disk)
    image = photo / 255.0
    alpha = estimate_alpha_cf(image, np.where(inside > 0, 1.0, np.where(outside > 0, 0.0, 0.5)))
    alpha = np.clip((alpha - FAINT) / (1 - 2 * FAINT), 0.0, 1.0)
    colour = estimate_foreground_ml(image, alpha)
    return np.round(255 * np.dstack([colour, alpha])).clip(0, 255).astype(np.uint8)


def photographed_sitters(paths, mattes, folder, model):
    """Sitters of real portraits with one face each; photos without a face are left out.

    paths: of photos. mattes: folder of training.aligner.label_photos. folder: keeps the cut-outs as NAME.png, and
    those it holds are taken. model: finds faces and poses, which are a reference only.
    """
    sitters, folder = [], make_folder(folder)
    for path in tqdm(paths, desc="sitters"):
        try:
            photo = open_photo(path)
            faces = find_faces(photo, model)
            alignment = align(photo, faces[0], model) if faces else None
        except PortraitError:
            alignment = None
        if alignment is None:
            continue
        cutout = kept_cutout(photo, mattes / f"{path.stem}.png", folder / f"{path.stem}.png")
        sitters.append(Sitter(path.stem, photo, cutout, faces[0].landmarks.astype(np.float64), alignment.crop_to_photo,
                              alignment.yaw, alignment.pitch, REFERENCE))  # fmt: skip
    return sitters


def kept_cutout(photo, matte_path, path):
    """The cut-out kept at a path, made first where it is missing; None where the backdrop is not plain."""
    matte = cv2.imread(str(matte_path), cv2.IMREAD_GRAYSCALE)
    if matte is None or matte.shape != photo.shape[:2]:
        raise TrainingError(f"{matte_path} is no matte of its photo's size: run training.aligner.label_photos again")
    matte = matte.astype(np.float32) / 255
    if not is_plain(photo, matte):
        return None
    if not path.exists():
        png = cv2.imencode(".png", cv2.cvtColor(cut_out(photo, matte), cv2.COLOR_RGBA2BGRA))[1].tobytes()
        write_atomically(path, lambda stream: stream.write(png))
    cutout = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if cutout is None or cutout.shape != (*photo.shape[:2], 4):
        raise TrainingError(f"{path} is no cut-out of its photo: remove it and make the set again")
    return cv2.cvtColor(cutout, cv2.COLOR_BGRA2RGBA)


def synthetic_sitters(folder, mean_landmarks):
    """Sitters of all synthetic heads of a folder of shards; their crops follow from the exact landmarks.

    mean_landmarks: (468, 3) metres, the template of the pose.
    """
    layout = json.loads((pathlib.Path(folder) / "parameters.json").read_text())
    names = [name for name, _ in layout]
    first = sum(length for _, length in layout[: names.index("true_camera")])
    sitters = []
    for shard in open_shards([pathlib.Path(folder)]):
        for index in range(len(shard)):
            cutout, landmarks = np.array(shard["photo"][index]), np.array(shard["landmarks"][index], np.float64)
            yaw, pitch = (float(x) for x in shard["parameters"][index][first : first + 2])
            photo = np.ascontiguousarray(cutout[..., :3])
            crop_to_photo = align_landmarks(photo, landmarks, mean_landmarks).crop_to_photo
            sitters.append(Sitter(f"{shard.folder.name}.{index}", photo, cutout, landmarks, crop_to_photo, yaw, pitch, EXACT))
    return sitters
