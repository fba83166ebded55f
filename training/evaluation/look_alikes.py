"""Look-alikes of photos of the world with exact truth: sitters moved, cut and spoilt in ways that are known.

A look-alike is made by one similarity from a sitter's picture to its own, and everything that is known of the sitter
travels through the same map: landmarks, box, the engine's crop and, for sitters cut out, the matte. Pixels: corners at
integers, y down.
"""

import dataclasses
import hashlib
from collections.abc import Callable

import cv2
import numpy as np

from inference.alignment.align import EYE_DISTANCE, MIN_EYE_DISTANCE
from inference.geometry.cameras import CROP_DISTANCE, CROP_SIZE, orbit_camera
from training.evaluation.places import random_place

MADE, WARNED, REFUSED = "made", "made with a warning", "refused"  # what can become of a photo
HALVES = TUNE, REPORT = "tune", "report"  # numbers are given on the half that nothing was tuned on
RIGHT_EAR, LEFT_EAR, FOREHEAD, CHIN, LIP, NOSE = 234, 454, 10, 152, 17, 1  # FaceMesh points, the person's sides
BROWS = (105, 334)
HAIR = (0.3, 0.45, 0.3, 0.06)  # room for the head left, above, right and below the landmarks, in heights of the face
SPARE = (0.05, 0.5)  # how far the frame may go beyond a sitter's picture, in its widths
TRIES = 8  # for each look-alike that is wanted
CUT = 0.05  # opacity from which on a sitter is cut off by the border of its picture
LIGHT = 0.25, (0.85, 1.2)  # a sitter takes on this power of the backdrop's colour over its own, within limits
EYES_IN_CROP = EYE_DISTANCE * orbit_camera().fx / CROP_DISTANCE / CROP_SIZE  # distance between the eyes over the crop's side
QUALITY = 95  # JPEG, where nothing else is said: as cameras write it


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """A face in a look-alike: a sitter's truth in its pixels.

    landmarks: (468, 2); box: (4,) x0, y0, x1, y1 about them; crop_to_picture: (2, 3), the aligned crop; yaw, pitch, roll:
    degrees, roll clockwise; pose_from: ``EXACT`` or ``REFERENCE`` of :mod:`training.evaluation.sitters`.
    """

    sitter: str
    landmarks: np.ndarray
    crop_to_picture: np.ndarray
    yaw: float
    pitch: float
    pose_from: str

    @property
    def box(self):
        return np.concatenate([self.landmarks.min(0), self.landmarks.max(0)])

    @property
    def roll(self):
        return float(np.degrees(np.arctan2(self.crop_to_picture[1, 0], self.crop_to_picture[0, 0])))


@dataclasses.dataclass(frozen=True, eq=False)
class LookAlike:
    """picture: (h, w, 3) uint8 sRGB. faces: the largest first. matte: (h, w) uint8 of that face's sitter, or None.

    expected: what may become of it; reason: a word in the message of a refusal. quality: of the JPEG.
    """

    kind: str
    variant: str
    picture: np.ndarray
    faces: tuple = ()
    matte: np.ndarray | None = None
    expected: tuple = (MADE, WARNED)
    reason: str | None = None
    quality: int = QUALITY

    @property
    def id(self):
        return "-".join([self.kind.replace(" ", "_"), *(face.sitter for face in self.faces), self.variant])


def half_of(name):
    """Which half an item belongs to: by the hash of its name, so that no later item moves another."""
    return HALVES[shuffled(name)[0] % 2]


def shuffled(name):
    """32 bytes that a name alone decides: to draw by, to order by."""
    return hashlib.sha256(name.encode()).digest()


def similarity(scale=1.0, degrees=0.0, about=(0.0, 0.0), to=None):
    """(2, 3) affine: scaled and turned clockwise about a point, which comes to lie at ``to`` (where it was)."""
    angle, about = np.radians(degrees), np.asarray(about, np.float64)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, (about if to is None else np.asarray(to)) - linear @ about])


def shifted(affine, offset):
    """The affine (2, 3) with its images moved by an offset (2,) pixels."""
    return np.column_stack([affine[:, :2], affine[:, 2] + offset])


def mapped(affine, points):
    """Points (n, 2) through an affine (2, 3)."""
    return np.asarray(points, np.float64) @ affine[:, :2].T + affine[:, 2]


def after(affine, first):
    """The affine (2, 3) that maps by ``first``, then by ``affine``."""
    return np.column_stack([affine[:, :2] @ first[:, :2], mapped(affine, first[:, 2][None])[0]])


def moved(image, affine, size):
    """An image (h, w[, c]) through a similarity (2, 3) into (height, width[, c]) of the same type; zeros beyond its border.

    Smoothed first where it shrinks. size: (width, height).
    """
    scale = np.sqrt(np.linalg.det(affine[:, :2]))
    if scale < 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * np.sqrt(scale**-2 - 1) + 1e-3)
    matrix = shifted(affine, affine[:, :2] @ (0.5, 0.5) - 0.5)  # OpenCV counts pixel centres
    return cv2.warpAffine(image, matrix, tuple(map(int, size)), flags=cv2.INTER_CUBIC)


def face_of(sitter, affine):
    """A sitter's truth through a similarity (2, 3)."""
    crop = after(affine, sitter.crop_to_photo)
    return Face(sitter.name, mapped(affine, sitter.landmarks), crop, sitter.yaw, sitter.pitch, sitter.pose_from)


def cut_points(cutout):
    """Points (n, 2) on the border of a cut-out (h, w, 4) where the sitter goes on beyond it."""
    height, width = cutout.shape[:2]
    alpha = cutout[..., 3] > 255 * CUT
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    borders = ((alpha[0], x, 0 * x), (alpha[-1], x, 0 * x + height), (alpha[:, 0], 0 * y, y), (alpha[:, -1], 0 * y + width, y))
    return np.concatenate([np.column_stack([a, b])[there] for there, a, b in borders])


def head_outline(landmarks):
    """Points (64, 2) on an ellipse about the whole head whose upright landmarks (468, 2) are given."""
    low, high = landmarks.min(0), landmarks.max(0)
    tall = high[1] - low[1]
    low, high = low - tall * np.array(HAIR[:2]), high + tall * np.array(HAIR[2:])
    angle = np.linspace(0.0, 2 * np.pi, 64, endpoint=False)
    return 0.5 * (low + high) + 0.5 * (high - low) * np.column_stack([np.cos(angle), np.sin(angle)])


def widest_frame(must, cuts, limit, order=(1, 0, 2, 3)):
    """The frame grown from one box towards another until it meets points: (4,) int x0, y0, x1, y1, or None.

    must: the box that has to be inside, limit: the largest; cuts: (n, 2) points that must not be inside. order: sides in
    the order they grow, 0 to 3 as in the box. None when a point lies in ``must``.
    """
    frame = np.array(must, np.float64)
    frame[:2], frame[2:] = np.maximum(frame[:2], limit[:2]), np.minimum(frame[2:], limit[2:])

    def within(axis):
        return (cuts[:, axis] > frame[axis] + 0.5) & (cuts[:, axis] < frame[axis + 2] - 0.5)

    if (within(0) & within(1)).any():
        return None
    for side in order:
        axis = side % 2
        between = cuts[within(1 - axis)][:, axis]
        if side < 2:
            frame[side] = max([limit[side], *between[between < frame[side] + 1.0]])
        else:
            frame[side] = min([limit[side], *between[between > frame[side] - 1.0]])
    low, high = np.ceil(frame[:2] - 1e-6), np.floor(frame[2:] + 1e-6)
    return np.concatenate([low, high]).astype(int)


def pasted(layers, backdrop):
    """Cut-outs over a backdrop (h, w, 3) uint8: the picture (h, w, 3) and each cut-out's matte (h, w) uint8.

    layers: pairs of cut-out (h', w', 4) uint8 and the similarity (2, 3) to the backdrop's pixels; they do not overlap.
    The cut-outs take on a little of the backdrop's colour.
    """
    picture, mattes = backdrop.astype(np.float32), []
    size = backdrop.shape[1::-1]
    for cutout, affine in layers:
        alpha = cutout[..., 3:].astype(np.float32) / 255
        layer = moved(np.dstack([cutout[..., :3] * alpha, alpha]), affine, size)  # premultiplied: nothing bleeds in
        layer /= np.maximum(layer[..., 3:], 1.0)  # cubic interpolation overshoots
        alpha = np.maximum(layer[..., 3:], 0.0)
        own = layer[..., :3].sum((0, 1)) / max(alpha.sum(), 1.0)
        gain = np.clip((backdrop.mean((0, 1)) / np.maximum(own, 1.0)) ** LIGHT[0], *LIGHT[1])
        picture = np.clip(layer[..., :3], 0.0, 255.0 * alpha) * gain + picture * (1.0 - alpha)
        mattes.append(np.round(255 * alpha[..., 0]).astype(np.uint8))
    return np.round(picture).clip(0, 255).astype(np.uint8), mattes


def in_a_place(rng, sitter, places, degrees=0.0):
    """A sitter before a place, as much of it as nothing cut off shows: picture, face and matte, or None.

    degrees: turned clockwise.
    """
    affine = similarity(1.0, degrees, sitter.landmarks.mean(0))
    height, width = sitter.cutout.shape[:2]
    around = mapped(affine, head_outline(sitter.landmarks))
    must, spare = np.concatenate([around.min(0), around.max(0)]), rng.uniform(*SPARE) * width
    outline = mapped(affine, box_corners((0, 0, width, height)))
    limit = np.concatenate([outline.min(0) - spare, outline.max(0) + (spare, 0)])
    order = (1, 0, 2, 3) if rng.random() < 0.5 else (1, 3, 0, 2)  # broad, or down to the chest
    frame = widest_frame(must, mapped(affine, cut_points(sitter.cutout)), limit, order)
    if frame is None:
        return None
    affine = shifted(affine, -frame[:2])
    picture, (matte,) = pasted([(sitter.cutout, affine)], random_place(rng, places, frame[2:] - frame[:2]))
    return picture, face_of(sitter, affine), matte


def box_corners(box):
    """The corners (4, 2) of a box."""
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)], np.float64)


def framed(sitter, frame):
    """The untouched picture of a sitter within a frame (4,) of its pixels: picture and face."""
    height, width = sitter.photo.shape[:2]
    x0, y0, x1, y1 = np.round(np.clip(frame, 0, (width, height, width, height))).astype(int)
    return sitter.photo[y0:y1, x0:x1].copy(), face_of(sitter, similarity(to=(-x0, -y0)))


def cluttered(rng, sitter, places, variant):
    """Before a real place."""
    found = in_a_place(rng, sitter, places)
    return found and LookAlike("cluttered", variant, found[0], (found[1],), found[2])


def rolled(rng, sitter, places, variant):
    """Before a real place, the camera or the head tilted by up to 60 degrees."""
    found = in_a_place(rng, sitter, places, rng.uniform(5.0, 60.0) * rng.choice((-1, 1)))
    return found and LookAlike("rolled", variant, found[0], (found[1],), found[2])


def turned_head(rng, sitter, places, variant):
    """A synthetic head, turned to a side, before a real place."""
    found = in_a_place(rng, sitter, places)
    return found and LookAlike("turned", variant, found[0], (found[1],), found[2])


def spoilt(rng, sitter, places, variant):
    """Before a real place; then a low JPEG quality, noise, or no colour."""
    found = in_a_place(rng, sitter, places)
    if found is None:
        return None
    picture, quality = found[0], QUALITY
    how = ("jpeg", "noise", "grey")[int(variant) % 3]
    if how == "jpeg":
        quality = int(rng.integers(30, 61))
    elif how == "noise":
        noisy = picture + rng.normal(0.0, rng.uniform(8.0, 25.0), picture.shape)
        picture = np.round(noisy).clip(0, 255).astype(np.uint8)
    else:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return LookAlike("spoilt", f"{how}{variant}", picture, (found[1],), found[2], quality=quality)


def tight(rng, sitter, places, variant):
    """The photo cut off: at the forehead, chin or ear, through the middle of the face, or just beside it."""
    del places
    points, (height, width) = sitter.landmarks, sitter.photo.shape[:2]
    frame = np.array([0, 0, width, height], np.float64)
    how = ("forehead", "chin", "ear", "half", "border")[int(variant) % 5]
    left = rng.random() < 0.5  # the picture's left, the person's right
    side, ear = (0, points[RIGHT_EAR, 0]) if left else (2, points[LEFT_EAR, 0])
    inwards = points[NOSE, 0] - ear
    if how == "forehead":
        frame[1] = points[FOREHEAD, 1] + rng.uniform(0.1, 0.9) * (points[list(BROWS), 1].min() - points[FOREHEAD, 1])
    elif how == "chin":
        frame[3] = points[CHIN, 1] + rng.uniform(0.1, 0.9) * (points[LIP, 1] - points[CHIN, 1])
    elif how == "ear":
        frame[side] = ear + rng.uniform(0.0, 0.2) * inwards
    elif how == "half":
        frame[side] = ear + rng.uniform(0.8, 1.2) * inwards
    else:
        frame[side] = ear - rng.uniform(0.05, 0.25) * inwards
    expected = {"half": (WARNED, REFUSED), "border": (MADE, WARNED)}.get(how, (WARNED,))
    picture, face = framed(sitter, frame)
    return LookAlike("tight", f"{how}{variant}", picture, (face,), expected=expected)


def quarter_turned(rng, sitter, places, variant):
    """The untouched photo turned by 90, 180 or 270 degrees, as phones leave pixels when the EXIF orientation is lost."""
    del rng, places
    height, width = sitter.photo.shape[:2]
    degrees = (90, 180, 270)[int(variant) % 3]
    size = (width, height) if degrees == 180 else (height, width)
    affine = similarity(1.0, degrees, (width / 2, height / 2), np.array(size) / 2)
    picture = moved(sitter.photo, affine, size)
    return LookAlike("quarter turns", f"{degrees}", picture, (face_of(sitter, affine),))


def shrunk(rng, sitter, eyes):
    """The untouched photo at so many pixels between the eyes: picture and face."""
    affine = similarity(eyes / (EYES_IN_CROP * sitter.size))
    size = np.floor(np.array(sitter.photo.shape[1::-1]) * affine[0, 0] + 1e-6)
    return moved(sitter.photo, affine, size), face_of(sitter, affine)


def small(rng, sitter, places, variant):
    """The untouched photo with just enough pixels."""
    del places
    picture, face = shrunk(rng, sitter, rng.uniform(1.1, 2.0) * MIN_EYE_DISTANCE)
    return LookAlike("small", variant, picture, (face,))


def too_small(rng, sitter, places, variant):
    """The untouched photo with too few pixels."""
    del places
    picture, face = shrunk(rng, sitter, rng.uniform(0.5, 0.8) * MIN_EYE_DISTANCE)
    return LookAlike("too small", variant, picture, (face,), expected=(REFUSED,), reason="small")


def two_people(rng, sitters, places, variant):
    """Two sitters side by side before a real place, the second one smaller by an eighth to a half."""
    large, other = sitters
    scale = rng.uniform(0.5, 0.88) * large.size / other.size
    layers, must, cuts, right = {}, [], [], 0.0
    order = ((large, 1.0), (other, scale))
    for sitter, scale in order if rng.random() < 0.5 else order[::-1]:
        affine = similarity(scale, about=(0.0, sitter.landmarks[:, 1].max()), to=(right, 0.0))  # chins at one height
        right += scale * sitter.photo.shape[1]
        layers[sitter.name] = sitter.cutout, affine
        must.append(mapped(affine, head_outline(sitter.landmarks)))
        cuts.append(mapped(affine, cut_points(sitter.cutout)))
    must = np.concatenate(must)
    must, spare = np.concatenate([must.min(0), must.max(0)]), 0.2 * right
    limit = must + (-spare, -spare, spare, right)
    frame = widest_frame(must, np.concatenate(cuts), limit, (1, 3, 0, 2))
    if frame is None:
        return None
    layers = {name: (cutout, shifted(affine, -frame[:2])) for name, (cutout, affine) in layers.items()}
    picture, mattes = pasted(layers.values(), random_place(rng, places, frame[2:] - frame[:2]))
    faces = tuple(face_of(sitter, layers[sitter.name][1]) for sitter in sitters)
    return LookAlike("two people", variant, picture, faces, mattes[list(layers).index(large.name)])


def no_face(rng, places, variant):
    """A place without anybody."""
    size = (640, 480) if rng.random() < 0.5 else (480, 640)
    return LookAlike("no face", variant, random_place(rng, places, size), expected=(REFUSED,), reason="no face")


@dataclasses.dataclass(frozen=True)
class Kind:
    """make: of the kind; count: how many; source: what its sitters must be, see :func:`make_all`; persons: in each."""

    make: Callable
    count: int
    source: str = "cut out"
    persons: int = 1


KINDS = {
    "cluttered": Kind(cluttered, 100),
    "tight": Kind(tight, 50, "photo"),
    "rolled": Kind(rolled, 40),
    "quarter turns": Kind(quarter_turned, 30, "photo"),
    "small": Kind(small, 30, "photo"),
    "too small": Kind(too_small, 10, "photo"),
    "spoilt": Kind(spoilt, 42),
    "two people": Kind(two_people, 30, persons=2),
    "turned": Kind(turned_head, 60, "synthetic"),
    "no face": Kind(no_face, 30, "nobody", persons=0),
}


def make_all(sitters, places, seed, part=1.0):
    """All look-alikes, one after the other; each depends on the seed, its kind, its number and its sitters alone.

    sitters: {"photo": list of Sitter with their untouched photos, "synthetic": list of synthetic ones}. places: as
    :func:`training.evaluation.places.open_places` returns them. part: of the counts of ``KINDS``, at least one each.
    A sitter whom a recipe cannot take, being cut off too near the head, is passed over; a kind without sitters is left
    out.
    """
    sources = dict(sitters) | {"cut out": [sitter for sitter in sitters["photo"] if sitter.cutout is not None]}
    for name, kind in KINDS.items():
        wanted = max(1, round(part * kind.count))
        if kind.persons == 0:
            for variant in range(wanted):
                yield kind.make(rng_of(seed, name, variant), places, str(variant))
            continue
        people, made = sources[kind.source], 0
        if len(people) < kind.persons:
            continue
        for variant in range(TRIES * wanted):  # some are passed over
            if made == wanted:
                break
            rng = rng_of(seed, name, variant)
            first = people[(variant + rng_of(seed, name).integers(len(people))) % len(people)]
            others = [sitter for sitter in people if sitter is not first]
            chosen = first if kind.persons == 1 else (first, others[rng.integers(len(others))])
            item = kind.make(rng, chosen, places, str(variant))
            if item is not None:
                made += 1
                yield item


def rng_of(seed, *names):
    """A random generator that depends on a seed and names alone."""
    return np.random.default_rng([seed, *shuffled("/".join(map(str, names)))])
