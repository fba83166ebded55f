"""The head's base: its parts, shapes, UVs, groups and landmarks, and what happens when its file is not what it was."""

import shutil

import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry.similarity import similarity
from inference.head.base import FILE, FOLDER, head_base, read_head_base
from inference.head.closing import border_loops
from inference.mesh.topology import is_manifold
from tests.data_pack import data_pack

PAIRS = """browDown browOuterUp cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeSquint eyeWide
    mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer""".split()
SINGLES = """browInnerUp cheekPuff jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker
    mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper tongueOut""".split()
ARKIT = {*SINGLES, *(pair + side for pair in PAIRS for side in ("Left", "Right"))}  # ARBlendShapeLocation


@pytest.fixture(scope="module")
def base():
    return head_base()


def test_the_mesh_is_one_manifold_piece_of_quads(base):
    assert base.faces.shape == (4532, 4)
    skin = base.vertices[base.parts["skin"]]
    assert np.array_equal(np.unique(base.faces), np.arange(len(skin)))
    triangles = np.concatenate([base.faces[:, [0, 1, 2]], base.faces[:, [0, 2, 3]]])
    assert is_manifold(triangles.astype(np.int64))
    eyes = [base.vertices[base.parts[name]].mean(0) for name in ("left_eye", "right_eye")]
    assert np.linalg.norm(eyes[0] - eyes[1]) == pytest.approx(0.063, abs=1e-4)
    assert eyes[0][0] > eyes[1][0]  # the person's left is at the frontal view's right


def test_the_bust_ends_in_one_smooth_loop(base):
    (loop,) = border_loops(base.faces)
    along = np.diff(base.vertices[np.append(loop, loop[0])].astype(np.float64), axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    turns = np.degrees(np.arccos(np.clip((along * np.roll(along, 1, axis=0)).sum(1), -1.0, 1.0)))
    assert turns.sum() < 900.0, "it has teeth: a round loop turns by 360 degrees, one over shoulders by 780"
    assert set(loop) <= set(np.flatnonzero(base.groups["bust"] > 0.5))


def test_the_shapes_are_arkits(base):
    assert set(base.shapes) == ARKIT and len(ARKIT) == 52
    skin = base.parts["skin"]
    for name, delta in base.shapes.items():
        assert 0.002 < np.abs(delta).max() < 0.06, name
        assert (name == "tongueOut") == (not delta[skin].any()), name
    lids, clear = base.lids[0], base.shapes["eyeBlinkLeft"]
    assert np.abs(clear[lids]).max() > 0.005 > np.abs(clear[base.lids[1]]).max()
    for jaw, moves in (("lower_teeth", True), ("upper_teeth", False)):
        assert (np.abs(base.shapes["jawOpen"][base.parts[jaw]]).max() > 0.005) == moves


def test_uv_islands_lie_apart_in_the_square(base):
    assert base.uv.min() > 0.0 and base.uv.max() < 1.0
    a, b, c, d = np.moveaxis(base.uv[base.face_uv], 1, 0)
    diagonals = (c - a), (d - b)
    area = 0.5 * (diagonals[0][:, 0] * diagonals[1][:, 1] - diagonals[0][:, 1] * diagonals[1][:, 0])
    assert np.mean(area > 0.0) > 0.99 or np.mean(area < 0.0) > 0.99  # none is mirrored
    assert 0.35 < np.abs(area).sum() < 0.7


def test_groups_cover_the_skin(base):
    assert set(base.groups) == {*"face ears lips lids brows mouth sockets neck bust scalp".split()}
    parts = "face", "ears", "neck", "scalp", "bust", "mouth", "sockets"
    whole = np.max([base.groups[name] for name in parts], axis=0)
    assert whole.min() >= 0.4
    scalp = base.vertices[: len(whole)][base.groups["scalp"] > 0.5]
    assert scalp[:, 1].min() > -0.09 and scalp[scalp[:, 2] > 0.04, 1].min() > 0.05  # in front it is above the brows
    ears = base.vertices[: len(whole)][base.groups["ears"] > 0.5]
    assert np.abs(ears[:, 0]).min() > 0.055


def test_landmarks_and_lids_lie_where_they_must(base):
    points = np.einsum("ij,ijk->ik", base.multipie_weights, base.vertices[base.multipie_corners])
    assert points[8, 1] < points[57, 1] < points[30, 1] < points[36, 1]  # chin, lower lip, nose, eye
    for row, name in enumerate(("left_eye", "right_eye")):
        eye = base.vertices[base.parts[name]]
        centre = eye.mean(0)
        radius = np.linalg.norm(eye - centre, axis=1).mean()
        off = np.linalg.norm(base.vertices[base.lids[row]] - centre, axis=1) - radius
        assert np.abs(off - base.lid_clearance[row]).max() < 0.001
    apart = np.diff(base.vertices[base.lip_seam], axis=1)
    assert np.linalg.norm(apart, axis=-1).max() < 0.004


def test_teeth_stand_in_their_jaws(base):
    for lower, name in ((True, "lower_teeth"), (False, "upper_teeth")):
        helper = base.vertices[base.parts[name]]
        teeth = base.teeth_vertices[base.teeth_lower == lower]
        assert np.abs(teeth.mean(0) - helper.mean(0)).max() < 0.01
    assert base.teeth.texture.shape == (512, 512, 3)


def test_another_file_is_refused(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "head")
    data = bytearray((folder / FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / FILE).write_bytes(data)
    with pytest.raises(PortraitError, match="was changed"):
        read_head_base(folder)
    (folder / FILE).unlink()
    with pytest.raises(PortraitError, match="install the program again"):
        read_head_base(folder)


def test_similarity_finds_what_was_done():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(9, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    scale, rotation, shift = similarity(points, 1.7 * points @ turn.T + (1.0, 2.0, 3.0), rng.uniform(0.1, 1.0, 9))
    assert scale == pytest.approx(1.7) and np.allclose(rotation, turn) and np.allclose(shift, (1.0, 2.0, 3.0))


def test_the_topology_is_the_data_packs(base):
    from training.evaluation.true_heads import source_vertices
    from training.synthetic.assets import AssetPack
    from training.synthetic.skin_quads import skin_quads

    pack = AssetPack(data_pack())
    skin = skin_quads(pack.base)
    assert not (skin & ~pack.base["quad_bust"]).any() and (skin | ~pack.base["quad_head"]).all()
    assert np.array_equal(source_vertices(pack)[base.faces], pack.base["faces"][skin])


def test_the_space_is_made_of_components():
    from training.head.space import principal_components

    rng = np.random.default_rng(3)
    directions = rng.normal(size=(3, 5, 3)).astype(np.float32)
    heads = 1.0 + np.tensordot(rng.normal(size=(400, 3)).astype(np.float32), directions, 1)
    space = principal_components(heads, np.ones(5), 0.9999)
    assert len(space.modes) == 3
    around = (heads - space.mean).reshape(400, -1)
    scores = np.linalg.lstsq(space.modes.reshape(3, -1).T, around.T, rcond=None)[0]
    assert np.allclose(scores.std(1), 1.0, atol=1e-3)
    assert np.abs(around - scores.T @ space.modes.reshape(3, -1)).max() < 1e-4
