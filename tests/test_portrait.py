"""The portrait file: round trip, determinism, and hostile files."""

import dataclasses

import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry.rims import Rim
from inference.portrait import load_portrait, save_portrait
from tests.hostile.portraits import repack, setter
from tests.portraits import analytic_portrait


@pytest.fixture(scope="module")
def portrait():
    return analytic_portrait("sphere", texture=64)


@pytest.fixture(scope="module")
def packed(portrait, tmp_path_factory):
    path = tmp_path_factory.mktemp("portrait") / "portrait.manifolds"
    save_portrait(portrait, path)
    return path.read_bytes()


def test_round_trip(portrait, packed, tmp_path):
    path = tmp_path / "p.manifolds"
    path.write_bytes(packed)
    loaded = load_portrait(path)
    for name in ("textures", "radii", "crop", "crop_to_photo"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(portrait, name))
    np.testing.assert_array_equal(loaded.camera.camera_to_world, portrait.camera.camera_to_world)
    for name in ("photo_size", "photo_name", "model_id", "model_sha256", "settings", "pose"):
        assert getattr(loaded, name) == getattr(portrait, name)


@pytest.fixture(scope="module")
def detailed(portrait, tmp_path_factory):
    detail = np.random.default_rng(0).integers(0, 256, (96, 80, 3), np.uint8)
    path = tmp_path_factory.mktemp("portrait") / "detailed.manifolds"
    save_portrait(dataclasses.replace(portrait, detail=detail), path)
    return detail, path.read_bytes()


@pytest.fixture(scope="module")
def parted(portrait, tmp_path_factory):
    parts = np.random.default_rng(2).integers(0, 256, (40, 48, 3), np.uint8)
    path = tmp_path_factory.mktemp("portrait") / "parted.manifolds"
    save_portrait(dataclasses.replace(portrait, parts=parts), path)
    return parts, path.read_bytes()


@pytest.fixture(scope="module")
def rimmed(portrait, tmp_path_factory):
    rng = np.random.default_rng(1)
    places = np.float32([rng.uniform(1.5, 1.7, (8, 8)), rng.uniform(0.0, 1.0, (8, 8))])
    rim = Rim(rng.integers(0, 256, (96, 80, 4), np.uint8), places, portrait.camera)
    path = tmp_path_factory.mktemp("portrait") / "rimmed.manifolds"
    save_portrait(dataclasses.replace(portrait, rim=rim), path)
    return rim, path.read_bytes()


def test_round_trip_of_the_rim(portrait, rimmed, tmp_path):
    path, (rim, data) = tmp_path / "p.manifolds", rimmed
    path.write_bytes(data)
    loaded = load_portrait(path)
    np.testing.assert_array_equal(loaded.rim.picture, rim.picture)
    np.testing.assert_array_equal(loaded.rim.places, rim.places)
    np.testing.assert_array_equal(loaded.rim.camera.camera_to_world, portrait.camera.camera_to_world)
    path.write_bytes(repack(data, setter("format_version", value=1)))
    assert load_portrait(path).rim is None


def test_round_trip_of_the_detail_map(portrait, detailed, tmp_path):
    path, (detail, data) = tmp_path / "p.manifolds", detailed
    path.write_bytes(data)
    loaded = load_portrait(path)
    np.testing.assert_array_equal(loaded.detail, detail)
    np.testing.assert_array_equal(loaded.textures, portrait.textures)


def test_round_trip_of_the_parts(portrait, parted, packed, tmp_path):
    path, (parts, data) = tmp_path / "p.manifolds", parted
    for version, wanted in ((3, parts), (1, None)):
        path.write_bytes(repack(data, setter("format_version", value=version)))
        np.testing.assert_array_equal(load_portrait(path).parts, wanted)
    path.write_bytes(packed)
    assert load_portrait(path).parts is None


def test_files_without_a_detail_map(portrait, packed, detailed, tmp_path):
    """Those of the first version, whatever else lies in them, and new ones of photos that have no detail."""
    path = tmp_path / "p.manifolds"
    first = setter("format_version", value=1)
    for data in (packed, repack(packed, first), repack(detailed[1], first)):
        path.write_bytes(data)
        loaded = load_portrait(path)
        assert loaded.detail is None
    path.write_bytes(packed)
    np.testing.assert_array_equal(load_portrait(path).textures, portrait.textures)


def test_landmarks_are_kept_to_a_thousandth_of_a_pixel(portrait, packed, tmp_path):
    points = np.random.default_rng(0).uniform(-20, 280, (468, 2)).astype(np.float32)
    save_portrait(dataclasses.replace(portrait, landmarks=points), tmp_path / "p.manifolds")
    found = load_portrait(tmp_path / "p.manifolds").landmarks
    assert found.dtype == np.float32 and np.abs(found - points).max() < 6e-4
    (tmp_path / "p.manifolds").write_bytes(packed)
    assert load_portrait(tmp_path / "p.manifolds").landmarks is None


def test_same_portrait_same_bytes(portrait, packed, tmp_path):
    save_portrait(portrait, tmp_path / "again.manifolds")
    assert (tmp_path / "again.manifolds").read_bytes() == packed


def test_failed_save_leaves_the_old_file(portrait, tmp_path):
    path = tmp_path / "p.manifolds"
    path.write_bytes(b"old")
    broken = dataclasses.replace(portrait, settings={"not": object()})
    with pytest.raises(TypeError):
        save_portrait(broken, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


DETAILS = {
    "too large": (setter("detail", value=[4096, 96, 3]), {}),
    "four channels": (setter("detail", value=[96, 80, 4]), {}),
    "another size": (setter("detail", value=[96, 81, 3]), {}),
    "no shape": (setter("detail", value=None), {}),
    "missing": (None, dict(detail_png=None)),
    "no picture": (None, dict(detail_png=b"GIF89a")),
}


@pytest.mark.parametrize("name", DETAILS)
def test_hostile_detail_map(detailed, tmp_path, name):
    change, members = DETAILS[name]
    refused(tmp_path, repack(detailed[1], change, **members))


PARTS = {
    "too large": (setter("parts", value=[1024, 48, 3]), {}),
    "four channels": (setter("parts", value=[40, 48, 4]), {}),
    "another size": (setter("parts", value=[48, 40, 3]), {}),
    "no shape": (setter("parts", value=True), {}),
    "empty": (setter("parts", value=[0, 48, 3]), {}),
    "missing": (None, dict(parts_png=None)),
    "no picture": (None, dict(parts_png=b"PK")),
}


@pytest.mark.parametrize("name", PARTS)
def test_hostile_parts(parted, tmp_path, name):
    change, members = PARTS[name]
    refused(tmp_path, repack(parted[1], change, **members))


def places(depth=1.6, weight=0.5):
    return np.float32([np.full((8, 8), depth), np.full((8, 8), weight)]).tobytes()


RIMS = {
    "too large": (setter("rim", value=[4096, 96, 4]), {}),
    "three channels": (setter("rim", value=[96, 80, 3]), {}),
    "another size": (setter("rim", value=[96, 81, 4]), {}),
    "no places": (setter("rim_places", value=None), {}),
    "three planes": (setter("rim_places", value=[3, 8, 8]), {}),
    "too many places": (setter("rim_places", value=[2, 4096, 8]), {}),
    "one plane": (setter("rim_places", value=[1, 8, 16]), {}),
    "missing": (None, dict(rim_png=None)),
    "missing places": (None, dict(rim_f32=None)),
    "short places": (None, dict(rim_f32=places()[:-4])),
    "not a number": (None, dict(rim_f32=places(depth=np.nan))),
    "behind the camera": (None, dict(rim_f32=places(depth=-1.0))),
    "weight above one": (None, dict(rim_f32=places(weight=2.0))),
}


@pytest.mark.parametrize("name", RIMS)
def test_hostile_rim(rimmed, tmp_path, name):
    change, members = RIMS[name]
    refused(tmp_path, repack(rimmed[1], change, **members))


@pytest.mark.parametrize("points", [[[1, 2, 3]], [[1, 1e999]], "nose", [[1, 2]] * 5000], ids=range(4))
def test_hostile_landmarks(packed, tmp_path, points):
    refused(tmp_path, repack(packed, setter("landmarks", value=points)))


def test_random_damage(packed, tmp_path):
    """Flipped bytes: a clear error or a portrait, never another exception."""
    random = np.random.default_rng(0)
    path = tmp_path / "p.manifolds"
    for _ in range(60):
        data = bytearray(packed)
        for place in random.integers(0, len(data), random.integers(1, 6)):
            data[place] = random.integers(0, 256)
        path.write_bytes(data)
        try:
            load_portrait(path)
        except PortraitError as error:
            assert "\n" not in str(error)


def test_paths(tmp_path):
    with pytest.raises(PortraitError, match="no portrait file"):
        load_portrait(tmp_path / "missing.manifolds")
    with pytest.raises(PortraitError, match="folder"):
        load_portrait(tmp_path)


def test_name_without_folders(packed, tmp_path):
    path = tmp_path / "p.manifolds"
    path.write_bytes(repack(packed, setter("photo", "name", value="..\\..\\etc/passwd")))
    assert load_portrait(path).photo_name == "passwd"


def refused(folder, data, says="portrait"):
    path = folder / "p.manifolds"
    path.write_bytes(data)
    with pytest.raises(PortraitError, match=says) as caught:
        load_portrait(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
