"""The batch as the panel runs it: list, states, pictures, retry, stop, resume; with the real model where it matters."""

import json
import time
import types

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import part  # noqa: E402


@pytest.fixture
def photos(tmp_path):
    """A folder with two photos and a file that only looks like one."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    for name, grey in (("anna.png", 90), ("bert.png", 160)):
        Image.new("RGB", (320, 300), (grey, grey, 120)).save(folder / name)
    (folder / "carl.jpg").write_bytes(b"not a photo")
    return folder


class Here:
    """Works in this process, where the stand-in is, in place of a process of its own."""

    def __init__(self, settings):
        self._settings = settings

    def is_ready(self):
        return True

    def run(self, job, progress):
        return part("inference.batch.job").run_job(job, None, progress)

    def close(self):
        pass


@pytest.fixture
def networks(scene, monkeypatch):
    """The closed-form subject in place of the networks; `pause` seconds per photo."""
    portrait, chosen = analytic_portrait(texture=64), types.SimpleNamespace(pause=0.0, seen=[])

    def invert_photo(photo, model, face=None, crop=None, matte=None, progress=None):
        from dataclasses import replace

        part("inference.photo.open").open_photo(photo)
        chosen.seen.append(str(photo))
        for step in range(10):
            progress(step / 10, "half")
            time.sleep(chosen.pause / 10)
        made = replace(portrait, photo_name=str(photo).rpartition("/")[2])
        warnings = [{"code": "small-face", "text": "the face is small"}] if "anna" in str(photo) else []
        return part("inference.pipeline").Inversion(made, None, {"warnings": warnings})

    monkeypatch.setattr(part("inference.pipeline"), "invert_photo", invert_photo)
    monkeypatch.setattr(part("inference.batch.run"), "Process", Here)
    part("operators.batch.batch_run").end()
    yield chosen
    part("operators.batch.batch_run").end()
    assert part("operators.work.jobs").cancel_all(10.0)


def state():
    return bpy.context.window_manager.portrait_manifolds_batch


def statuses():
    return {photo.name: photo.status for photo in state().photos}


def begin(photos, out, **options):
    """What Batch does in a window."""
    batch = part("operators.batch.batch")
    wishes = batch.wishes(False, "", options.pop("resume", True), options.pop("workers", 1))
    batch.start(bpy.context, str(photos), str(out), wishes | options)
    return part("operators.batch.batch_run").current()


def follow(until=None, seconds=60.0):
    """What the timer does, until the batch ends or a condition holds; the fractions it saw."""
    seen, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        run = part("operators.batch.batch_run").current()
        if run is not None:
            seen.append(run.job.state[0])
        if not part("operators.batch.batch_list").look(bpy.context) or (until is not None and until()):
            return seen
        time.sleep(0.01)
    raise AssertionError(f"the batch did not end: {statuses()}")


def test_choosing_a_folder_lists_its_photos(scene, photos, tmp_path):
    settings = bpy.context.scene.portrait_manifolds
    settings.batch_out = str(tmp_path / "out")
    settings.batch_folder = str(photos)
    assert statuses() == dict.fromkeys(("anna.png", "bert.png", "carl.jpg"), "waiting")
    settings.batch_folder = str(tmp_path / "out")
    assert statuses() == {} and "cannot read the folder" in state().message
    settings.batch_folder = ""
    assert state().message == ""


def test_states_of_a_run_and_retry_of_what_failed(networks, photos, tmp_path):
    from PIL import Image

    networks.pause = 0.2
    run, out = begin(photos, tmp_path / "out"), tmp_path / "out"
    assert not bpy.ops.portrait_manifolds.batch.poll() and bpy.ops.portrait_manifolds.batch_stop.poll()
    follow(until=lambda: statuses()["anna.png"] == "working")
    assert statuses()["bert.png"] == "waiting" and "0 of 3: anna.png" in run.text
    seen = follow()
    assert seen == sorted(seen) and len(set(seen)) > 5, "progress within the photos"
    assert statuses() == {"anna.png": "done", "bert.png": "done", "carl.jpg": "failed"}
    carl = state().photos["carl.jpg"]
    assert "not a picture" in carl.error and state().photos["anna.png"].seconds >= 0.2
    assert state().message == "2 of 3 portraits made" and bpy.ops.portrait_manifolds.batch.poll()

    Image.new("RGB", (300, 300), (9, 9, 9)).save(photos / "carl.jpg")
    del networks.seen[:]
    assert bpy.ops.portrait_manifolds.batch_retry() == {"FINISHED"}
    assert [path.rpartition("/")[2] for path in networks.seen] == ["carl.jpg"]
    assert set(statuses().values()) == {"done"} and state().count("done", "skipped") == 3
    with pytest.raises(RuntimeError, match="No photo failed"):
        bpy.ops.portrait_manifolds.batch_retry()
    listed = [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]
    assert [entry["status"] for entry in listed] == ["done", "done", "failed", "done"]


def test_the_command_says_that_photos_failed(networks, photos, tmp_path):
    """`blender --command portrait_manifolds batch`: 3 when some failed, 0 when none did."""
    line = ["batch", str(photos), "--out", str(tmp_path / "out"), "--quiet"]
    assert part("operators.service.command").run(line) == 3
    (photos / "carl.jpg").unlink()
    assert part("operators.service.command").run([*line, "--resume"]) == 0


def test_doubts_of_a_run_are_listed_and_survive(networks, photos, tmp_path):
    """As the run goes, in a list made anew, and for what a later run skips; the tooltip has the sentences."""
    doubts_of = part("operators.state.doubts").doubts_of

    def listed():
        return {photo.name: [doubt.code for doubt in doubts_of(photo)] for photo in state().photos}

    wanted = {"anna.png": ["small-face"], "bert.png": [], "carl.jpg": []}
    begin(photos, tmp_path / "out")
    follow()
    assert listed() == wanted
    state().photos.clear()
    part("operators.batch.batch_list").refresh(bpy.context, str(photos), str(tmp_path / "out"))
    assert listed() == wanted
    begin(photos, tmp_path / "out")
    assert listed() == dict.fromkeys(wanted, [])
    follow()
    assert statuses()["anna.png"] == "skipped" and listed() == wanted
    button = part("operators.batch.batch").PORTRAIT_MANIFOLDS_OT_batch_doubts
    assert button.description(bpy.context, types.SimpleNamespace(name="anna.png")) == "the face is small"
    state().index = 2
    assert bpy.ops.portrait_manifolds.batch_doubts(name="anna.png") == {"FINISHED"} and state().index == 0
    with pytest.raises(RuntimeError, match="not in the list"):
        bpy.ops.portrait_manifolds.batch_doubts(name="dora.png")


def test_stop_is_immediate_and_the_next_run_goes_on(networks, photos, tmp_path):
    networks.pause = 0.3
    run = begin(photos, tmp_path / "out")
    follow(until=lambda: statuses()["bert.png"] == "working")
    start = time.monotonic()
    assert bpy.ops.portrait_manifolds.batch_stop() == {"FINISHED"}
    assert run.job.join(0.2), time.monotonic() - start
    follow()
    assert statuses() == {"anna.png": "done", "bert.png": "waiting", "carl.jpg": "waiting"}
    assert state().message.startswith("Stopped") and part("operators.work.problems").shown() == ()
    networks.pause = 0.0
    begin(photos, tmp_path / "out")
    follow()
    assert statuses() == {"anna.png": "skipped", "bert.png": "done", "carl.jpg": "failed"}


def test_the_batch_goes_on_while_another_file_is_loaded(networks, photos, tmp_path):
    networks.pause = 0.3
    begin(photos, tmp_path / "out")
    follow(until=lambda: statuses()["anna.png"] == "working")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    state().photos.clear()  # what a file with a window manager of its own does
    state().folder = ""
    assert part("operators.batch.batch_run").current() is not None
    follow()
    assert statuses() == {"anna.png": "done", "bert.png": "done", "carl.jpg": "failed"}


def test_open_adds_the_portrait_or_the_photo_to_crop(networks, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(part("inference.alignment.align"), "find_faces", lambda photo, model: [])
    begin(photos, tmp_path / "out")
    follow()
    assert bpy.ops.portrait_manifolds.batch_open(name="anna.png") == {"FINISHED"}
    made = bpy.context.view_layer.objects.active.portrait_manifolds
    assert made.portrait_path.endswith("portrait.manifolds") and made.model_id == "analytic"
    state().photos["bert.png"].status = "failed"
    assert bpy.ops.portrait_manifolds.batch_open(name="bert.png") == {"FINISHED"}
    made = bpy.context.view_layer.objects.active.portrait_manifolds
    assert made.photo_path.endswith("bert.png") and made.use_crop and not made.portrait_path
    with pytest.raises(RuntimeError, match="not a picture"):
        bpy.ops.portrait_manifolds.batch_open(name="carl.jpg")


def test_a_batch_that_cannot_run_says_why(networks, photos, tmp_path):
    """The thread's error becomes the list's message and a problem with buttons."""
    preferences = part("operators.state.options").preferences()
    preferences.model_path = str(tmp_path / "nowhere")
    try:
        begin(photos, tmp_path / "out")
        follow()
    finally:
        preferences.model_path = ""
    assert "no model in" in state().message
    assert part("operators.work.problems").shown()[0].what == "Batch"
    (tmp_path / "file").write_text("")
    begin(photos, tmp_path / "file")
    follow()
    assert "cannot write" in state().message
    part("operators.work.problems").forget()


def test_workers_are_processes_of_the_real_engine(scene, tmp_path):
    """Two processes with the model that ships: a portrait is made, a plain wall is not, and the pictures are right."""
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    Image.fromarray(data.astronaut()).save(photos / "astronaut.png")
    Image.new("RGB", (300, 300), (120, 130, 140)).save(photos / "wall.png")
    begin(photos, out, workers=2)
    follow(seconds=240)
    assert statuses() == {"astronaut.png": "done", "wall.png": "failed"}
    assert "no face was found" in state().photos["wall.png"].error
    assert (out / "astronaut" / "portrait.manifolds").is_file() and not (out / "wall").exists()


def test_thumbnails_arrive_upright_and_once(scene, tmp_path):
    from PIL import Image

    thumbnails = part("operators.batch.thumbnails")
    thumbnails.forget()
    pixels = np.zeros((400, 1200, 3), np.uint8)
    pixels[:, :600] = (250, 10, 10)
    pixels[:, 600:] = (10, 10, 250)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: red must come out on top
    path = tmp_path / "turned.jpg"
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    assert thumbnails.icon(str(path)) == 0 and thumbnails.icon(str(tmp_path / "broken.jpg")) == 0
    assert thumbnails.icon(str(tmp_path / "missing.jpg")) == 0
    end = time.monotonic() + 20
    while thumbnails._show() is not None and time.monotonic() < end:
        time.sleep(0.02)
    thumbnails.icon(str(path))  # Blender gives no icons without a window; the picture is there all the same
    assert thumbnails._wanted.empty(), "what is there is not read again"
    (preview,) = thumbnails._previews.values()
    assert tuple(preview.image_size) == (128, 128) and tuple(preview.icon_size) == (32, 32)
    for name, side in (("image", 128), ("icon", 32)):
        picture = np.empty(side * side * 4, np.float32)
        getattr(preview, f"{name}_pixels_float").foreach_get(picture)
        picture = picture.reshape(side, side, 4)[::-1]
        middle, edge = side // 2, side // 16
        assert picture[side // 4, middle, 0] > 0.9 > 0.1 > picture[side // 4, middle, 2]
        assert picture[3 * side // 4, middle, 2] > 0.9 > 0.1 > picture[3 * side // 4, middle, 0]
        assert picture[middle, edge, 3] == 0.0 and picture[middle, middle, 3] == 1.0
    thumbnails.forget()
    assert not bpy.app.timers.is_registered(thumbnails._show)
