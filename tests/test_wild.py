"""Look-alikes: what is known of a sitter arrives where its pixels arrive, the same seed gives the same bytes."""

import dataclasses
import json
import types

import numpy as np
import pytest

from inference.errors import FaceUnusable, PhotoUnusable
from tests.portraits import analytic_portrait
from training import wild
from training.errors import TrainingError
from training.evaluation import alignments, look_alikes, outcomes, places, truth
from training.evaluation.look_alikes import MADE, REFUSED, WARNED
from training.evaluation.sitters import EXACT, REFERENCE, Sitter, is_plain

EYES, EYE_CHANNELS = (33, 263), (0, 2)  # marked by a red and a blue dot; the sitter is green
GREEN = 200
HEIGHT, WIDTH = 400, 360
FACE = np.array([[120.0, 130.0], [240.0, 280.0]])  # box of the landmarks


def _sitter(name="anna", plain=True):
    """A green bust with a dot on either eye, cut off by the picture's lower border."""
    rng = np.random.default_rng(5)
    landmarks = rng.uniform(*FACE, (468, 2))
    named = {10: (180, 130), 152: (180, 280), 17: (180, 250), 1: (180, 200), 234: (120, 190), 454: (240, 190),
             105: (150, 155), 334: (210, 155), 33: (140, 170), 263: (220, 170)}  # fmt: skip
    landmarks[list(named)] = list(named.values())
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    head = np.hypot((x - 180) / 90, (y - 190) / 120)
    bust = np.hypot((x - 180) / 140, (y - 420) / 110)
    alpha = np.clip(8 * (1 - np.minimum(head, bust)) + 0.5, 0, 1)
    photo = np.zeros((HEIGHT, WIDTH, 3))
    photo[..., 1] = GREEN
    for eye, channel in zip(EYES, EYE_CHANNELS, strict=True):
        distance = np.hypot(x - landmarks[eye, 0], y - landmarks[eye, 1])
        photo[..., channel] = 250 * np.exp(-((distance / 4.0) ** 2) / 2)
    photo = np.round(photo).astype(np.uint8)
    cutout = np.dstack([photo, np.round(255 * alpha).astype(np.uint8)])
    crop = np.array([[1.3, 0.05, 10.0], [-0.05, 1.3, 20.0]])
    return Sitter(name, photo, cutout if plain else None, landmarks, crop, 12.5, -3.25, REFERENCE)


def _black():
    return {"night": np.zeros((64, 128, 3), np.uint8)}


def _noise():
    rng = np.random.default_rng(9)
    return {name: rng.integers(0, 256, (64, 128, 3), dtype=np.uint8) for name in ("forest", "street")}


def _people():
    exact = dataclasses.replace(_sitter("head"), pose_from=EXACT, yaw=47.0)
    return {"photo": [_sitter("anna"), _sitter("bert"), _sitter("carl", plain=False)], "synthetic": [exact]}


def _made(panoramas, seed=3, part=0.12):
    return list(look_alikes.make_all(_people(), panoramas, seed, part))


@pytest.fixture(scope="module")
def at_night():
    """Look-alikes before black."""
    return _made(_black())


def _centroid(channel, near, reach):
    """Centre of brightness (x, y), corners at integers, of a channel within reach of a point."""
    (x0, y0), (x1, y1) = np.floor(near - reach).astype(int), np.ceil(near + reach).astype(int)
    part = channel[y0:y1, x0:x1].astype(float)
    part = np.clip(part - 0.15 * part.max(), 0, None)
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    return np.array([(part * x).sum(), (part * y).sum()]) / part.sum()


def test_truth_travels_with_the_pixels(at_night):
    """Every recipe: the dots painted on the eyes lie where the landmarks say; crop, box and roll move along."""
    seen = set()
    for item in at_night:
        how = item.variant.rstrip("0123456789")
        height, width = item.picture.shape[:2]
        for face in item.faces:
            sitter, checked = _sitter(), 0
            scale = np.linalg.norm(face.landmarks[33] - face.landmarks[263]) / 80
            if how not in ("grey", "noise"):  # no dots can be told there
                for eye, channel in zip(EYES, EYE_CHANNELS, strict=True):
                    point, reach = face.landmarks[eye], 9 * scale + 1.5
                    if (point - reach < 0).any() or (point + reach > (width, height)).any():
                        continue
                    np.testing.assert_allclose(_centroid(item.picture[..., channel], point, reach), point, atol=0.35)
                    checked += 1
                assert checked, item.id
            before, after = (
                np.linalg.inv(np.vstack([crop, (0, 0, 1)])) @ np.column_stack([points[list(EYES)], (1, 1)]).T
                for crop, points in (
                    (sitter.crop_to_photo, sitter.landmarks),
                    (face.crop_to_picture, face.landmarks),
                )
            )
            np.testing.assert_allclose(before, after, atol=1e-9)  # the crop shows the same
            np.testing.assert_allclose(face.box, [*face.landmarks.min(0), *face.landmarks.max(0)])
            assert (face.yaw, face.pitch) in ((12.5, -3.25), (47.0, -3.25))
        seen.add((item.kind, how))
    tight = {("tight", how) for how in ("forehead", "chin", "ear", "half", "border")}
    assert seen >= tight | {("spoilt", how) for how in ("jpeg", "noise", "grey")}
    assert {kind for kind, _ in seen} == set(look_alikes.KINDS)


def test_mattes_are_exact(at_night):
    """Over black a green sitter is as bright as its matte says, and nothing else is."""
    compared = 0
    for item in at_night:
        if item.matte is not None and item.kind in ("cluttered", "rolled", "turned"):
            dimmed = GREEN * look_alikes.LIGHT[1][0]  # before black: to the limit
            bright = item.picture[..., 1] * (255 / dimmed)
            np.testing.assert_allclose(bright, item.matte, atol=2.0)
            assert (item.matte > 250).sum() > 5000
            compared += 1
    assert compared == 12 + 5 + 7


def test_the_larger_of_two_people_is_the_first_and_owns_the_matte(at_night):
    pairs = [item for item in at_night if item.kind == "two people"]
    assert len(pairs) == 4
    for item in pairs:
        sides = [np.linalg.norm(face.crop_to_picture[:, 0]) for face in item.faces]
        assert 0.49 < sides[1] / sides[0] < 0.89
        owners = [item.matte[tuple(face.landmarks[1].astype(int)[::-1])] for face in item.faces]
        assert owners == [255, 0]


def test_nothing_cut_off_shows_in_the_middle_of_a_picture(at_night):
    """Where a sitter's own picture ends, the look-alike's frame ends too."""
    for item in at_night:
        if item.kind in ("cluttered", "rolled"):
            face, sitter = item.faces[0], _sitter()
            here = np.column_stack([sitter.landmarks, np.ones(468)])
            to_item = np.linalg.lstsq(here, face.landmarks, rcond=None)[0].T
            cuts = look_alikes.mapped(to_item, look_alikes.cut_points(sitter.cutout))
            height, width = item.picture.shape[:2]
            assert not ((cuts > 1) & (cuts < (width - 1, height - 1))).all(1).any()


def test_similarities_in_closed_form():
    about = look_alikes.similarity(2.0, 90.0, (10, 20))
    np.testing.assert_allclose(look_alikes.mapped(about, [(11, 20), (10, 20)]), [(10, 22), (10, 20)], atol=1e-12)
    first = look_alikes.similarity(0.5, 30.0, (3, 4), (7, 8))
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(look_alikes.mapped(look_alikes.after(about, first), points),
                               look_alikes.mapped(about, look_alikes.mapped(first, points)))  # fmt: skip
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    quarter = look_alikes.similarity(1.0, 90.0, (3.5, 2.5), (2.5, 3.5))
    np.testing.assert_array_equal(look_alikes.moved(image, quarter, (5, 7)), np.rot90(image, -1))


def test_widest_frame():
    cuts = np.array([(5.0, 30.0), (50.0, 5.0), (95.0, 55.0), (50.0, 90.0)])
    frame = look_alikes.widest_frame((40, 40, 60, 60), cuts, (0, 0, 100, 100))
    assert frame.tolist() == [5, 5, 95, 90]
    assert look_alikes.widest_frame((40, 40, 60, 60), np.array([(50.0, 50.0)]), (0, 0, 100, 100)) is None


def test_a_panorama_is_seen_where_the_camera_looks():
    azimuth = (np.arange(360) + 0.5 - 180.0)[None].repeat(180, 0)
    elevation = (90.0 - np.arange(180) - 0.5)[:, None].repeat(360, 1)
    coded = [np.clip(angle + 100, 0, 200) for angle in (azimuth, elevation, 0 * azimuth)]
    panorama = np.dstack(coded).astype(np.uint8)
    for yaw, pitch, fov in ((0, 0, 60), (30, 10, 40), (-50, -12, 90)):
        seen = places.perspective(panorama, yaw, pitch, fov, (201, 101)).astype(float)
        np.testing.assert_allclose(seen[50, 100, :2], (yaw + 100, pitch + 100), atol=1.5)
        if pitch == 0:
            np.testing.assert_allclose(seen[50, [0, 200], 0], (100 - fov / 2, 100 + fov / 2), atol=1.5)
        else:
            assert (seen[0, 100, 1] > seen[100, 100, 1]) and (seen[50, 0, 0] < seen[50, 200, 0])


def test_plain_backdrops_are_told_from_flags():
    matte = np.zeros((60, 80), np.float32)
    matte[20:, 30:50] = 1.0
    photo = np.full((60, 80, 3), 120, np.uint8)
    photo[matte > 0] = (250, 0, 30)
    assert is_plain(photo, matte)
    photo[:, 60:] = 20
    assert not is_plain(photo, matte)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """One set made twice by the same seed, and once by another."""
    folders = {}
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        folders[name] = tmp_path_factory.mktemp(name)
        truth.write_set(_made(_noise(), seed, 0.02), folders[name], seed, {"id": "none", "sha256": ""})
    return folders


def _files(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_same_seed_gives_the_same_bytes(sets):
    first, again, other = (_files(sets[name]) for name in ("first", "again", "other"))
    assert first == again
    assert len(first) > len(look_alikes.KINDS)
    assert first["pictures/no_face-0.jpg"] != other["pictures/no_face-0.jpg"]


def test_a_set_is_read_as_it_was_written(sets):
    found = truth.read_set(sets["first"])
    items = {item.id: item for item in _made(_noise(), 3, 0.02)}
    assert {item["id"] for item in found["items"]} == set(items)
    for item in found["items"]:
        picture, matte = truth.open_item(sets["first"], item)
        made = items[item["id"]]
        assert np.abs(picture.astype(float) - made.picture).mean() < 25  # noise in JPEG
        assert (matte is None and made.matte is None) or (matte == made.matte).all()
        assert item["half"] == look_alikes.half_of(item["id"])
        for face, true in zip(item["faces"], made.faces, strict=True):
            np.testing.assert_allclose(face["landmarks"], true.landmarks, atol=0.006)
            np.testing.assert_allclose(face["crop_to_picture"], true.crop_to_picture, atol=1e-6)


def test_halves_are_halves():
    halves = [look_alikes.half_of(f"cluttered-A{number:06d}-0") for number in range(400)]
    assert 160 < halves.count("tune") < 240


def _item(data):
    return next(item for item in data["items"] if item["faces"])


BREAKS = {
    "no format": lambda data: data.pop("format"),
    "another version": lambda data: data.update(version=99),
    "an item without id": lambda data: data["items"][0].pop("id"),
    "an id twice": lambda data: data["items"].append(data["items"][0]),
    "a half that is none": lambda data: _item(data).update(half="middle"),
    "an outcome that is none": lambda data: _item(data).update(expected=["perhaps"]),
    "nothing expected": lambda data: _item(data).update(expected=[]),
    "a picture elsewhere": lambda data: _item(data).update(picture="../secret.jpg"),
    "an absolute matte": lambda data: _item(data).update(matte="/etc/matte.png"),
    "few landmarks": lambda data: _item(data)["faces"][0].update(landmarks=[[0, 0]]),
    "a box of text": lambda data: _item(data)["faces"][0].update(box=["a", 0, 0, 0]),
    "an infinite crop": lambda data: _item(data)["faces"][0].update(crop_to_picture=[[1e999, 0, 0], [0, 1, 0]]),
    "a pose from nowhere": lambda data: _item(data)["faces"][0].update(pose_from="a guess"),
    "a portrait of nobody": lambda data: _item(data).update(faces=[]),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_truth_is_refused(sets, tmp_path, name):
    data = truth.read_set(sets["first"])
    BREAKS[name](data)
    (tmp_path / truth.TRUTH).write_text(json.dumps(data))
    with pytest.raises(TrainingError, match=r"truth\.json is broken") as caught:
        truth.read_set(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_and_cut_files_are_named(sets, tmp_path):
    with pytest.raises(TrainingError, match="cannot read"):
        truth.read_set(tmp_path)
    (tmp_path / truth.TRUTH).write_text('{"format"')
    with pytest.raises(TrainingError, match="is broken"):
        truth.read_set(tmp_path)
    item = _item(truth.read_set(sets["first"]))
    with pytest.raises(TrainingError, match="make the set again"):
        truth.open_item(tmp_path, item)


def test_framing_in_closed_form():
    true = np.array([[2.0, 0.0, 30.0], [0.0, 2.0, 40.0]])
    middle = look_alikes.mapped(true, [(128, 128)])[0]
    found = look_alikes.after(look_alikes.similarity(1.1, 20.0, middle, middle + (0.1 * 512, 0)), true)
    row = outcomes.framing(found, true)
    assert row == pytest.approx({"centre": 0.1, "scale": 0.1, "roll": 20.0})
    smaller = look_alikes.after(look_alikes.similarity(0.8, -170.0, middle), true)
    assert outcomes.framing(smaller, true) == pytest.approx({"centre": 0.0, "scale": 0.25, "roll": 170.0})


def test_silhouette_counts_what_is_kept_and_lost_where_the_photo_is():
    matte, alpha, known, above = (np.zeros((10, 10)) for _ in range(4))
    matte[:, 2:6], alpha[:, 4:9] = 1.0, 1.0
    known, above = known.astype(bool), above.astype(bool)
    known[:, :8], above[:5] = True, True
    row = outcomes.silhouette(alpha, matte, known, above)
    assert row == pytest.approx({"silhouette": 10 / 30, "kept": 10 / 20, "lost": 10 / 20})


def _outcome(monkeypatch, item, result, matte=None):
    def invert(picture, model):
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(outcomes, "invert_photo", invert)
    return outcomes.measure(item, np.zeros((256, 256, 3), np.uint8), matte, None)


def test_outcomes(monkeypatch):
    portrait = analytic_portrait()
    crop = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    portrait = dataclasses.replace(portrait, crop_to_photo=crop)
    alignment = types.SimpleNamespace(crop_to_photo=crop, yaw=4.0, pitch=1.0)
    face = {"crop_to_picture": crop.tolist(), "yaw": 1.0, "pitch": 2.0}
    item = {"id": "a", "kind": "tight", "half": "tune", "expected": [WARNED], "reason": None, "faces": [face]}

    def inversion(*warnings):
        report = {"warnings": [{"code": code, "text": "…"} for code in warnings]}
        return types.SimpleNamespace(portrait=portrait, alignment=alignment, report=report)

    size = len(portrait.crop)
    alpha = outcomes.render_view(portrait, portrait.camera).alpha
    matte = np.round(255 * alpha).astype(np.uint8)
    assert matte.shape == (size, size)
    row = _outcome(monkeypatch, item, inversion("tight-crop"), matte)
    assert (row["outcome"], row["as_expected"], row["right_face"]) == (WARNED, True, True)
    assert row["message"] == "tight-crop"
    assert (row["yaw"], row["pitch"]) == (3.0, 1.0)
    assert row["silhouette"] > 0.99 and row["kept"] == 0 and row["lost"] == 0
    assert _outcome(monkeypatch, item, inversion())["as_expected"] is False  # no word of the tight crop
    elsewhere = item | {"faces": [face | {"crop_to_picture": (crop + [[0, 0, 120], [0, 0, 0]]).tolist()}]}
    row = _outcome(monkeypatch, elsewhere, inversion("tight-crop"), matte)
    assert (row["right_face"], row["as_expected"]) == (False, False) and "yaw" not in row
    small = item | {"expected": [REFUSED], "reason": "small"}
    assert _outcome(monkeypatch, small, PhotoUnusable("the face is too small; take another"))["as_expected"]
    assert not _outcome(monkeypatch, small, FaceUnusable("no face was found"))["as_expected"]
    row = _outcome(monkeypatch, small, RuntimeError("boom"))
    assert (row["outcome"], row["as_expected"], row["message"]) == (outcomes.CRASHED, False, "RuntimeError: boom")
    nobody = item | {"faces": [], "expected": [REFUSED]}
    assert _outcome(monkeypatch, nobody, inversion())["as_expected"] is False


def test_alignments(monkeypatch):
    """Landmarks a tenth of the eyes' distance to the right; of a photographed sitter, seen twice, once turned."""
    crop, points = np.array([[2.0, 0.0, 30.0], [0.0, 2.0, 40.0]]), _sitter().landmarks
    eyes = np.linalg.norm(points[[33, 133]].mean(0) - points[[263, 362]].mean(0))
    face = {"sitter": "head", "pose_from": EXACT, "landmarks": points.tolist(), "crop_to_picture": crop.tolist()}
    face |= {"yaw": -32.0, "pitch": 1.0}
    item = {"kind": "turned", "faces": [face]}
    found = [types.SimpleNamespace(landmarks=points + (0.1 * eyes, 0.0))]
    alignment = types.SimpleNamespace(crop_to_photo=crop, yaw=-30.0, pitch=1.5)
    monkeypatch.setattr(alignments, "find_faces", lambda picture, model: found)
    monkeypatch.setattr(alignments, "align", lambda picture, face, model: alignment)
    turned = alignments.measure(item, None, None)
    assert {name: turned[name] for name in ("landmarks", "yaw", "pitch", "centre")} == pytest.approx(
        {"landmarks": 0.1, "yaw": 2.0, "pitch": 0.5, "centre": 0.0}
    )
    rows = [turned]
    for shift in (0.0, 0.2):
        found[0].landmarks = points + (shift * eyes, 0.0)
        rows.append(alignments.measure({"kind": "small", "faces": [face | {"pose_from": REFERENCE}]}, None, None))
    alignments.add_spread(rows)
    assert [row.get("spread") for row in rows] == [None, pytest.approx(0.1), pytest.approx(0.1)]
    alignment.crop_to_photo = crop + [[0, 0, 200], [0, 0, 0]]
    rows.append(alignments.measure(item, None, None))
    assert not alignments.measure({"kind": "no face", "faces": []}, None, None)["right"]
    head, *lines = alignments.table(rows)
    cells = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    assert list(cells) == ["small", "turned", "turned by 30 to 45°", "all"]
    assert cells["turned by 30 to 45°"]["right face, or rightly none"] == "50.0 % (1 of 2)"
    assert (cells["all"]["landmarks, % of the eyes' distance"], cells["small"]["their spread, %"]) == ("10.0", "10.0")


def test_table_by_kind():
    common = {"kind": "cluttered", "half": "tune", "outcome": MADE, "message": "", "as_expected": True}
    made = common | {"right_face": True, "silhouette": 0.95, "kept": 0.05, "lost": 0.0, "centre": 0.02, "scale": 0.01}
    made |= {"roll": 1.0, "yaw": 3.0, "pitch": 7.0}
    refused = {"kind": "no face", "half": "tune", "outcome": REFUSED, "message": "no 1 face 22", "as_expected": True}
    rows = [made, made | {"silhouette": 0.91, "kept": 0.0}, refused]
    head, cluttered, nobody, total, bars = outcomes.table(rows)
    cell = dict(zip(head, cluttered, strict=True))
    assert (cell["photos"], cell["wrong face"], cell["IoU, median"]) == ("2", "0", "0.930")
    assert cell["IoU ≥ 0.93"] == cell["backdrop > 3 %"] == "50.0 % (1 of 2)"
    assert (cell["yaw"], cell["crop's centre, % of its side"]) == ("3.0°", "2.0")
    assert (nobody[0], total[0], bars[0], total[1]) == ("no face", "all", "bar", "3")
    assert outcomes.messages(rows)[1:] == [[REFUSED, "no face", "1", "no … face …"]]


def test_measuring_goes_on_only_with_the_same_model_and_set(tmp_path):
    path, subject = tmp_path / "wild.json", {"model": "a", "sha256": "b", "set": "c"}
    assert wild.earlier_rows(path, subject) == []
    wild.save_rows(path, subject, [{"id": "x"}])
    assert wild.earlier_rows(path, subject) == [{"id": "x"}]
    with pytest.raises(TrainingError, match="another model or set"):
        wild.earlier_rows(path, subject | {"sha256": "z"})
    path.write_text("{")
    with pytest.raises(TrainingError, match="cannot go on"):
        wild.earlier_rows(path, subject)


def test_turned_heads_are_turned_as_far_as_asked():
    pytest.importorskip("scipy")
    from training.synthetic.generate import true_camera

    yaws = [true_camera(np.random.default_rng(seed), (15.0, 60.0))[1][0] for seed in range(60)]
    assert 15 <= np.abs(yaws).min() < 22 and 53 < np.abs(yaws).max() <= 60
    assert 15 < np.sum(np.array(yaws) > 0) < 45
