"""Shapes: a random person with an expression, in portrait space."""

import dataclasses

import numpy as np

from .assets import to_portrait

IDENTITY_SIGMA = 1.25  # standard deviations of the ICT modes; 1 is narrower than real people
IDENTITY_CLIP = 2.5
EYE_DISTANCE = 0.063  # metres
MEAN_SMILE = 0.35  # weight of the smile on the mean head, whose landmarks are the pose template
ANCESTRIES = ("african", "asian", "caucasian")
LID_CLEARANCE = 0.012  # decimetres
EAR_TOP, EAR_LOBE = 12002, 12027  # MakeHuman vertices of the left ear: where it leaves the head, and the lobe's lower end
STAGES = {"baby": 1.0, "child": 11.0, "young": 25.0, "old": 90.0}  # years of MakeHuman's age targets
YOUNG_SHARE, YOUNG_AGES = 0.1, (4.0, 18.0)  # of the people are children, years


@dataclasses.dataclass
class Person:
    """Parameters of one shape. sex: 0 female .. 1 male. age: years. gaze: degrees right (+x), up."""

    sex: float
    age: float
    ancestry: np.ndarray
    muscle: float
    weight: float
    identity: np.ndarray
    expression: np.ndarray
    gaze: np.ndarray
    asymmetry: np.ndarray


@dataclasses.dataclass
class Head:
    """A shape. body, posed: (19158, 3) decimetres without and with expression; eye_turns: rotations about centres.

    scale, rotation (3, 3), shift (3,): similarity that takes the posed head to portrait space (metres).
    """

    body: np.ndarray
    posed: np.ndarray
    gaze: np.ndarray
    scale: float
    rotation: np.ndarray
    shift: np.ndarray

    def to_portrait(self, points):
        """Decimetres (n, 3) to portrait space, metres, float32."""
        return (points @ (self.scale * self.rotation.T) + self.shift).astype(np.float32)


def _smile(weights, rng, strength, show_teeth):
    skew = 1.0 + rng.normal(0.0, 0.08)
    weights["mouthSmile_L"], weights["mouthSmile_R"] = strength * skew, strength / skew
    for name, share in (("cheekSquint", 0.6), ("eyeSquint", 0.15), ("mouthDimple", 0.2), ("mouthStretch", 0.15)):
        value = strength * share * rng.uniform(0.3, 1.2)
        weights[f"{name}_L"] = weights[f"{name}_R"] = value
    if show_teeth:
        upper, lower = rng.uniform(0.25, 0.75) * (0.4 + strength), rng.uniform(0.05, 0.45) * (0.4 + strength)
        weights["mouthUpperUp_L"] = weights["mouthUpperUp_R"] = min(upper, 0.8)
        weights["mouthLowerDown_L"] = weights["mouthLowerDown_R"] = min(lower, 0.6)
        weights["jawOpen"] = rng.uniform(0.0, 0.22)


def _random_units(weights, rng):
    pairs = ["browDown", "browInnerUp", "browOuterUp", "cheekPuff", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
             "mouthPress", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "noseSneer", "eyeBlink"]  # fmt: skip
    singles = ["jawForward", "jawLeft", "jawOpen", "jawRight", "mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight",
               "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"]  # fmt: skip
    for _ in range(rng.integers(1, 4)):
        name, value = rng.choice(pairs + singles), rng.uniform(0.2, 0.6)
        if name in pairs:
            weights[f"{name}_L"] = value * rng.uniform(0.8, 1.2)
            weights[f"{name}_R"] = value * rng.uniform(0.8, 1.2)
        else:
            weights[name] = min(value, 0.45) if name.startswith("mouthRoll") else value
    if "jawOpen" in weights and rng.random() < 0.2:
        weights["mouthClose"] = weights["jawOpen"] * rng.uniform(0.0, 0.8)


def sample_person(rng, pack):
    """Draw a :class:`Person`. rng: numpy Generator."""
    kind, weights = rng.random(), {}
    if kind < 0.7:
        _smile(weights, rng, rng.uniform(0.2, 1.0), rng.random() < 0.6)
    elif kind > 0.84:
        _random_units(weights, rng)
    for name in ("browInnerUp", "browDown", "eyeSquint"):
        if f"{name}_L" not in weights and rng.random() < 0.4:
            weights[f"{name}_L"] = weights[f"{name}_R"] = rng.uniform(0.0, 0.25)
    if "eyeBlink_L" not in weights:
        weights["eyeBlink_L"] = weights["eyeBlink_R"] = rng.uniform(0.0, 0.12)
    gaze = np.clip(rng.normal(0.0, (7.0, 4.0)), -22.0, 22.0)
    up, right = gaze[1] / 30.0, gaze[0] / 30.0
    for side, sign in (("L", 1.0), ("R", -1.0)):
        weights[f"eyeLookUp_{side}"], weights[f"eyeLookDown_{side}"] = max(up, 0.0), max(-up, 0.0)
        weights[f"eyeLookOut_{side}"], weights[f"eyeLookIn_{side}"] = max(sign * right, 0.0), max(-sign * right, 0.0)
    expression = np.array([weights.get(n, 0.0) for n in pack.expression_names], np.float32)
    age = rng.uniform(*YOUNG_AGES) if rng.random() < YOUNG_SHARE else 20.0 + 65.0 * float(rng.beta(1.3, 1.3))
    grown = grown_up(age)
    identity = np.clip(rng.normal(0.0, IDENTITY_SIGMA, 100), -IDENTITY_CLIP, IDENTITY_CLIP)
    return Person(
        sex=float(rng.random() < 0.56) if rng.random() < 0.8 else float(rng.beta(0.4, 0.4)),
        age=age,
        ancestry=rng.dirichlet((0.35, 0.3, 0.6)).astype(np.float32),
        muscle=float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        weight=float(np.clip(rng.normal(0.55, 0.22), 0, 1)),
        identity=(identity * (0.6 + 0.4 * grown)).astype(np.float32),  # the modes are of adults: noses, brows, jaws
        expression=np.clip(expression, 0.0, 1.0),
        gaze=gaze.astype(np.float32),
        asymmetry=rng.normal(0.0, 0.35, 8).astype(np.float32),
    )


def grown_up(age):
    """0 for a child of up to 11 years .. 1 for an adult."""
    return float(np.clip((age - 11.0) / 9.0, 0.0, 1.0))


def _stages(age):
    """Weights of the two of STAGES that an age in years lies between."""
    return dict(zip(STAGES, (np.interp(age, list(STAGES.values()), row) for row in np.eye(len(STAGES))), strict=True))


def _macro_shape(pack, person):
    verts = pack.base_verts.copy()
    ages = {stage: weight for stage, weight in _stages(person.age).items() if weight}
    sexes = {"female": 1.0 - person.sex, "male": person.sex}
    muscles = _three_way(person.muscle, "muscle")
    fats = _three_way(person.weight, "weight")
    for sex, w_sex in sexes.items():
        for stage, w_age in ages.items():
            w = w_sex * w_age
            for ancestry, w_ancestry in zip(ANCESTRIES, person.ancestry, strict=True):
                pack.add_target(verts, f"macrodetails/{ancestry}-{sex}-{stage}", w * w_ancestry)
            for muscle, w_muscle in muscles.items():
                for fat, w_fat in fats.items():
                    name = f"macrodetails/universal-{sex}-{stage}-{muscle}-{fat}"
                    pack.add_target(verts, name, w * w_muscle * w_fat)
    return verts


def _three_way(value, name):
    low, high = max(1.0 - 2.0 * value, 0.0), max(2.0 * value - 1.0, 0.0)
    return {f"min{name}": low, f"average{name}": 1.0 - low - high, f"max{name}": high}


def _push_lids(pack, posed):
    """Keep the lids outside of the eyeballs, where summed shapes would cut through."""
    for side in "LR":
        eye = posed[pack.landmarks[f"eye_centre_verts_{side}"]]
        centre = eye.mean(0)
        radius = np.linalg.norm(eye - centre, axis=1).mean()
        lids = pack.landmarks[f"lid_verts_{side}"]
        offset = posed[lids] - centre
        distance = np.linalg.norm(offset, axis=1)
        least = radius + np.minimum(pack.landmarks[f"lid_clearance_{side}"], LID_CLEARANCE)
        posed[lids] += offset * (np.maximum(least / distance, 1.0) - 1.0)[:, None]


def landmark_points(pack, verts, name="facemesh468"):
    """Landmarks (L, 3) on a shape; name: ``facemesh468`` or ``multipie68``."""
    corners, bary = pack.landmarks[f"{name}_verts"], pack.landmarks[f"{name}_bary"]
    return np.einsum("ij,ijk->ik", bary, verts[corners])


def ear_points(pack, verts):
    """Tops and lobes of the ears on a shape: two arrays (2, 3), right ear first."""
    right = pack.mirrored((EAR_TOP, EAR_LOBE))
    return tuple(verts[[a, b]] for a, b in zip(right, (EAR_TOP, EAR_LOBE), strict=True))


def mean_landmarks(pack):
    """(468, 3) float32, metres, portrait space: the mean adult with a mild smile, template of the pose."""
    weights = np.zeros(len(pack.expression_names), np.float32)
    for name, share in (("mouthSmile", 1.0), ("cheekSquint", 0.4)):
        for side in "LR":
            weights[pack.expression_names.index(f"{name}_{side}")] = MEAN_SMILE * share
    verts = pack.mean_adult.copy()
    verts[pack.ict_index] += (weights @ pack.expression).reshape(-1, 3)
    _push_lids(pack, verts)
    return to_portrait(landmark_points(pack, verts)).astype(np.float32)


def shrink_mouth_bag(pack, verts):
    """Pull the inside of the mouth (in verts (n, 3), metres, in place) together: it would pierce thin cheeks and lips."""
    index, free = pack.mouth_bag
    bag = verts[index]
    centre = bag.mean(0)
    verts[index] += free * ((centre - bag) * (0.3, 0.5, 0.0) - (0.0, 0.0, 0.004))


def _eye_centres(pack, verts):
    return np.stack([verts[pack.landmarks[f"eye_centre_verts_{s}"]].mean(0) for s in "LR"])


def build_head(pack, person, template, weights):
    """Shape of a person. template: (468, 3) mean landmarks; weights: (468,) trust. Returns a :class:`Head`."""
    body = _macro_shape(pack, person)
    asym = ("asym/asym-brown-1", "asym/asym-cheek-1", "asym/asym-eye-1", "asym/asym-jaw-1",
            "asym/asym-mouth-1", "asym/asym-nose-1", "asym/asym-temple-1", "asym/asym-ear-1")  # fmt: skip
    for name, value in zip(asym, person.asymmetry, strict=True):
        target = f"{name}-{'l' if value > 0 else 'r'}"
        if target in pack.targets:
            pack.add_target(body, target, min(abs(float(value)), 0.6))
    body[pack.ict_index] += (person.identity @ pack.identity).reshape(-1, 3)
    posed = body.copy()
    posed[pack.ict_index] += (person.expression @ pack.expression).reshape(-1, 3)
    _push_lids(pack, posed)
    eyes = _eye_centres(pack, body)
    scale = EYE_DISTANCE / np.linalg.norm(eyes[0] - eyes[1])
    points = landmark_points(pack, posed) * scale
    w = weights / weights.sum()
    centre, goal = w @ points, w @ template
    u, _, vt = np.linalg.svd(((points - centre) * w[:, None]).T @ (template - goal))
    rotation = (u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt).T
    return Head(body, posed, person.gaze, float(scale), rotation, goal - rotation @ centre)


def turned_eyes(pack, head, verts):
    """Turn fitted eye vertices (n, 3) decimetres about their eyeball centres by the gaze."""
    right, up = np.deg2rad(head.gaze)
    turn_y = np.array([[np.cos(right), 0, np.sin(right)], [0, 1, 0], [-np.sin(right), 0, np.cos(right)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(up), np.sin(up)], [0, -np.sin(up), np.cos(up)]])
    turn = turn_y @ turn_x
    out = np.empty_like(verts)
    left = verts[:, 0] > 0
    for centre, chosen in zip(_eye_centres(pack, head.posed), (left, ~left), strict=True):
        out[chosen] = (verts[chosen] - centre) @ turn.T + centre
    return out
