"""Head pose from landmarks: the camera under which a mean head's landmarks fall on the seen ones."""

import dataclasses

import numpy as np

from ..geometry.cameras import Camera, orbit_angles, orbit_camera
from ..geometry.curves import linear_step

NOSE_Y = -0.025  # metres, portrait space; below the nose the jaw and the lips move with the expression
SIDE_X = 0.055  # metres; further out the points slide along the outline of the head
SOFT = 0.015  # metres over which trust falls beyond either
START_YAWS = (0.0, -40.0, 40.0)  # degrees; the fit is started from each and the best result wins
ROBUST_SCALE = 4.0  # pixels; residuals beyond this count less (Geman-McClure weights)
STEPS = 12


def landmark_weights(model_points: np.ndarray) -> np.ndarray:
    """Trust in each landmark for the pose.

    model_points: (L, 3) float, metres, portrait space. Returns (L,) in (0, 1]: 1 for points that move rigidly
    with the skull, less for jaw and lips and for the sides of the face.
    """
    below = linear_step(NOSE_Y, NOSE_Y - SOFT, model_points[:, 1])
    aside = linear_step(SIDE_X, SIDE_X + SOFT, np.abs(model_points[:, 0]))
    return (1.0 - 0.8 * below) * (1.0 - 0.7 * aside)


def _rotation(vector):
    angle = np.linalg.norm(vector)
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def _residuals(landmarks, local, camera):
    """Reprojection errors (L, 2) in pixels and their Jacobian (L, 2, 6) by a turn and a shift of ``local``."""
    x, y, depth = local[:, 0], local[:, 1], np.maximum(-local[:, 2], 1e-3)
    error = np.stack([camera.cx + camera.fx * x / depth, camera.cy - camera.fy * y / depth], -1) - landmarks
    by_point = np.zeros((len(local), 2, 3))
    by_point[:, 0, 0] = camera.fx / depth
    by_point[:, 0, 2] = camera.fx * x / depth**2
    by_point[:, 1, 1] = -camera.fy / depth
    by_point[:, 1, 2] = -camera.fy * y / depth**2
    centred = local - local.mean(0)
    by_turn = _cross(centred.T[:, :, None], np.moveaxis(by_point, -1, 0))  # d(w x p) = w . (p x g) for a gradient g
    return error, np.concatenate([by_turn, by_point], -1)


def _cross(first, second):
    """Cross products (..., 3) of planes (3, ...); np.cross takes several times longer."""
    (a, b, c), (x, y, z) = first, second
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x], -1)


def _fit(landmarks, model_points, weights, camera, rotation, translation, turns=True):
    """Levenberg-Marquardt from one start; with ``turns`` False the rotation stays.

    Returns cost, rotation (3, 3), translation (3,) of world to camera.
    """
    damping, best, free = 1e-3, None, slice(0 if turns else 3, 6)
    for _ in range(4 * STEPS):
        local = model_points @ rotation.T + translation
        error, jacobian = _residuals(landmarks, local, camera)
        square = (error**2).sum(-1)
        cost = (weights * square / (square + ROBUST_SCALE**2)).sum()
        if best is None or cost < best[0]:
            converged = best is not None and best[0] - cost < 1e-12 * best[0]
            best, damping = (cost, rotation, translation), damping * 0.3
            if converged:
                break
            trust = (weights * (ROBUST_SCALE**2 / (square + ROBUST_SCALE**2)) ** 2)[:, None]
            flat, flat_trust = jacobian.reshape(-1, 6)[:, free], np.repeat(trust, 2, 0)
            normal, gradient = (flat * flat_trust).T @ flat, (flat * flat_trust).T @ error.ravel()
        else:
            damping *= 5.0
            if damping > 1e8:
                break
        step = np.zeros(6)
        damped = normal + damping * np.diag(np.diag(normal)) + 1e-9 * np.eye(len(normal))
        step[free] = -np.linalg.solve(damped, gradient)
        turn, centre = _rotation(step[:3]), (model_points @ best[1].T + best[2]).mean(0)
        rotation = turn @ best[1]
        translation = turn @ (best[2] - centre) + centre + step[3:]
    return best


def _held(rotation, yaw, pitch):
    """A rotation (3, 3) world to camera with the yaw and pitch given, or its own for None; its roll stays."""
    own = orbit_angles(rotation.T)
    upright, wanted = (
        orbit_camera(*angles).camera_to_world[:3, :3].T
        for angles in (own, (own[0] if yaw is None else yaw, own[1] if pitch is None else pitch))
    )
    return rotation @ upright.T @ wanted


def solve_pose(
    landmarks: np.ndarray,
    model_points: np.ndarray,
    camera: Camera | None = None,
    yaw: float | None = None,
    pitch: float | None = None,
) -> Camera:
    """Fit the pose of a camera with known intrinsics so that the model's points fall on the landmarks.

    landmarks: (L, 2) float, pixels of the crop (corner convention of :mod:`inference.geometry.cameras`).
    model_points: (L, 3) float, metres, portrait space: the same landmarks on the mean head.
    camera: the :class:`~inference.geometry.cameras.Camera` whose intrinsics hold; its pose is the start. Default: the
        frontal camera of the crop.
    yaw, pitch: degrees, where they are known; what remains is fitted under them.
    Returns a Camera with the intrinsics given and the fitted ``camera_to_world``. Deterministic.
    Robust Gauss-Newton on the reprojection error, six degrees of freedom, jaw, lips and outline down-weighted.
    """
    camera = orbit_camera() if camera is None else camera
    landmarks, model_points = np.asarray(landmarks, np.float64), np.asarray(model_points, np.float64)
    weights = landmark_weights(model_points)
    base = camera.camera_to_world[:3, :3].T
    spread = np.sqrt((weights @ (landmarks - weights @ landmarks / weights.sum()) ** 2)[1])
    height = np.sqrt((weights @ (model_points - weights @ model_points / weights.sum()) ** 2)[1])
    distance = camera.fy * height / max(spread, 1e-6)
    middle = weights @ landmarks / weights.sum()
    fits = []
    for start in START_YAWS:
        rotation = base @ _rotation(np.array([0.0, -np.deg2rad(start), 0.0]))
        centre = rotation @ (weights @ model_points / weights.sum())
        goal = distance * np.array([(middle[0] - camera.cx) / camera.fx, (camera.cy - middle[1]) / camera.fy, -1.0])
        fits.append(_fit(landmarks, model_points, weights, camera, rotation, goal - centre))
        if fits[-1][0] < 0.35 * weights.sum():  # within about 3 pixels: no need for other starts
            break
    _, rotation, translation = min(fits, key=lambda fit: fit[0])
    if yaw is not None or pitch is not None:
        rotation = _held(rotation, yaw, pitch)
        _, rotation, translation = _fit(landmarks, model_points, weights, camera, rotation, translation, turns=False)
    camera_to_world = np.eye(4)
    camera_to_world[:3, :3] = rotation.T
    camera_to_world[:3, 3] = -rotation.T @ translation
    return dataclasses.replace(camera, camera_to_world=camera_to_world)
