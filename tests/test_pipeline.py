"""Pipeline, command line and batch, with stand-ins for the networks."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main
from inference.alignment.detection import Face
from inference.errors import Cancelled, PortraitError
from inference.photo.images import exr_bytes
from inference.pipeline import invert_photo
from inference.portrait import load_portrait, save_portrait
from tests.fakes import fake_model, fake_stages
from tests.portraits import analytic_portrait

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "anna.png"
    Image.new("RGB", (300, 320), (90, 120, 150)).save(path)
    return path


@pytest.fixture(scope="module")
def portrait_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "portrait.manifolds"
    save_portrait(analytic_portrait(texture=96), path)
    return path


@pytest.fixture
def stages(monkeypatch):
    fake_stages(monkeypatch)
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: fake_model(Path("fake")))


def test_a_device_that_fails_leaves_it_to_the_cpu(stages, photo, monkeypatch):
    """Said in the report; an error of the photo is none of the device, and the CPU's own error stays one."""
    from inference.alignment import align

    found, asked = align.find_faces, []

    def find_faces(pixels, model):
        asked.append(model.device)
        if model.device != "cpu":
            raise RuntimeError("CUDA failure 2: out of memory")
        return found(pixels, model)

    monkeypatch.setattr(align, "find_faces", find_faces)
    model = fake_model()
    model._devices = ["cuda", "cpu"]
    report = invert_photo(photo, model).report
    assert asked == ["cuda", "cpu"] and report["device"] == "cpu"
    assert [warning["code"] for warning in report["warnings"]] == ["device-failed"]
    monkeypatch.setattr(align, "find_faces", lambda *_: asked.append("none") or [])
    with pytest.raises(PortraitError, match="no face"):
        invert_photo(photo, model)
    assert asked[2:] == ["none"]
    model = fake_model()
    monkeypatch.setattr(align, "find_faces", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        invert_photo(photo, model)


def test_report(stages, photo):
    seen = []
    inversion = invert_photo(photo, fake_model(), progress=lambda fraction, text: seen.append((fraction, text)))
    report = inversion.report
    assert report["photo"] == {"name": "anna.png", "width": 300, "height": 320}
    assert len(report["face_box"]) == 4 and report["faces"] == 1 and report["warnings"] == []
    assert report["pose"] == {"yaw": 5.0, "pitch": 2.0, "roll": 0.0}
    assert set(report["timings_ms"]) == {"open", "find_faces", "align", "invert", "total"}
    assert report["model"]["id"] == "fake" and report["device"] == "cpu" and "numpy" in report["versions"]
    json.dumps(report, allow_nan=False)
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == 1.0
    assert inversion.portrait.photo_name == "anna.png" and inversion.portrait.photo_size == (300, 320)


def test_several_faces(monkeypatch, photo):
    fake_stages(monkeypatch, faces=3)
    inversion = invert_photo(photo, fake_model())
    assert "3 faces" in inversion.report["warnings"][0]["text"] and inversion.report["faces"] == 3
    second = invert_photo(photo, fake_model(), face=1)
    assert second.report["warnings"] == [] and second.report["face_box"][0] == inversion.report["face_box"][0] + 1
    with pytest.raises(PortraitError, match="no face 3"):
        invert_photo(photo, fake_model(), face=3)


def test_info_lists_the_faces_of_a_photo(monkeypatch, photo, capsys):
    """Each as `invert --face N` takes it."""
    fake_stages(monkeypatch, faces=2)
    model = fake_model(Path("fake"))
    model.geometry["mean_landmarks"] = mean = np.random.default_rng(0).normal(0, 0.05, (468, 3))
    places = [150.0 + 900.0 * mean[:, :2] * (1, -1), 150.0 + 300.0 * mean[:, :2] * (1, -1)]
    faces = [Face.at(landmarks, score) for landmarks, score in zip(places, (0.9, 0.5), strict=True)]
    monkeypatch.setattr("inference.alignment.align.find_faces", lambda photo, model: faces)
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: model)
    assert main(["info", str(photo)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["photo"] == {"name": "anna.png", "width": 300, "height": 320}
    large, small = found["faces"]
    assert (large["number"], large["score"], small["number"], small["score"]) == (0, 0.9, 1, 0.5)
    assert large["box"] == pytest.approx(faces[0].box, abs=0.1)
    assert (large["eyes"], small["eyes"]) == pytest.approx((0.063 * 900, 0.063 * 300), rel=0.15)
    assert abs(large["yaw"]) < 10 and large["problem"] == ""
    assert "unsure-face" in small["doubts"] and "too small" in small["problem"]


def test_no_face_and_own_crop(monkeypatch, photo):
    fake_stages(monkeypatch, faces=0)
    with pytest.raises(PortraitError, match="no face was found"):
        invert_photo(photo, fake_model())
    inversion = invert_photo(photo, fake_model(), crop=(150, 160, 200, 12.0))
    assert inversion.report["face_box"] is None and inversion.report["pose"]["roll"] == 12.0
    assert inversion.portrait.settings["crop"] == [150.0, 160.0, 200.0, 12.0]
    with pytest.raises(PortraitError, match="x, y, size"):
        invert_photo(photo, fake_model(), crop=(1, 2))


def test_landmarks_and_pose_by_hand(monkeypatch, photo, tmp_path):
    """They reach the alignment, no face is looked for, and what was set stands in the report."""
    fake_stages(monkeypatch, faces=0)
    from inference.alignment import align as module

    asked, stand_in = [], module.align

    def align(photo, face, model, yaw, pitch):
        asked.append((face.landmarks[7, 0], yaw, pitch))
        return stand_in(photo, face, model, yaw, pitch)

    monkeypatch.setattr(module, "align", align)
    landmarks = np.arange(936.0).reshape(468, 2)
    inversion = invert_photo(photo, fake_model(), landmarks=landmarks, yaw=20.0)
    assert asked == [(14.0, 20.0, None)] and inversion.report["faces"] is None
    assert {key: inversion.portrait.settings[key] for key in ("landmarks", "yaw", "pitch")} == {
        "landmarks": True, "yaw": 20.0, "pitch": None,
    }  # fmt: skip
    for wrong in (landmarks[:400], landmarks * np.nan):
        with pytest.raises(PortraitError, match="468 points"):
            invert_photo(photo, fake_model(), landmarks=wrong)
    with pytest.raises(PortraitError, match="at most 60"):
        invert_photo(photo, fake_model(), landmarks=landmarks, pitch=-61.0)
    fake_stages(monkeypatch)
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: fake_model(Path("fake")))
    assert main(["invert", str(photo), "--out", str(tmp_path), "--yaw", "-12.5", "--quiet"]) == 0
    assert json.loads((tmp_path / "report.json").read_text())["settings"]["yaw"] == -12.5


def test_arrays_and_cancel(stages):
    pixels = np.zeros((300, 300, 3), np.uint8)
    assert invert_photo(pixels, fake_model()).report["photo"]["name"] == ""
    with pytest.raises(PortraitError, match="uint8"):
        invert_photo(pixels.astype(float), fake_model())

    def stop(fraction, text):
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        invert_photo(pixels, fake_model(), progress=stop)


def test_invert_command(stages, photo, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["invert", str(photo), "--out", str(out), "--quiet"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["crop.png", "portrait.manifolds", "report.json"]
    assert json.loads((out / "report.json").read_text())["photo"]["name"] == "anna.png"
    assert Image.open(out / "crop.png").size == (256, 256)
    assert load_portrait(out / "portrait.manifolds").model_id == "fake"


def test_invert_an_edit(stages, photo, tmp_path, capsys):
    """The edit may be the photo, or a square of any size that shows the crop."""
    first, square = tmp_path / "first", tmp_path / "square.png"
    assert main(["invert", str(photo), "--out", str(first), "--quiet"]) == 0
    like = ["--like", str(first / "portrait.manifolds"), "--quiet"]
    Image.new("RGB", (333, 333), (255, 0, 0)).save(square)
    for edit in (photo, square):
        assert main(["invert", str(edit), "--out", str(tmp_path / "again"), *like]) == 0
        assert load_portrait(tmp_path / "again" / "portrait.manifolds").settings["edited"] is True
    assert np.asarray(Image.open(tmp_path / "again" / "crop.png")).reshape(-1, 3).mean(0).tolist() == [255, 0, 0]
    Image.new("RGB", (333, 222)).save(square)
    fails(["invert", square, "--out", tmp_path / "wrong", *like], capsys, "333 x 222")
    for by_hand in (["--yaw", "3"], ["--face", "0"], ["--crop", "9", "9", "99"]):
        fails(["invert", photo, "--out", tmp_path / "wrong", *like, *by_hand], capsys, "not both")
    assert not (tmp_path / "wrong").exists()


def fails(arguments, capsys, says):
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2 and message.startswith("error: ") and says in message, message


def test_bad_input_leaves_nothing(stages, photo, portrait_file, tmp_path, capsys):
    out = tmp_path / "out"
    fails(["invert", tmp_path / "missing.jpg", "--out", out], capsys, "no photo")
    fails(["invert", photo, "--out", photo], capsys, "is a file")
    fails(["invert", photo, "--out", out, "--face", "7"], capsys, "no face 7")
    fails(["invert", photo], capsys, "--out")
    fails(["render", photo, "--out", tmp_path / "v.png"], capsys, "not a readable portrait")
    fails(["render", portrait_file, "--out", tmp_path / "v.gif"], capsys, ".png")
    fails(["render", portrait_file, "--out", tmp_path / "no" / "v.png"], capsys, "cannot write")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--background", "pinkish"], capsys, "background")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--fov", "190"], capsys, "--fov")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--yaw", "nan"], capsys, "finite")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--size", "0", "9"], capsys, "between")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--depth", "d.tif"], capsys, ".exr")
    camera = tmp_path / "camera.json"
    camera.write_text('{"width": 10, "lens": 50}')
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--camera", camera], capsys, "lens")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--camera", tmp_path], capsys, "camera")
    fails(["render", portrait_file, "--out", tmp_path / "v.png", "--camera", camera, "--yaw", "3"], capsys, "not both")
    fails(["mesh", portrait_file, "--out", tmp_path / "h.stl"], capsys, ".glb")
    fails(["mesh", portrait_file, "--out", tmp_path / "h.glb", "--resolution", "5"], capsys, "between")
    fails(["batch", out, "--out", out], capsys, "cannot read the folder")
    fails(["batch", out.parent, "--out", out, "--views", "a,b"], capsys, "--views")
    fails(["nonsense"], capsys, "nonsense")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anna.png", "camera.json"]


def test_render_command(portrait_file, tmp_path):
    out, depth = tmp_path / "v.png", tmp_path / "d.npy"
    assert main(["render", str(portrait_file), "--out", str(out), "--depth", str(depth)]) == 0
    image, values = np.asarray(Image.open(out)), np.load(depth)
    assert image.shape == (256, 256, 4) and values.shape == (256, 256) and values.dtype == np.float32
    assert 1.4 < values[128, 128] < 1.7 and np.isinf(values[0, 0])
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps(load_portrait(portrait_file).camera.to_json()))
    for flags in (["--camera", camera], ["--yaw", 0, "--pitch", 0], ["--size", 256, 256]):
        assert main([str(a) for a in ["render", portrait_file, "--out", out, *flags]]) == 0
        assert np.abs(np.asarray(Image.open(out)).astype(int) - image).max() <= 2
    flags = ["--yaw", 30, "--distance", 1, "--fov", 25, "--size", 90, 120, "--background", "#102030"]
    assert main([str(a) for a in ["render", portrait_file, "--out", out, *flags]]) == 0
    image = np.asarray(Image.open(out))
    assert image.shape == (120, 90, 3) and tuple(image[0, 0]) == (16, 32, 48)


def test_exr(tmp_path):
    """Read the file back by the format's own rules."""
    depth = np.arange(12, dtype=np.float32).reshape(3, 4)
    depth[0, 0] = np.inf
    data = exr_bytes({"Z": depth, "A": depth + 100})
    assert struct.unpack("<2I", data[:8]) == (20000630, 2)
    at, attributes = 8, {}
    while data[at] != 0:
        name, kind, rest = data[at:].split(b"\0", 2)
        at = len(data) - len(rest)
        (size,) = struct.unpack("<i", data[at : at + 4])
        attributes[name.decode()] = data[at + 4 : at + 4 + size]
        at += 4 + size
    at += 1
    assert struct.unpack("<4i", attributes["dataWindow"]) == (0, 0, 3, 2)
    offsets = struct.unpack("<3Q", data[at : at + 24])
    for row, offset in enumerate(offsets):
        y, size = struct.unpack("<2i", data[offset : offset + 8])
        line = np.frombuffer(data[offset + 8 : offset + 8 + size], "<f4").reshape(2, 4)
        assert y == row
        np.testing.assert_array_equal(line, [depth[row] + 100, depth[row]])
    assert offsets[-1] + 8 + size == len(data)


def test_mesh_and_info_commands(portrait_file, tmp_path, capsys):
    out = tmp_path / "h.glb"
    assert main(["mesh", str(portrait_file), "--out", str(out), "--resolution", "40", "--closed", "--quiet"]) == 0
    assert out.read_bytes()[:4] == b"glTF"
    assert main(["info", str(portrait_file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["portrait"]["model"]["id"] == "analytic" and found["providers"] and found["versions"]["numpy"]


def test_help_of_every_command():
    for command in ("invert", "render", "mesh", "batch", "info"):
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0


def test_module_runs_and_exits_with_2(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "inference", "render", "nothing.manifolds", "--out", str(tmp_path / "v.png")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 2 and found.stderr.count("\n") == 1 and found.stderr.startswith("error: ")


def test_import_is_light():
    modules = "errors", "portrait", "geometry.background", "geometry.cameras"
    code = "import sys; " + "".join(f"import inference.{name}; " for name in modules)
    code += "sys.exit(any(name in sys.modules for name in ('cv2', 'onnxruntime', 'PIL', 'torch', 'bpy')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
