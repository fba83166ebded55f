"""Looks: skin, hair, brows, eyes, clothes and extras of a person, as materials for the renderer."""

import dataclasses

import numpy as np

from inference.geometry.curves import smooth_step

from . import beards, headwear, hood, ribbons
from .assets import to_portrait
from .heads import grown_up, landmark_points
from .passes import smooth_normals

HAT_SHARE, HEADWEAR_SHARE, SCARF_SHARE = 0.015, 0.06, 0.05  # of the heads wear the pack's hats, grown ones, scarves
CARD_SHARE = 0.22  # of the heads with hair wear one of the pack's hair cards instead of strands
STRAND_SHARE = 0.25  # of the heads with hair wear single strands, where a file of them is given
SKIN_SIZE, HAIR_SIZE, SMALL_SIZE = 2048, 1024, 512  # pixels of resident textures
MALE_HAIR = {"short01": 1.0, "short02": 1.4, "short04": 1.4, "afro01": 0.25, "short03": 0.04, "ponytail01": 0.06}
FEMALE_HAIR = {"bob01": 1.0, "bob02": 0.5, "long01": 1.8, "short03": 0.4, "ponytail01": 0.8, "braid01": 0.6,
               "short02": 0.3, "afro01": 0.3}  # fmt: skip
HAIR_COLOURS = np.array(  # linear: black, dark brown, brown, auburn, light brown, blond, grey, white
    [[0.012, 0.010, 0.010], [0.035, 0.020, 0.013], [0.075, 0.042, 0.024], [0.11, 0.04, 0.02], [0.15, 0.09, 0.05],
     [0.30, 0.20, 0.10], [0.20, 0.19, 0.18], [0.48, 0.46, 0.43]]
)  # fmt: skip
DEFAULT_MATERIAL = {
    "kind": None, "image": None, "paint": None, "gain": (1.0, 1.0, 1.0), "power": 1.0, "mean_luminance": 1.0,
    "opacity": 1.0, "beard_colour": (0.0, 0.0, 0.0), "scalp_colour": (0.0, 0.0, 0.0), "lip_colour": (1.0, 1.0, 1.0),
    "lid_colour": (1.0, 1.0, 1.0), "beard": 0.0, "scalp": 0.0, "scalp_hair": 1.0, "lips": 0.0, "lids": 0.0, "blotches": 0.0,
    "noise_scale": (40.0, 40.0), "shine": 0.0, "gloss": 20.0,
}  # fmt: skip


@dataclasses.dataclass
class Look:
    """Choices for one person; colours are linear RGB. Keys name assets, None means without."""

    skin: str
    skin_colour: np.ndarray
    hair: str | None
    strands: hood.HairStyle | None
    beard_style: beards.BeardStyle | None
    hair_colour: np.ndarray
    hair_contrast: float
    hair_size: np.ndarray
    mirror: bool
    scalp: float
    brow: str
    brow_colour: np.ndarray
    lash: str
    eye: str
    suit: str
    suit_gain: np.ndarray
    teeth: str
    hat: str | None
    hat_colour: np.ndarray
    headwear: headwear.Headwear | None
    scarf: np.ndarray | None
    scarf_cloth: headwear.Cloth
    beard: float
    beard_colour: np.ndarray
    lips: float
    lip_colour: np.ndarray
    lids: float
    blotches: float
    shine: float
    glasses: np.ndarray | None
    earrings: np.ndarray | None
    haircut: ribbons.Haircut | None = None


def _weighted(rng, table):
    names, weights = list(table), np.array(list(table.values()), float)
    return names[rng.choice(len(names), p=weights / weights.sum())]


def _hair_colour(rng, person):
    dark = person.ancestry[0] + person.ancestry[1] > 0.5
    grey = np.clip((person.age - 48.0) / 38.0 + rng.normal(0.0, 0.2), 0.0, 1.0)
    pick = rng.choice(3, p=(0.6, 0.35, 0.05)) if dark else rng.choice(6, p=(0.1, 0.27, 0.27, 0.06, 0.16, 0.14))
    base = HAIR_COLOURS[pick] * rng.uniform(0.8, 1.8) * (1.0 + rng.normal(0.0, 0.05, 3))
    silver = HAIR_COLOURS[6] + (HAIR_COLOURS[7] - HAIR_COLOURS[6]) * rng.beta(1.0, 1.5)
    if person.sex < 0.5 and rng.random() < (0.7 if person.age < 65 else 0.3):
        grey *= 0.3  # coloured hair
    return np.clip(base + (silver - base) * grey, 0.005, 0.8), grey


def _eye(rng, pack, person):
    names = sorted(pack.tables["assets"]["eyes.high_poly"]["materials"])
    brown = rng.random() < 0.25 + 0.72 * (person.ancestry[0] + person.ancestry[1])
    return str(rng.choice([n for n in names if ("brown" in n) == brown]))


def _suit(rng, suits, male, adult):
    if adult and rng.random() < (0.6 if male else 0.35):
        return "suit.male_elegantsuit01"  # jacket, shirt and tie
    return str(rng.choice(suits))


def _skin_key(rng, pack, person):
    ancestry = "african" if person.ancestry[0] > 0.45 else ("caucasian" if rng.random() < 0.6 else "asian")
    sex = "male" if person.sex > 0.5 else "female"
    scores = {}
    for key, info in pack.skins.items():
        stage = {"young": 25.0, "middleage": 50.0, "old": 75.0}[info["age"]]
        score = np.exp(-((person.age - stage) / 25.0) ** 2)
        score *= 1.0 if info["sex"] == sex else 0.04
        if (info["ancestry_tag"] == "african") != (ancestry == "african"):
            score *= 0.4 if sex == "female" and ancestry == "african" else 0.03  # few dark female skins: darken light ones
        elif info["ancestry_tag"] != ancestry:
            score *= 0.5
        scores[key] = score * (0.4 if "special" in key or key == "old_african_female" else 1.0)
    return _weighted(rng, scores)


def _skin_colour(rng, person):
    """Mean linear skin colour: melanin by ancestry, blood by chance."""
    lightness = np.array([0.09, 0.30, 0.34]) @ person.ancestry * np.exp(rng.normal(0.0, 0.2))
    lightness = np.clip(lightness, 0.045, 0.45)
    t = np.clip((lightness - 0.05) / 0.35, 0.0, 1.0)
    ratio = (1 - t) * np.array([1.64, 0.83, 0.53]) + t * np.array([1.55, 0.84, 0.61])
    return lightness * ratio * (1.0 + rng.normal(0.0, (0.03, 0.02, 0.05)))


def sample_look(rng, pack, person):
    """Draw a :class:`Look` that mostly suits the person's sex, age and ancestry."""
    male, grown = person.sex > 0.5, grown_up(person.age)
    adult = bool(rng.random() < grown)
    hair_colour, grey = _hair_colour(rng, person)
    hat = rng.choice(pack.names["hat"]) if rng.random() < HAT_SHARE else None
    worn = headwear.sample_headwear(rng, male) if hat is None and rng.random() < HEADWEAR_SHARE else None
    bald = male and adult and rng.random() < 0.07 + 0.06 * (person.age > 50)
    table = MALE_HAIR if male else FEMALE_HAIR
    hair = strands = None
    covered = hat is not None or worn is not None
    if covered:
        hanging = worn is not None and not male and rng.random() < 0.6
        strands = hood.under_hat(rng, hanging) if worn is None or worn.kind != "headscarf" else None
    elif not bald:
        if rng.random() < CARD_SHARE:
            hair = "hair." + _weighted(rng, table)
        else:
            strands = hood.sample_style(rng, person, african=person.ancestry[0] > 0.5)
    wrapped = worn is not None and worn.kind == "headscarf"
    suits = [s for s in pack.names["suit"] if s.split(".")[1].startswith("male" if male else "female")]
    beard = 0.0
    if male and adult and rng.random() < 0.45:
        beard = rng.uniform(0.05, 0.7)
    thin = not covered and strands is not None and (strands.bald_spot > 0.3 or strands.recession > 0.25)
    adorned = 0.04 if male else 0.25 + 0.2 * grown
    shaded = not thin if hair or strands else rng.random() < 0.6  # by short hair
    return Look(
        skin=_skin_key(rng, pack, person),
        skin_colour=_skin_colour(rng, person),
        hair=hair,
        strands=strands,
        beard_style=beards.sample_style(rng, person.age) if beard and rng.random() < 0.5 else None,
        hair_colour=hair_colour,
        hair_contrast=rng.uniform(0.6, 1.2),
        hair_size=1.015 + 0.05 * rng.beta(1.0, 2.0, 3),
        mirror=bool(rng.random() < 0.5),
        scalp=float(rng.uniform(0.5, 1.0)) if shaded else float(rng.uniform(0.0, 0.3)),
        brow=rng.choice(pack.names["brow"]),
        brow_colour=hair_colour * rng.uniform(0.4, 0.9),
        lash=rng.choice(pack.names["lash"]),
        eye=_eye(rng, pack, person),
        suit=_suit(rng, suits, male, adult),
        suit_gain=rng.uniform(0.3, 1.6) * (1.0 + rng.normal(0.0, 0.12, 3)),
        teeth=rng.choice(pack.names["teeth"]),
        hat=hat,
        hat_colour=rng.uniform(0.01, 0.3) * np.array([1.0, 0.9, 0.8]),
        headwear=worn,
        scarf=rng.uniform(0.0, 1.0, 6) if not wrapped and rng.random() < SCARF_SHARE else None,
        scarf_cloth=headwear.sample_cloth(rng),
        beard=beard,
        beard_colour=np.clip(hair_colour * rng.uniform(0.5, 1.0), 0.008, 0.6),
        lips=0.0 if male or not adult else float(rng.uniform(0.0, 0.9)),
        lip_colour=np.array([rng.uniform(0.7, 1.0), rng.uniform(0.15, 0.5), rng.uniform(0.2, 0.6)]),
        lids=0.0 if male or not adult else float(max(rng.normal(0.1, 0.3), 0.0)),
        blotches=float(rng.uniform(0.02, 0.13)) * (0.5 + 0.5 * grown),
        shine=float(rng.uniform(0.0, 0.12)),
        glasses=rng.uniform(0.0, 1.0, 9) if rng.random() < 0.1 + 0.12 * grown else None,
        earrings=rng.uniform(0.0, 1.0, 6) if not wrapped and rng.random() < adorned else None,
    )


def with_haircut(rng, look, person, haircuts):
    """STRAND_SHARE of the looks with hair, but no hat, with single strands instead. haircuts: :class:`ribbons.Haircuts`."""
    haired = look.hair or (look.strands and not look.hat and not look.headwear)
    if not haired or rng.random() >= STRAND_SHARE:
        return look
    haircut = haircuts.sample(rng, person)
    full = haircuts.thinning(haircut) < 0.4
    scalp = rng.uniform(0.5, 1.0) if full else rng.uniform(0.0, 0.3)
    return dataclasses.replace(look, hair=None, strands=None, haircut=haircut, scalp=float(scalp))


def noise_image(size=256, seed=5):
    """Tileable noise (size, size, 4) uint8: fine, coarse, streaks along v, medium."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size) * size, np.fft.fftfreq(size) * size))
    fy, fx = np.meshgrid(np.fft.fftfreq(size) * size, np.fft.fftfreq(size) * size, indexing="ij")
    filters = [np.exp(-((frequency / 70.0) ** 2)), np.exp(-((frequency / 10.0) ** 2)),
               np.exp(-((fx / 80.0) ** 2) - (fy / 6.0) ** 2), np.exp(-((frequency / 25.0) ** 2))]  # fmt: skip
    layers = []
    for weight in filters:
        field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * weight).real
        order = field.ravel().argsort().argsort().reshape(size, size)  # equalised: uniform values
        layers.append(order * (255.0 / (size * size - 1)))
    return np.stack(layers, -1).astype(np.uint8)


def _inside(points, polygon):
    """Even-odd test of points (..., 2) against a polygon (n, 2)."""
    x, y = points[..., 0], points[..., 1]
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0 + 1e-12) + x0)
    return inside


def ears(pack):
    """Whether a skin vertex (n,) belongs to an ear: those that stand off with it; other ear targets move the temples too."""
    out = np.zeros(len(pack.base_verts), bool)
    for side in "lr":
        for way in ("incr", "decr"):
            out[pack.targets[f"ears/{side}-ear-wing-{way}"][0]] = True
    return out


def paint_map(pack, renderer):
    """Where things grow or are painted, in skin texture space: (1024, 1024, 4) uint8: beard, scalp, lips, lids."""
    import cv2

    part = pack.skin_part()
    baked = renderer.bake_positions(part, to_portrait(pack.mean_adult))
    p, covered = baked[..., :3], baked[..., 3] > 0
    x, y, z = np.abs(p[..., 0]), p[..., 1], p[..., 2]
    marks = to_portrait(landmark_points(pack, pack.mean_adult, "multipie68"))
    azimuth = np.rad2deg(np.arctan2(x, z + 0.01))
    hairline = np.interp(azimuth, [0, 25, 45, 60, 75, 90, 110, 125, 140, 180],
                         [0.082, 0.084, 0.080, 0.055, 0.030, 0.020, 0.020, -0.01, -0.045, -0.055])  # fmt: skip
    ear_map = renderer.bake_positions(part, np.repeat(ears(pack)[:, None], 3, 1).astype(np.float32))[..., 0]
    scalp = smooth_step(-0.006, 0.008, y - hairline) * (1.0 - smooth_step(0.3, 0.9, ear_map)) * covered
    mouth = marks[48:60, :2].astype(np.float64)
    front = covered & (z > 0.05)
    lips = (_inside(p[..., :2], mouth) & front & (np.abs(y - marks[48:60, 1].mean()) < 0.02)).astype(np.float32)
    lips = cv2.GaussianBlur(lips, (0, 0), 1.2)
    jaw_top = np.interp(x, [0.0, 0.012, 0.022, 0.035, 0.05, 0.06, 0.067, 0.08],
                        [-0.036, -0.036, -0.042, -0.052, -0.042, -0.02, 0.01, 0.02])  # fmt: skip
    beard = smooth_step(-0.004, 0.010, jaw_top - y) * smooth_step(-0.118, -0.102, y) * smooth_step(-0.028, -0.006, z)
    moustache = smooth_step(0.0, 0.004, -0.0355 - y) * (x < 0.03)
    beard = np.maximum(beard, moustache * (z > 0.06) * smooth_step(-0.06, -0.05, y)) * covered
    beard *= 1.0 - smooth_step(0.2, 0.7, lips)
    beard *= (1.0 - smooth_step(0.3, 0.9, ear_map)) * (1 - 0.8 * smooth_step(0.045, 0.055, x) * (z < 0.02) * (y < -0.085))
    beard = cv2.GaussianBlur(beard.astype(np.float32), (0, 0), 5.0) * (1.0 - smooth_step(0.2, 0.7, lips))
    scalp = cv2.GaussianBlur(scalp.astype(np.float32), (0, 0), 2.5)
    lids = np.zeros_like(lips)
    for eye in (marks[36:42], marks[42:48]):
        centre = eye.mean(0)
        d = np.hypot((p[..., 0] - centre[0]) / 0.020, (y - centre[1] - 0.006) / 0.011)
        lids = np.maximum(lids, (1.0 - smooth_step(0.5, 1.0, d)) * (y > centre[1] - 0.004) * front)
    return (np.stack([beard, scalp, lips, lids], -1).clip(0, 1) * 255).astype(np.uint8)


def skull_vertices(pack):
    """Indices of skin vertices on the outside of the skull and neck, without ears, eye sockets and mouth."""
    part = pack.skin_part()
    mean = to_portrait(pack.mean_adult)
    offset = mean - hood.CENTRE
    outward = (smooth_normals(part, mean) * offset).sum(1) / np.linalg.norm(offset, axis=1)
    used = np.zeros(len(mean), bool)
    used[part.source] = True
    return np.nonzero(used & ~ears(pack) & (outward > 0.35) & (mean[:, 1] > -0.12))[0]


def _woven(cloth):
    """Material of a :class:`training.synthetic.headwear.Cloth`: strands so dense that only their cover's edge ends them."""
    return DEFAULT_MATERIAL | {"kind": "strands", "gain": tuple(cloth.colour), "power": cloth.contrast, "opacity": 20.0,
                               "noise_scale": tuple(cloth.pattern)}  # fmt: skip


class Wardrobe:
    """Textures and statistics that materials need, prepared once per renderer."""

    def __init__(self, pack, renderer):
        self.pack, self.renderer = pack, renderer
        self.noise = renderer.upload(noise_image())
        paint = paint_map(pack, renderer)
        self.paint = renderer.upload(paint)
        self.hood, self.knot = hood.hood_parts(), hood.knot_part()
        self.headwear = headwear.headwear_parts()
        self.skull = skull_vertices(pack)
        self.beard = beards.Beard(pack, paint[..., 0])
        part = pack.skin_part()
        mean = to_portrait(pack.mean_adult)[part.source]
        cheek = np.hypot(np.abs(mean[:, 0]) - 0.035, mean[:, 1] + 0.028) < 0.018
        forehead = np.hypot(mean[:, 0], mean[:, 1] - 0.06) < 0.02
        face = (mean[:, 2] > 0.06) & (cheek | forehead)
        self.face_uv = part.uv[face]
        self.statistics = {}

    def skin_mean(self, skin):
        """Mean linear colour (3,) of the face in a skin texture."""
        if skin not in self.statistics:
            image = self.pack.image(self.pack.skins[skin]["texture"], SKIN_SIZE)
            rows = ((1.0 - self.face_uv[:, 1]) * image.shape[0]).astype(int)
            columns = (self.face_uv[:, 0] * image.shape[1]).astype(int)
            self.statistics[skin] = ((image[rows, columns, :3] / 255.0) ** 2.2).mean(0)
        return self.statistics[skin]

    def luminance(self, texture, size):
        """Alpha-weighted mean linear luminance of a hair texture."""
        if texture not in self.statistics:
            image = self.pack.image(texture, size).astype(np.float32) / 255.0
            value = image[..., :3] ** 2.2 @ np.float32([0.3, 0.59, 0.11])
            self.statistics[texture] = float((value * image[..., 3]).sum() / image[..., 3].sum())
        return self.statistics[texture]

    def _hair(self, texture, size, colour, **extra):
        return DEFAULT_MATERIAL | {
            "image": self.renderer.texture(texture, size), "gain": tuple(colour),
            "mean_luminance": self.luminance(texture, size), **extra,
        }  # fmt: skip

    def materials(self, look):
        """Renderer materials by part name for a :class:`Look`."""
        pack, out = self.pack, {}
        assets = pack.tables["assets"]
        gain = np.clip(look.skin_colour / self.skin_mean(look.skin), 0.12, 9.0)
        gain = gain.mean() ** 0.15 * gain**0.85  # a part of the painter's hue stays
        bare = gain * self.skin_mean(look.skin)
        bare = 0.82 * bare + 0.18 * bare.mean()  # less ruddy than the cheeks
        scalp = look.hair_colour if look.scalp > 0.4 else bare
        out["skin"] = DEFAULT_MATERIAL | {
            "image": self.renderer.texture(pack.skins[look.skin]["texture"], SKIN_SIZE), "paint": self.paint,
            "gain": tuple(gain), "beard_colour": tuple(look.beard_colour), "beard": look.beard,
            "scalp_colour": tuple(scalp), "scalp": 0.85,
            "scalp_hair": float(look.scalp > 0.4), "lips": look.lips,
            "lip_colour": tuple(look.lip_colour), "lids": look.lids, "lid_colour": (0.45, 0.4, 0.45),
            "blotches": look.blotches, "noise_scale": (14.0, 14.0), "shine": 0.25 * look.shine, "gloss": 24.0,
        }  # fmt: skip
        eye = assets["eyes.high_poly"]["materials"][look.eye]["texture"]
        out["eyes.high_poly"] = DEFAULT_MATERIAL | {
            "image": self.renderer.texture(eye, SMALL_SIZE), "shine": 0.7, "gloss": 250.0, "gain": (0.9, 0.9, 0.9)
        }  # fmt: skip
        for key in (look.brow, look.lash):
            texture = next(iter(assets[key]["materials"].values()))["texture"]
            lash = key.startswith("lash")
            colour = np.minimum(look.brow_colour, 0.02) if lash else look.brow_colour
            out[key] = self._hair(texture, SMALL_SIZE, colour, power=0.5, opacity=0.4 if lash else 0.95)
        if look.hair:
            texture = next(iter(assets[look.hair]["materials"].values()))["texture"]
            if texture:
                opacity = 1.25 if "braid" in look.hair else 1.1
                out[look.hair] = self._hair(texture, HAIR_SIZE, look.hair_colour, power=look.hair_contrast,
                                            shine=0.05, gloss=10.0, opacity=opacity)  # fmt: skip
            else:
                out[look.hair] = DEFAULT_MATERIAL | {
                    "kind": "strands", "gain": tuple(look.hair_colour), "opacity": 0.75, "noise_scale": (2.0, 2.0)
                }  # fmt: skip
        contrast, curly = look.hair_contrast, look.strands is not None and look.strands.name == "curls"
        for k in range(hood.LAYERS):
            out[f"hood{k}"] = DEFAULT_MATERIAL | {
                "kind": "strands", "gain": tuple(look.hair_colour), "power": contrast, "noise_scale": (1.4, 6.0) if curly else (0.9, 1.0),
                "shine": 0.04 + 0.06 * look.shine, "gloss": 9.0,
            }  # fmt: skip
        out["knot"] = out["hood0"]
        for k in range(beards.LAYERS):
            out[f"beard{k}"] = out["hood0"] | {"gain": tuple(look.beard_colour), "shine": 0.02}
        out["ribbons"] = out["hood0"] | {"noise_scale": (1.0, 1.0), "power": 0.7 * contrast}
        out["cap"] = out["hood0"] | {"gain": tuple(0.6 * look.hair_colour), "shine": 0.0}
        for key, shade in ((look.teeth, 0.9), ("tongue.tongue01", 0.6)):
            texture = next(iter(assets[key]["materials"].values()))["texture"]
            out[key] = DEFAULT_MATERIAL | {
                "image": self.renderer.texture(texture, SMALL_SIZE), "gain": (shade, shade, shade),
                "shine": 0.1, "gloss": 40.0,
            }  # fmt: skip
        texture = next(iter(assets[look.suit]["materials"].values()))["texture"]
        if texture:
            out[look.suit] = DEFAULT_MATERIAL | {
                "image": self.renderer.texture(texture, HAIR_SIZE), "gain": tuple(look.suit_gain)
            }  # fmt: skip
        else:
            out[look.suit] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(0.1 * look.suit_gain)}
        if look.hat:
            out[look.hat] = DEFAULT_MATERIAL | {"kind": "plain", "gain": tuple(look.hat_colour)}
        if look.headwear:
            out["headwear"] = out["brim"] = _woven(look.headwear.cloth)
        if look.scarf is not None:
            out["scarf"] = _woven(look.scarf_cloth)
        return out
