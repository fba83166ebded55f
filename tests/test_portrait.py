"""The portrait file: round trip, determinism, and hostile files."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from inference.errors import PortraitError
from inference.geometry.rims import Rim
from inference.portrait import load_portrait, save_portrait
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


def test_files_without_a_detail_map(portrait, packed, detailed, tmp_path):
    """Those of the first version, whatever else lies in them, and new ones of photos that have no detail."""
    path = tmp_path / "p.manifolds"
    first = setter("format_version", value=1)
    for data in (packed, repack(packed, first), repack(detailed[1], first)):
        path.write_bytes(data)
        loaded = load_portrait(path)
        assert loaded.detail is None
        np.testing.assert_array_equal(loaded.textures, portrait.textures)


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


def repack(packed, change=None, compression=zipfile.ZIP_DEFLATED, **members):
    """The same zip with a changed header or other members; None drops a member."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(out, "w", compression) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "portrait.json" and change:
                header = json.loads(data)
                change(header)
                data = json.dumps(header).encode()
            key = name.replace("/", "_").replace(".", "_")
            if key in members:
                data = members[key]
            if data is not None:
                target.writestr(name, data)
    return out.getvalue()


def png(width, height, mode="RGBA"):
    from PIL import Image

    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, "PNG")
    return out.getvalue()


def setter(*keys, value):
    def change(header):
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


HEADERS = {
    "newer": (setter("format_version", value=3), "newer version"),
    "version is text": (setter("format_version", value="1"), "version"),
    "version zero": (setter("format_version", value=0), "version"),
    "other format": (setter("format", value="x"), "format"),
    "huge textures": (setter("textures", value=[24, 2000000, 2000000, 4]), "textures"),
    "many sheets": (setter("textures", value=[1000, 64, 64, 4]), "textures"),
    "large in all": (setter("textures", value=[60, 2048, 2048, 4]), "shapes|larger"),
    "negative": (setter("textures", value=[24, -64, 64, 4]), "textures"),
    "bool shape": (setter("textures", value=[24, True, 64, 4]), "textures"),
    "float shape": (setter("radii", value=[23, 81.0, 81]), "radii"),
    "three channels": (setter("textures", value=[24, 64, 64, 3]), "shapes"),
    "radii mismatch": (setter("radii", value=[22, 81, 81]), "shapes|size"),
    "radii tiny": (setter("radii", value=[23, 1, 1]), "shapes"),
    "crop shape": (setter("crop", value=[256, 256]), "crop"),
    "crop size": (setter("crop", value=[128, 128, 3]), "crop"),
    "no camera": (setter("camera", value=None), "camera"),
    "camera nan": (setter("camera", "fx", value=float("nan")), "fx"),
    "camera key": (setter("camera", "hack", value=1), "hack"),
    "transform": (setter("crop_to_photo", value=[[1, 2], [3, 4]]), "transform"),
    "transform text": (setter("crop_to_photo", value="abc"), "not a readable"),
    "photo list": (setter("photo", value=[1]), "photo"),
    "photo size": (setter("photo", "size", value=[0, -1]), "size"),
    "settings": (setter("settings", value=3), "settings"),
    "pose": (setter("pose", value="left"), "pose"),
    "landmarks no pairs": (setter("landmarks", value=[[1, 2, 3]]), "landmarks"),
    "landmarks infinite": (setter("landmarks", value=[[1, 1e999]]), "landmarks"),
    "landmarks text": (setter("landmarks", value="nose"), "not a readable"),
    "many landmarks": (setter("landmarks", value=[[1, 2]] * 5000), "landmarks"),
    "model": (setter("model", value=None), "model"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_header(packed, tmp_path, name):
    change, says = HEADERS[name]
    refused(tmp_path, repack(packed, change), says)


MEMBERS = {
    "no header": dict(portrait_json=None),
    "header is a list": dict(portrait_json=b"[]"),
    "header is text": dict(portrait_json=b"hello"),
    "header not utf-8": dict(portrait_json=b"\xff\xfe{}"),
    "deep header": dict(portrait_json=b"[" * 100000),
    "huge header": dict(portrait_json=b" " * (2 << 20) + b"{}"),
    "no radii": dict(radii_f32=None),
    "short radii": dict(radii_f32=b"\0" * 100),
    "long radii": dict(radii_f32=b"\0" * 4 * 23 * 81 * 81 + b"\0"),
    "zero radii": dict(radii_f32=b"\0" * 4 * 23 * 81 * 81),
    "nan radii": dict(radii_f32=b"\xff" * 4 * 23 * 81 * 81),
    "bomb radii": dict(radii_f32=b"\0" * (64 << 20)),
    "no texture": dict(textures_07_png=None),
    "texture is no png": dict(textures_00_png=b"GIF89a"),
    "texture size": dict(textures_00_png=png(65, 64)),
    "texture mode": dict(textures_00_png=png(64, 64, "L")),
    "texture huge": dict(textures_00_png=png(6000, 6000, "L")),
    "truncated texture": dict(textures_03_png=png(64, 64)[:-30]),
    "empty texture": dict(textures_03_png=b""),
    "no crop": dict(crop_png=None),
    "crop bmp": dict(crop_png=b"BM" + b"\0" * 200),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_hostile_member(packed, tmp_path, name):
    refused(tmp_path, repack(packed, **MEMBERS[name]))


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


def test_declared_size_lies(packed, tmp_path):
    """A member that unpacks to more than its entry says."""
    lying = bytearray(repack(packed, radii_f32=b"\0" * (8 << 20)))
    true, false = (8 << 20).to_bytes(4, "little"), (4 * 23 * 81 * 81).to_bytes(4, "little")
    assert lying.count(true) >= 2
    refused(tmp_path, bytes(lying.replace(true, false)))


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\5\6" + b"\0" * 18, b"not a zip at all" * 50], ids=range(4))
def test_no_zip(tmp_path, data):
    refused(tmp_path, data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated(packed, tmp_path, share):
    refused(tmp_path, packed[: int(share * len(packed))])


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


def test_unknown_packing(packed, tmp_path):
    refused(tmp_path, repack(packed, compression=zipfile.ZIP_LZMA), "packed")


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
