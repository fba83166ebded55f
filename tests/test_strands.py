"""Hair of single strands: the styles' file, the fit to other heads, and heads that wear them."""

import dataclasses

import numpy as np
import pytest

from tests.data_pack import data_pack
from training.errors import TrainingError

hood = pytest.importorskip("training.synthetic.hood")
ribbons = pytest.importorskip("training.synthetic.ribbons")
combing = pytest.importorskip("training.synthetic.combing")
strands = pytest.importorskip("training.synthetic.strands")
FAMILIES = ("crop", "long")


@pytest.fixture(scope="module")
def scalp():
    from training.synthetic.assets import AssetPack

    return combing.Scalp(AssetPack(data_pack()))


@pytest.fixture(scope="module")
def styles(scalp):
    """A style of each of FAMILIES, whose strands are guides: no need of Blender."""
    out = []
    for k, family in enumerate(FAMILIES):
        rng = np.random.default_rng(k)
        style = combing.sample_style(rng, family)
        roots, normals = scalp.sample(rng, 900)
        grows = combing.growth(style, roots) > 0.5
        guides = combing.grow_guides(style, roots[grows], normals[grows], scalp.skull, rng)
        made = np.stack([combing.resample(guide, ribbons.POINTS) for guide in guides])
        out.append((style, made, combing.growth(style, scalp.verts[scalp.vertices])))
    return out


@pytest.fixture(scope="module")
def file(styles, scalp, tmp_path_factory):
    path = tmp_path_factory.mktemp("strands") / "strands.npz"
    np.savez_compressed(path, **ribbons.pack_styles(styles, scalp))
    return path


@pytest.fixture(scope="module")
def haircuts(file):
    from training.synthetic.assets import AssetPack

    return ribbons.Haircuts(file, AssetPack(data_pack()))


def worn(style, mirrored=False):
    return ribbons.Haircut(style, mirrored, 1.0, 0.7, 0.1, 5)


def test_a_file_gives_back_the_strands_of_the_mean_head(styles, haircuts, scalp):
    for k, (_, made, _) in enumerate(styles):
        read = haircuts.curves(worn(k), scalp.verts, scalp.skull)
        assert read.shape == made.shape
        distance = np.linalg.norm(read - made, axis=-1)
        assert np.median(distance) < 7e-4  # guides start half a millimetre off the skin
        assert np.percentile(distance, 95) < 0.004


def test_a_file_that_holds_no_strands_is_named(haircuts, tmp_path):
    (tmp_path / "text.npz").write_text("no strands")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("missing.npz", "text.npz", "other.npz"):
        with pytest.raises(TrainingError, match=name):
            ribbons.Haircuts(tmp_path / name, haircuts.pack)


def test_mirrored_strands_lie_on_the_other_side(haircuts, scalp):
    here, there = (haircuts.curves(worn(0, mirrored), scalp.verts, scalp.skull) for mirrored in (False, True))
    np.testing.assert_allclose(there[:, 0], here[:, 0] * (-1.0, 1.0, 1.0), atol=1e-3)
    assert np.median(np.abs(there - here * (-1.0, 1.0, 1.0))) < 1e-3


def test_strands_of_another_head_start_on_its_skin_and_stay_outside_of_it(haircuts, scalp):
    from training.synthetic.appearance import skull_vertices

    larger = (scalp.verts - hood.CENTRE) * (1.1, 1.15, 0.95) + hood.CENTRE
    skull = hood.Skull(larger, skull_vertices(haircuts.pack), larger[haircuts.pack.skin_part().source])
    corners = larger[haircuts.styles["triangles"]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    for k in range(len(FAMILIES)):
        curves = haircuts.curves(worn(k), larger, skull)
        first, last = haircuts.styles["first"][k : k + 2]
        triangle = haircuts.styles["root"][first:last]
        assert np.abs(((curves[:, 0] - corners[triangle, 0]) * normal[triangle]).sum(1)).max() < 1e-4
        offset = curves[:, 2:] - hood.CENTRE
        distance = np.linalg.norm(offset, axis=-1)
        assert (distance - skull.radius(offset / distance[..., None])).min() > 0.0


def test_long_hair_leaves_the_face_free(styles):
    style, made, _ = styles[FAMILIES.index("long")]
    eyes = (np.abs(made[..., 0]) < 0.03) & (made[..., 1] < 0.03) & (made[..., 1] > -0.05) & (made[..., 2] > 0.0)
    assert not eyes.any()
    assert made[:, -1, 1].min() < -0.1 and np.ptp(made[:, -1, 0]) > 0.12


def test_ribbons_have_the_width_they_are_given_and_unused_ones_vanish(styles, haircuts, scalp):
    layers, tint = haircuts.grow(worn(0), scalp.verts, scalp.normals, scalp.skull)
    (cap, cap_points, _, density), (part, points, uv, cover) = layers
    assert len(points) == len(uv) == len(cover) == len(tint) == len(part.source) > part.triangles.max()
    assert len(cap_points) == len(density) == len(cap.source) and density.max() > 1.0 > density.min()
    used = len(styles[0][1]) * ribbons.POINTS * 2
    assert (cover[:used] > 0).all() and (cover[used:] < 0).all()
    width = np.linalg.norm(points[:used:2] - points[1:used:2], axis=1)
    assert 0.3 * ribbons.WIDTH < width.mean() < 1.3 * ribbons.WIDTH
    wide = ribbons.widened(points, 2.0)
    np.testing.assert_allclose(np.linalg.norm(wide[:used:2] - wide[1:used:2], axis=1), 2.0 * width, rtol=1e-2)


def test_envelope_smooths_hair_alone():
    rng = np.random.default_rng(0)
    radius = np.full((40, 40), 0.1, np.float32)
    label = np.zeros((40, 40, 3), np.uint8)
    label[:, :20, 1] = 255
    radius[:, :20] += rng.uniform(0.0, 0.02, (40, 20))
    radius[:5] = 0.0
    out = ribbons.envelope(radius, label)
    np.testing.assert_array_equal(out[:, 20:], radius[:, 20:])
    np.testing.assert_array_equal(out[:5], 0.0)
    assert np.abs(out[5:, :20] - 0.11).max() < 0.006 and out[8:37, 3:17].std() < 0.001


@pytest.fixture(scope="module")
def studio(file):
    pytest.importorskip("moderngl")
    generate = pytest.importorskip("training.synthetic.generate")
    return generate.Studio(data_pack(), strands=file)


def test_heads_without_strands_are_as_if_there_were_no_file(studio, monkeypatch):
    from training.synthetic import appearance, generate

    monkeypatch.setattr(appearance, "STRAND_SHARE", 0.0)
    plain, row = generate.Studio(data_pack()).make((7, 0, 0)), studio.make((7, 0, 0))
    for name, value in plain.items():
        np.testing.assert_array_equal(row[name], value, err_msg=name)


def test_heads_with_strands_have_hair_that_their_arrays_agree_on(studio, monkeypatch):
    from training.synthetic import appearance
    from training.synthetic.generate import PARAMETERS

    monkeypatch.setattr(appearance, "STRAND_SHARE", 1.0)
    lengths = dict(PARAMETERS)
    last = list(lengths).index("hair_style")
    style = sum(list(lengths.values())[: last + 1]) - 1
    rows = [studio.make((7, 0, i)) for i in range(6)]
    rows = [row for row in rows if row["parameters"][style] > 0]
    assert len(rows) >= 2
    for row in rows:
        assert row["photo_label"][:100, :, 1].max() == 255
        hair = row["dome_label"][..., 1] > 127
        assert hair[:30].mean() > 0.5
        assert (row["dome_radius"][hair] > 0.0).all()
        both = (row["dome_radius"] > 0) & (row["skin_radius"] > 0)
        assert (row["skin_radius"][both] <= row["dome_radius"][both] + 0.007).mean() > 0.99
    again = studio.make((7, 0, 5))
    np.testing.assert_array_equal(again["photo"], studio.make((7, 0, 5))["photo"])


def test_blender_makes_strands_of_guides(scalp):
    pytest.importorskip("bpy")
    salon = strands.Salon(scalp)
    style = combing.sample_style(np.random.default_rng(0), "wavy")
    made, again = (strands.make_style(style, scalp, salon, 3) for _ in range(2))
    np.testing.assert_allclose(made, again, atol=1e-9)  # Blender's threads add in any order; metres
    assert 0.8 * ribbons.STRANDS < len(made) <= ribbons.STRANDS and made.shape[1:] == (ribbons.POINTS, 3)
    assert (combing.growth(style, made[:, 0]) > 0.0).all()
    offset = made[:, 1:] - hood.CENTRE
    distance = np.linalg.norm(offset, axis=-1)
    assert (distance - scalp.skull.radius(offset / distance[..., None])).min() > -1e-6
    straight = strands.make_style(dataclasses.replace(style, curl=0.0), scalp, salon, 3)

    def bends(lines):
        way = np.diff(lines, axis=1)
        way /= np.linalg.norm(way, axis=-1, keepdims=True) + 1e-9
        return np.mean((way[:, 1:] * way[:, :-1]).sum(-1) < 0.8)

    assert bends(made) > bends(straight)
