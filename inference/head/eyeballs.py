"""The eyeballs: patches of quads round the iris, with its place, size and colour from the photo."""

import dataclasses

import cv2
import numpy as np

from ..geometry.curves import smooth_step
from ..geometry.similarity import similarity
from ..mesh.textured import TexturedMesh
from ..portrait import Portrait
from .apertures import outlines
from .base import HeadBase
from .eyes import EYES, eyeball
from .texture import Photo

SIDE = 16  # quads along a side of a ball's patch
REACH = np.deg2rad(130.0)  # how far from the middle of the iris the patch goes; behind, nobody looks
SHY = 0.0004  # metres by which the ball is smaller than what lids clear: between two keys they move on straight lines
IRIS = 0.0059  # metres, an adult's iris, 11.8 mm across, all but the same for all people; eyes are 63 mm apart here
SIZES = np.linspace(0.88, 1.12, 7)  # of it, that are tried
PUPIL = 0.42  # of the iris, in a room
BULGE = 0.0005  # metres that the cornea stands out in the middle
TEXTURE = 512  # pixels of one eye's picture; the two stand side by side
SCLERA = np.array([226.0, 218.0, 212.0])  # sRGB, where the photo shows none
GREY = 0.5, 0.4, 0.1  # of red, green and blue: red tells irises from skin and white
RIM = 0.0005  # metres beyond the opening that the photo is taken, too: lashes and shadow where the lids end
GAZE = np.deg2rad(35.0)  # as far as eyes turn


@dataclasses.dataclass(frozen=True, eq=False)
class Eyeball:
    """centre (3,), radius: metres, portrait space. axis (3,): unit, through the middle of the iris. iris: its radius,
    metres. colour, sclera (3,): sRGB, 0 to 255."""

    centre: np.ndarray
    radius: float
    axis: np.ndarray
    iris: float
    colour: np.ndarray
    sclera: np.ndarray


def eyes(portrait: Portrait, photo: Photo, base: HeadBase, vertices: np.ndarray, turn: np.ndarray) -> TexturedMesh:
    """Both eyeballs as one piece. vertices: (n, 3) the fitted base without its expression, metres; turn (3, 3):
    takes the base's shapes to portrait space. The keys are the base's that turn eyes."""
    found, _ = outlines(portrait, photo.camera.width)
    points, pictures = [], []
    keys = {name: [] for name, delta in base.shapes.items() if any(delta[base.parts[eye]].any() for eye in EYES)}
    for number, name in enumerate(EYES):
        there = base.parts[name]
        outline = found[1 - number] if found else None  # openings come with the sitter's right one first
        ball = _ball(photo, *eyeball(vertices, base, name), outline)
        own = _patch(ball)
        points.append(own)
        pictures.append(_picture(ball, photo, outline))
        for key, moved in keys.items():
            delta = base.shapes[key][there] @ turn.T
            if not delta.any():
                moved.append(np.zeros_like(own))
                continue
            _, rotation, _ = similarity(vertices[there], vertices[there] + delta)
            moved.append((own - ball.centre) @ (rotation - np.eye(3)).T)  # eyes turn, and stay where they are
    grid, faces = _grid()
    uv = 0.5 + 0.5 * _disc(grid)
    uv = np.concatenate([uv * (0.5, 1.0), uv * (0.5, 1.0) + (0.5, 0.0)])
    ones = np.ones(len(grid), np.float32)
    return TexturedMesh(
        vertices=np.concatenate(points).astype(np.float32),
        faces=np.concatenate([faces, faces + len(grid)]).astype(np.int32),
        uv=uv.astype(np.float32),
        texture=np.concatenate(pictures, 1),
        groups={EYES[0]: np.concatenate([ones, 0 * ones]), EYES[1]: np.concatenate([0 * ones, ones])},
        shape_keys={key: np.concatenate(moved).astype(np.float32) for key, moved in keys.items()},
        name="eyes",
    )


def _grid():
    """Points (n, 2) in [-1, 1] of a square's grid, and its quads, counter-clockwise."""
    line = np.linspace(-1.0, 1.0, SIDE + 1)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    first = (np.arange(SIDE)[:, None] * (SIDE + 1) + np.arange(SIDE)).ravel()
    return grid, np.stack([first, first + 1, first + SIDE + 2, first + SIDE + 1], -1)


def _disc(square):
    """A square's points on the unit disc; squares round the middle become circles (Shirley and Chiu, 1997)."""
    x, y = square.T
    wide = np.abs(x) >= np.abs(y)
    radius = np.where(wide, x, y)
    safe = np.where(radius == 0.0, 1.0, radius)
    angle = np.where(wide, np.pi / 4 * y / safe, np.pi / 2 - np.pi / 4 * x / safe)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _frame(axis):
    """Rows right, up, forward of an eye that looks along an axis."""
    right = np.cross((0.0, 1.0, 0.0), axis)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(axis, right), axis])


def _patch(ball):
    """The points (n, 3) of a ball; the distance from the middle of the disc is the angle from the axis."""
    disc = _disc(_grid()[0])
    away = np.linalg.norm(disc, axis=1)
    angle = REACH * away
    flat = disc / np.maximum(away, 1e-9)[:, None]
    local = np.column_stack([flat * np.sin(angle)[:, None], np.cos(angle)])
    edge = np.arcsin(min(ball.iris / ball.radius, 0.9))
    height = ball.radius - SHY + BULGE * np.clip(1.0 - (angle / edge) ** 2, 0.0, 1.0)
    return ball.centre + height[:, None] * local @ _frame(ball.axis)


def _ball(photo, centre, radius, outline):
    towards = photo.camera.position - centre
    ahead = np.array([0.0, 0.0, 1.0])
    nothing = Eyeball(centre, radius, ahead, IRIS, np.array([96.0, 70.0, 52.0]), SCLERA)
    if outline is None:
        return nothing
    seen = np.zeros(photo.depth.shape, np.uint8)
    cv2.fillPoly(seen, [np.rint(outline * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    pixel = photo.camera.pixels_per_unit()[0] / np.linalg.norm(towards)  # pixels per metre
    if seen.sum() < 30:
        return nothing
    grey = photo.pixels[..., :3].astype(np.float32) @ np.float32(GREY)
    place, size = _find_iris(cv2.GaussianBlur(grey, (0, 0), 0.06 * IRIS * pixel + 0.5), seen, outline, IRIS * pixel)
    (row,), (direction,) = photo.camera.rays(place[:1], place[1:])
    # where the line of sight meets the ball, or comes closest to it
    along = direction @ (centre - row)
    off = np.linalg.norm(row + along * direction - centre)
    hit = row + (along - np.sqrt(max(radius**2 - off**2, 0.0))) * direction
    axis = (hit - centre) / np.linalg.norm(hit - centre)
    lean = np.arccos(np.clip(axis @ ahead, -1.0, 1.0))
    if lean > GAZE:
        axis = ahead + np.tan(GAZE) * (axis - (axis @ ahead) * ahead) / np.linalg.norm(axis - (axis @ ahead) * ahead)
        axis /= np.linalg.norm(axis)
    y, x = np.nonzero(seen)
    away = np.hypot(x + 0.5 - place[0], y + 0.5 - place[1]) / size
    colours = photo.pixels[y, x, :3].astype(np.float64)
    ring, white = colours[(away > 0.5) & (away < 0.9)], colours[away > 1.15]
    colour = np.median(ring, 0) if len(ring) > 8 else nothing.colour
    sclera = np.percentile(white, 75, axis=0) if len(white) > 8 else SCLERA
    return Eyeball(centre, radius, axis, size / pixel, colour, 0.5 * (sclera + SCLERA))


def _find_iris(grey, seen, outline, expected):
    """Centre (2,) and radius of the iris, pixels: the circle across which it grows brightest outwards (Daugman, IEEE
    PAMI 15, 1993), within what the lids leave free."""
    low, high = outline.min(0), outline.max(0)
    middle = 0.5 * (low + high)
    angle = np.concatenate([np.linspace(-0.9, 0.9, 13), np.pi + np.linspace(-0.9, 0.9, 13)])  # not where lids are
    ring = np.stack([np.cos(angle), np.sin(angle)], -1)
    best, found = -np.inf, (middle, expected)
    for radius in SIZES * expected:
        reach_x = np.arange(low[0] + 0.5 * radius, high[0] - 0.5 * radius, max(1.0, 0.08 * expected))
        reach_y = middle[1] + np.linspace(-0.35, 0.35, 8) * expected
        centres = np.stack(np.meshgrid(reach_x, reach_y), -1).reshape(-1, 2)
        if not len(centres):
            continue
        score = np.zeros(len(centres))
        counted = np.zeros(len(centres))
        for share, sign in ((1.12, 1.0), (0.88, -1.0)):
            place = centres[:, None] + share * radius * ring
            x, y = np.moveaxis(np.clip(place, 0, np.array(grey.shape[::-1]) - 1).astype(int), -1, 0)
            free = seen[y, x] > 0
            score += sign * (grey[y, x] * free).sum(1) / np.maximum(free.sum(1), 1)
            counted += free.sum(1)
        inside = np.clip(centres, 0, np.array(grey.shape[::-1]) - 1).astype(int)
        score -= 0.5 * grey[inside[:, 1], inside[:, 0]]  # the pupil is the darkest
        score -= 12.0 * np.abs(centres[:, 1] - middle[1]) / expected
        score[counted < 16] = -np.inf
        if score.max() > best:
            best, found = score.max(), (centres[score.argmax()], radius)
    return found


def _fibres(turn, rho):
    """How bright an iris is, about -1 to 1, at angles and distances from its middle, (h, w) each: waves round it, which
    wind as they go outwards."""
    rng = np.random.default_rng(7)
    waves, phases = rng.integers(9, 90, 24), rng.uniform(0.0, 6.3, 24)
    round_it = np.linspace(-np.pi, np.pi, 4096)
    total = (np.exp(1j * (np.outer(round_it, waves) + phases)) / np.sqrt(waves)).sum(1) / 6.0
    return np.interp(turn, round_it, total.real) * np.cos(2.0 * rho) - np.interp(turn, round_it, total.imag) * np.sin(
        2.0 * rho
    )


def _picture(ball, photo, outline):
    """One eye's texture (TEXTURE, TEXTURE, 3) uint8: drawn, and the photo where it shows the eye."""
    line = (np.arange(TEXTURE) + 0.5) / TEXTURE * 2.0 - 1.0
    x, y = np.meshgrid(line, -line)
    away = np.hypot(x, y)
    angle = REACH * away
    edge = np.arcsin(min(ball.iris / ball.radius, 0.9))
    rho = np.sin(np.minimum(angle, np.pi / 2)) / np.sin(edge)  # 1 at the iris's edge
    turn = np.arctan2(y, x)
    iris = ball.colour * (1.0 + 0.22 * _fibres(turn, rho) * smooth_step(0.35, 0.6, rho))[..., None]
    iris = iris * (1.0 - 0.55 * smooth_step(0.82, 1.0, rho))[..., None]  # the dark limbus
    iris = iris * (0.12 + 0.88 * smooth_step(PUPIL - 0.05, PUPIL + 0.05, rho))[..., None]
    red = smooth_step(edge, 1.4, angle)[..., None] * np.array([0.0, 22.0, 24.0])
    white = ball.sclera - red
    picture = white + (1.0 - smooth_step(0.94, 1.06, rho))[..., None] * (iris - white)
    if outline is not None:
        flat = np.stack([x, y], -1) / np.maximum(away, 1e-9)[..., None]
        local = np.concatenate([flat * np.sin(angle)[..., None], np.cos(angle)[..., None]], -1)
        points = ball.centre + ball.radius * local @ _frame(ball.axis)
        place, _ = photo.camera.project(points)
        towards = photo.camera.position - ball.centre
        facing = local @ _frame(ball.axis) @ (towards / np.linalg.norm(towards))
        inside = np.zeros(photo.depth.shape, np.uint8)
        cv2.fillPoly(inside, [np.rint(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        pixel = photo.camera.pixels_per_unit()[0] / np.linalg.norm(towards)
        reach = 2 * max(1, round(RIM * pixel)) + 1
        inside = cv2.dilate(inside, np.ones((reach, reach), np.uint8))
        inside = cv2.GaussianBlur(inside.astype(np.float32) / 255, (0, 0), max(0.6, 0.0004 * pixel))
        maps = (place - 0.5).astype(np.float32)
        share = cv2.remap(inside, maps, None, cv2.INTER_LINEAR) * smooth_step(0.2, 0.5, facing)
        shown = cv2.remap(photo.pixels, maps, None, cv2.INTER_CUBIC, None, cv2.BORDER_REPLICATE)[..., :3]
        picture = picture + share[..., None] * (shown - picture)
    return np.rint(np.clip(picture, 0.0, 255.0)).astype(np.uint8)
