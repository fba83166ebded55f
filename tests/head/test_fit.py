"""Heads of the shape space, made into portraits by code, are found again; and what each term of the fit is for."""

import dataclasses

import numpy as np
import pytest

from inference.geometry.similarity import similarity
from inference.head import drape, eyes, shape
from inference.head.base import head_base
from inference.head.crossings import crossing_triangles
from inference.head.fit import fit_head, surface_trust
from inference.head.target import target_of
from inference.mesh.skin import skin_share
from tests.head_portraits import (
    ROTATION,
    SCALE,
    SMILE,
    hair_of,
    head_portrait,
    landmarks_of,
    true_head,
)


@pytest.fixture(scope="module")
def base():
    return head_base()


@pytest.fixture(scope="module")
def known(base):
    """A head, its portrait, and the fit to it."""
    truth = true_head(base)
    portrait = head_portrait(base, truth)
    return truth, portrait, fit_head(portrait, base)


def chosen(base, name):
    """Indices of the skin that belong to a group and are seen from outside."""
    inner = np.maximum(base.groups["mouth"], base.groups["sockets"])
    return np.flatnonzero((base.groups[name] > 0.5) & (inner < 0.5))


def millimetres(points, others):
    return 1000.0 * np.linalg.norm(points - others, axis=-1)


def in_the_photo(base, portrait, vertices):
    """Distances (468,) of the landmarks in millimetres in the photo's plane."""
    pixels, depth = portrait.camera.project(landmarks_of(vertices.astype(np.float64), base))
    return 1000.0 * np.linalg.norm(pixels - portrait.landmarks, axis=1) * depth / portrait.camera.fx


def test_a_known_head_is_found(base, known):
    truth, portrait, fit = known
    assert fit.vertices.shape == base.vertices.shape and fit.vertices.dtype == np.float32
    for name, bar in (("face", 1.0), ("ears", 4.0), ("scalp", 6.0), ("neck", 4.0)):
        index = chosen(base, name)
        assert millimetres(fit.vertices[index], truth[index]).mean() < bar, name
    assert in_the_photo(base, portrait, fit.vertices).mean() < 0.7
    head = base.groups["bust"] + base.groups["neck"] < 0.5
    depths = [np.ptp(vertices[base.parts["skin"]][head, 2]) for vertices in (fit.vertices, truth)]
    assert abs(depths[0] - depths[1]) < 0.012
    for name in ("left_eye", "right_eye"):
        (centre, radius), (true_centre, true_radius) = (
            eyes.eyeball(v.astype(np.float64), base, name) for v in (fit.vertices, truth)
        )
        assert millimetres(centre, true_centre) < 2.0 and radius == pytest.approx(true_radius, rel=0.06)


def test_the_expression_is_told_from_the_person(base, known):
    _, _, fit = known
    weights = np.array([fit.expression[name] for name in base.shapes])
    assert set(fit.expression) == set(base.shapes) and weights.min() >= 0.0 and weights.max() <= 1.0
    moved, true = (
        sum(weight * base.shapes[name] for name, weight in used.items())[base.parts["skin"]]
        for used in (fit.expression, SMILE)
    )
    lips = chosen(base, "lips")
    assert millimetres(moved[lips], true[lips]).mean() < 0.45 * millimetres(true[lips], 0.0).mean()
    assert fit.scale == pytest.approx(SCALE, abs=0.03) and np.abs(fit.rotation - ROTATION).max() < 0.05


def test_a_given_expression_is_kept(base, known):
    _, portrait, _ = known
    fit = fit_head(portrait, base, expression=SMILE)
    assert all(abs(fit.expression[name] - SMILE.get(name, 0.0)) < 0.2 for name in base.shapes)
    assert max(fit.expression[name] for name in base.shapes if name.startswith("brow")) < 0.1


def test_progress_is_told_and_may_stop(base, known):
    class Stop(Exception):
        pass

    told = []

    def progress(fraction, text):
        told.append(fraction)
        if fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        fit_head(known[1], base, progress)
    assert told == sorted(told) and len(told) > 1


def test_hair_bounds_the_skull_and_does_not_lift_it(base, monkeypatch):
    truth = true_head(base)
    hairy = fit_head(head_portrait(base, truth, hair=0.02), base).vertices
    under = np.flatnonzero(hair_of(base) > 0.9)
    centre = truth[under].mean(0)
    outward = (truth[under] - centre) / np.linalg.norm(truth[under] - centre, axis=1, keepdims=True)
    lifted = 1000.0 * ((hairy[under] - truth[under]) * outward).sum(1)
    assert abs(lifted.mean()) < 5.0 and np.percentile(lifted, 98) < 20.0  # the hair is 20 mm thick
    face = chosen(base, "face")
    assert millimetres(hairy[face], truth[face]).mean() < 1.2
    monkeypatch.setattr("inference.head.target.skin_share", lambda textures, radii: np.ones(textures.shape[1:3]))
    fooled = fit_head(head_portrait(base, truth, hair=0.02), base).vertices
    assert (1000.0 * ((fooled[under] - truth[under]) * outward).sum(1)).mean() > 8.0


def test_hair_is_told_from_skin(base):
    portrait = head_portrait(base, true_head(base), hair=0.02)
    share = skin_share(portrait.textures, portrait.radii)
    u, v = np.meshgrid(np.arange(320), np.arange(320))
    face, crown = (abs(u - 160) < 20) & (abs(v - 190) < 15), (abs(u - 160) < 60) & (abs(v - 20) < 10)
    assert share[face].min() > 0.9 and share[crown].max() < 0.1


def test_landmarks_pull_to_the_end(base, known, monkeypatch):
    truth, portrait, _ = known
    points = portrait.landmarks.copy()
    mouth = np.linalg.norm(landmarks_of(base.vertices, base) - (0.0, -0.052, 0.095), axis=1) < 0.03
    points[mouth] += (2.5, 0.0)  # 3.3 mm, where no face has its mouth
    moved = dataclasses.replace(portrait, landmarks=points)
    with_term = in_the_photo(base, moved, fit_head(moved, base).vertices)[mouth].mean()
    monkeypatch.setattr(drape, "LANDMARK_WORTH", 0.0)
    without = in_the_photo(base, moved, fit_head(moved, base).vertices)[mouth].mean()
    assert with_term < 1.0 < without


def test_the_surface_is_followed_where_no_person_of_the_space_goes(base, known):
    """A bump of 4 mm on a cheek."""
    truth, _, plain = known
    skin, face = base.parts["skin"], chosen(base, "face")
    cheek = base.vertices[face[np.linalg.norm(base.vertices[face, :2] - (0.035, -0.02), axis=1).argmin()]]
    bump = 0.004 * np.exp(-0.5 * (np.linalg.norm(base.vertices[skin] - cheek, axis=1) / 0.012) ** 2)
    lumpy = truth.copy()
    normals = drape.vertex_normals(truth[skin], base.faces)
    lumpy[skin] += bump[:, None] * normals
    portrait = head_portrait(base, lumpy)
    fit = fit_head(portrait, base).vertices
    top = bump > 0.003
    height = 1000.0 * ((fit - plain.vertices)[skin][top] * normals[top]).sum(1)
    assert top.sum() > 5 and height.mean() > 2.0


def test_ears_keep_their_shape_and_do_not_slide_onto_what_is_behind(base, known):
    truth, portrait, fit = known
    skin, ears = base.parts["skin"], base.groups["ears"]
    for side in (-1.0, 1.0):
        ear = np.flatnonzero((ears > 0.9) & (side * base.vertices[skin, 0] > 0.0))
        scale, rotation, shift = similarity(base.vertices[ear].astype(np.float64), fit.vertices[ear].astype(np.float64))
        mean = scale * base.vertices[ear] @ rotation.T + shift
        person = millimetres(truth[ear], base.vertices[ear] @ ROTATION.T * SCALE)
        assert millimetres(fit.vertices[ear], mean).mean() < 2.5 < 2.5 + person.mean()
    far = portrait.textures.copy()
    far[:, :, :70] = far[:, :, 250:] = 0  # beyond both ears nothing is left
    cut = fit_head(dataclasses.replace(portrait, textures=far), base).vertices
    index = chosen(base, "ears")
    assert millimetres(cut[index], truth[index]).mean() < 8.0


def test_nothing_crosses_and_lids_lie_off_the_eyes(base, known):
    _, _, fit = known
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    assert len(crossing_triangles(fit.vertices[base.parts["skin"]], triangles)) == 0
    for name, lids, clearance in zip(eyes.EYES, base.lids, base.lid_clearance, strict=True):
        centre, radius = eyes.eyeball(fit.vertices.astype(np.float64), base, name)
        off = np.linalg.norm(fit.vertices[lids] - centre, axis=1) - radius
        assert (off > fit.scale * np.minimum(clearance, eyes.CLEARANCE) - 1e-4).mean() > 0.97


def test_a_mouth_that_is_pressed_shut_does_not_cross(base, monkeypatch):
    portrait = head_portrait(base, true_head(base, {"mouthClose": 0.6, "mouthRollUpper": 0.4}))
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    fit = fit_head(portrait, base).vertices[base.parts["skin"]]
    monkeypatch.setattr("inference.head.crossings.Untangler.untangle", lambda *_: 0)
    crossed = fit_head(portrait, base).vertices[base.parts["skin"]]
    assert len(crossing_triangles(fit, triangles)) == 0 < len(crossing_triangles(crossed, triangles))
    upper, lower = crossed[base.lip_seam].transpose(1, 0, 2)
    assert (upper - lower)[:, 1].min() > -0.002  # without the lips' term one passes the other by 20 mm


def test_eyes_and_teeth_go_with_what_is_before_them(base):
    vertices = base.vertices.astype(np.float64)
    moved = np.zeros((base.parts["skin"].stop, 3))
    moved[base.lids[0]], moved[base.lip_seam[:, 1]] = (0.002, 0.0, 0.001), (0.0, -0.004, 0.0)
    eyes.carry_parts(vertices, moved, base)
    shifts = {name: (vertices - base.vertices)[part].mean(0) for name, part in base.parts.items()}
    assert np.allclose(shifts["left_eye"], (0.002, 0.0, 0.001))
    assert np.allclose(shifts["lower_teeth"], (0.0, -0.004, 0.0))
    for name in ("skin", "right_eye", "upper_teeth"):
        assert np.allclose(shifts[name], 0.0), name


def test_lids_are_pushed_out_of_the_eyes(base):
    vertices = base.vertices.astype(np.float64)
    centre, radius = eyes.eyeball(vertices, base, "left_eye")
    lids, front = base.lids[0], base.lid_clearance[0] > 0.0
    vertices[lids] = centre + 0.8 * (vertices[lids] - centre)
    eyes.open_lids(vertices, base, 1.0)
    off = np.linalg.norm(vertices[lids] - centre, axis=1) - radius
    assert (off[front] > 0.0).all() and off.max() < 0.01


def test_lips_that_cross_are_parted(base):
    skin = base.parts["skin"]
    vertices = base.vertices[skin].astype(np.float64)
    pulls = drape.lip_pulls(vertices, np.zeros_like(vertices), base, np.array([0.0, 1.0, 0.0]))
    shut = vertices - 0.3 * base.shapes["jawOpen"][skin]
    more = drape.lip_pulls(shut, np.zeros_like(shut), base, np.array([0.0, 1.0, 0.0]))
    assert len(more.wanted) > len(pulls.wanted) + 10 and (more.wanted > 0.0).all()
    upper, lower = more.corners.T
    gap = shut[upper, 1] - shut[lower, 1]
    assert np.allclose(gap + more.wanted, drape.LEAST_GAP)


def test_without_landmarks_the_surface_is_enough(base, known):
    truth, portrait, _ = known
    fit = fit_head(dataclasses.replace(portrait, landmarks=None), base).vertices
    face = chosen(base, "face")
    assert millimetres(fit[face], truth[face]).mean() < 4.0


def test_derivatives_of_the_landmarks_are_those_of_the_projection(base, known):
    truth, portrait, _ = known
    target = target_of(portrait)
    points, step = landmarks_of(truth, base) + 0.003, np.array([2e-5, -1e-5, 3e-5])
    error, directions = target.landmark_errors(points)
    later, _ = target.landmark_errors(points + step)
    assert np.allclose(later - error, directions @ step, atol=2e-6)


def test_rows_of_the_gauss_newton_step_are_derivatives(base, known):
    _, portrait, _ = known
    space, target = shape.ShapeSpace(base, surface_trust(base)), target_of(portrait)
    weights = np.zeros(len(space.modes))
    start = shape.Shape(1.0, np.eye(3), np.zeros(3), weights[: len(base.modes)], weights[len(base.modes) :])
    rows, errors, _ = shape._landmark_rows(space, target, start, weights)
    step = np.random.default_rng(0).normal(size=rows.shape[1]) * np.r_[np.full(7, 1e-4), np.full(len(weights), 1e-3)]
    turn = shape._rotation(step[:3])
    components, expression = np.split(step[7:], [len(base.modes)])
    moved = shape.Shape(float(np.exp(step[6])), turn, step[3:6], components, expression)
    _, later, _ = shape._landmark_rows(space, target, moved, step[7:])
    assert np.abs(later - errors - rows @ step).max() < 0.03 * np.abs(later - errors).max()


def test_bounded_steps_meet_the_conditions_of_optimality():
    rng = np.random.default_rng(5)
    root = rng.normal(size=(20, 12))
    normal, gradient, weights = root.T @ root, 3.0 * rng.normal(size=12), rng.uniform(0.0, 1.0, 8)
    step = shape._bounded(normal, gradient, weights)
    slope, goal = normal @ step + gradient, weights + step[4:]
    assert goal.min() > -1e-9 and goal.max() < 1.0 + 1e-9 and np.allclose(slope[:4], 0.0, atol=1e-8)
    inside = (goal > 1e-9) & (goal < 1.0 - 1e-9)
    assert np.allclose(slope[4:][inside], 0.0, atol=1e-8) and 0 < inside.sum() < 8
