"""Mattes that come with a photo: its alpha channel, or a picture beside it; and the doubt about the networks' own."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main
from inference.alignment.doubts import matte_doubts, softness
from inference.batch.run import run_batch
from inference.errors import MatteUnusable
from inference.inversion.given_matte import shown_by
from inference.photo.matte import fitted_matte, open_matte
from inference.photo.open import open_photo, open_with_alpha
from inference.photo.warp import rescaled, warp_to_crop
from inference.pipeline import invert_photo
from inference.view.render import render_view
from tests.fakes import Here, fake_model, fake_stages

skimage = pytest.importorskip("skimage")
ASTRONAUT = Path(skimage.__file__).parent / "data" / "astronaut.png"
GREEN = (0, 255, 0)


def body():
    """A matte (512, 512) uint8 of the astronaut that no network would find: an oval about the head, and a block."""
    matte = cv2.ellipse(np.zeros((512, 512), np.uint8), (225, 130), (50, 90), 0, 0, 360, 255, -1)
    matte[230:, 60:420] = 255
    return cv2.GaussianBlur(matte, (0, 0), 1.0)


def cut_out(matte, path, **options):
    """The astronaut with a matte (512, 512) uint8 for alpha, and green where that is 0.1 or less; the file."""
    pixels = np.array(Image.open(ASTRONAUT).convert("RGB"))
    pixels[matte < 26] = GREEN
    Image.fromarray(np.dstack([pixels, matte])).save(path, **options)
    return path


def silhouette(inversion, matte):
    """IoU of the own view and a matte (512, 512) uint8, in the crop."""
    portrait = inversion.portrait
    seen = render_view(portrait, portrait.camera).alpha > 0.5
    wanted = warp_to_crop(matte, portrait.crop_to_photo) > 127
    return (seen & wanted).sum() / (seen | wanted).sum()


@pytest.fixture(scope="module")
def cut(shipped_model, tmp_path_factory):
    return invert_photo(cut_out(body(), tmp_path_factory.mktemp("cut") / "cut.png"), shipped_model)


def test_the_alpha_channel_is_the_matte(cut, astronaut):
    """The silhouette is alpha's, which the networks' is not; nothing is doubtful, and the report says whose it is."""
    assert silhouette(cut, body()) > 0.935 > 0.92 > silhouette(astronaut, body())  # measured 0.938
    assert cut.report["matte"] == "alpha channel" and astronaut.report["matte"] == "networks"
    assert cut.report["warnings"] == []


def test_what_alpha_hides_never_shows(cut):
    """Neither in the crop nor on any sheet, and not as backdrop."""
    for pixels in (cut.portrait.crop, cut.portrait.textures[..., :3]):
        assert (pixels[..., 1].astype(int) - pixels.max(-1, where=[True, False, True], initial=0)).max() < 60


def test_a_given_matte_is_taken_as_it_is(cut, shipped_model, tmp_path):
    """As a file of another size it gives the same silhouette as an alpha channel."""
    Image.fromarray(body()).resize((256, 256)).save(tmp_path / "matte.png")
    inversion = invert_photo(ASTRONAUT, shipped_model, matte=tmp_path / "matte.png")
    assert inversion.report["matte"] == "given" and silhouette(inversion, body()) > 0.935


def test_a_matte_finer_than_the_crop_is_the_own_view_s(shipped_model):
    """A comb cut into its edge, whose teeth the crop averages away."""
    photo = np.array(Image.open(ASTRONAUT).convert("RGB").resize((1024, 1024), Image.Resampling.BICUBIC))
    matte = cv2.resize(body(), (1024, 1024))
    edge = cv2.dilate(matte, np.ones((17, 17))) > cv2.erode(matte, np.ones((17, 17)))
    matte[edge & (np.arange(1024) // 3 % 2 == 0)] = 0
    portrait = invert_photo(photo, shipped_model, matte=matte).portrait
    side = len(portrait.rim.picture)
    affine = rescaled(portrait.crop_to_photo, side)
    wanted, comb = (warp_to_crop(np.float32(plane), affine, side) for plane in (matte / 255.0, edge))
    comb[-side // 4 :] = 0.0  # the textures end there
    error = np.abs(render_view(portrait, portrait.camera.resized(side, side)).alpha - wanted)[comb > 0.5]
    assert len(error) > 2000 and error.mean() < 0.1


def test_a_picture_with_rounded_corners_is_no_cut_out(shipped_model, tmp_path):
    alpha = np.zeros((512, 512), np.uint8)
    alpha[:, 8:-8], alpha[8:-8] = 255, 255
    assert invert_photo(cut_out(alpha, tmp_path / "p.png"), shipped_model).report["matte"] == "networks"


def test_a_trimmed_cut_out_is_not_cut_off(shipped_model, tmp_path):
    """It is as narrow as the head, but what lies beyond is known to be empty, as it is not without alpha."""
    oval, path = body(), cut_out(body(), tmp_path / "p.png")
    oval[225:] = 0
    rows, columns = np.nonzero(oval > 0)
    Image.open(path).crop((columns.min(), rows.min(), columns.max() + 1, 420)).save(path)
    warnings = [warning["code"] for warning in invert_photo(path, shipped_model).report["warnings"]]
    assert "tight-crop" not in warnings
    Image.open(path).convert("RGB").save(path.with_suffix(".jpg"), quality=95)
    warnings = [warning["code"] for warning in invert_photo(path.with_suffix(".jpg"), shipped_model).report["warnings"]]
    assert "tight-crop" in warnings


def test_what_a_matte_ends_before_is_not_unknown(astronaut):
    import dataclasses

    beyond, matte = np.zeros((256, 256), bool), np.zeros((256, 256), np.float32)
    beyond[:40], matte[:, 100:] = True, 1.0
    known = shown_by(matte, dataclasses.replace(astronaut.alignment, beyond=beyond)).beyond
    assert not known[:, :100].any() and known[:40, 100:].all() and not known[40:].any()
    assert shown_by(np.zeros((256, 256)), dataclasses.replace(astronaut.alignment, beyond=beyond)).beyond is None


@pytest.mark.parametrize(
    "name, options",
    [("p.png", {}), ("p.webp", {"lossless": True}), ("p.tif", {}), ("p.avif", {"quality": 95, "subsampling": "4:4:4"})],
)
def test_alpha_of_each_format_is_straight(tmp_path, name, options):
    pixels, alpha = open_with_alpha(cut_out(body(), tmp_path / name, **options))
    assert np.abs(alpha.astype(int) - body()).max() <= (8 if name == "p.avif" else 0)
    photo = np.array(Image.open(ASTRONAUT).convert("RGB")).astype(int)
    half = (alpha > 100) & (alpha < 200)
    assert np.abs(pixels[half] - photo[half]).mean() < 5.0  # not mixed with anything
    assert (pixels[alpha == 0] == 128).all()
    opaque = cut_out(np.full((512, 512), 255, np.uint8), tmp_path / name, **options)
    assert open_with_alpha(opaque)[1] is None


def test_the_photo_shows_transparency_over_grey(tmp_path):
    pixels, alpha = open_with_alpha(path := cut_out(body(), tmp_path / "p.png"))
    share = alpha[..., None] / 255.0
    assert np.abs(open_photo(path) - (share * pixels + (1 - share) * 128)).max() <= 1.0


def test_mattes_of_many_kinds(tmp_path):
    """Grey, colour, 16 bits, or the alpha of a cut-out; as large as the photo afterwards."""
    grey = np.full((60, 80), 10, np.uint8)
    grey[20:50, 30:60] = 240
    green = np.full((60, 80, 3), GREEN, np.uint8)
    kinds = {"L": grey, "RGB": np.dstack([grey] * 3), "I;16": grey.astype(np.uint16) * 257}
    kinds["RGBA"] = np.dstack([green, grey])
    for kind, pixels in kinds.items():
        Image.fromarray(pixels).save(tmp_path / "m.png")
        for size in ((80, 60), (160, 120), (40, 30)):
            matte = open_matte(tmp_path / "m.png", size)
            assert matte.shape == size[::-1] and matte.dtype == np.uint8, kind
            assert abs(int(matte[size[1] // 2, size[0] // 2]) - 240) < 3 and abs(int(matte[2, 2]) - 10) < 3, kind


def bad_mattes(folder):
    """{path: what the message says} of mattes for a photo of 300 x 320."""
    pictures = {"wide": np.full((300, 320), 255, np.uint8), "black": np.zeros((320, 300), np.uint8)}
    pictures["inverted"] = np.zeros((320, 300), np.uint8)
    pictures["inverted"][:, 150:] = 255
    says = {"wide": "320 x 300 pixels, the upright photo 300 x 320", "black": "black all over"}
    says["inverted"] = "leaves the face out"
    found = {}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
        found[folder / f"{name}.png"] = says[name]
    (folder / "text.png").write_bytes(b"no picture")
    (folder / "empty.png").touch()
    rest = {"text.png": "not a picture", "empty.png": "is empty", "missing.png": "no photo", ".": "is a folder"}
    return found | {folder / name: text for name, text in rest.items()}


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A photo of 300 x 320 whose face is in its upper left part, for stand-ins of the networks."""
    fake_stages(monkeypatch)
    monkeypatch.setattr("inference.networks.model.load_model", lambda *a, **k: fake_model(Path("fake")))
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "anna.png"
    Image.new("RGB", (300, 320), (90, 120, 150)).save(path)
    return path


def test_bad_mattes_are_one_line_and_leave_nothing(photo, tmp_path, capsys):
    (tmp_path / "mattes").mkdir()
    for path, says in bad_mattes(tmp_path / "mattes").items():
        assert main(["invert", str(photo), "--out", str(tmp_path / "out"), "--matte", str(path), "--quiet"]) == 2
        message = capsys.readouterr().err
        assert message.startswith("error: the matte") and message.count("\n") == 1 and says in message, message
        assert not (tmp_path / "out").exists()
    with pytest.raises(MatteUnusable, match="uint8"):
        invert_photo(photo, fake_model(), matte=np.zeros((320, 300, 3), np.uint8))
    with pytest.raises(MatteUnusable, match="make it as large as the photo"):
        fitted_matte(np.full((10, 10), 255, np.uint8), (300, 320), "m")


def test_a_batch_takes_mattes_by_name(photo, tmp_path, monkeypatch):
    """Of two photos one has a matte; another matte makes its photo again, and no other."""
    Image.open(photo).save(photo.with_name("bea.jpg"))
    given = {}

    def invert(alignment, model, progress, matte=None, doubted=None, fine_matte=None):
        given[len(given)] = matte
        return analytic.textures, analytic.radii, None, None, None

    from tests.portraits import analytic_portrait

    analytic = analytic_portrait(texture=64)
    monkeypatch.setattr("inference.inversion.invert.invert_crop", invert)
    monkeypatch.setattr("inference.batch.run.Process", Here)
    mattes, out = tmp_path / "mattes", tmp_path / "out"
    mattes.mkdir()
    Image.new("L", (150, 160), 255).save(mattes / "anna.jpg")
    run_batch(photo.parent, out, mattes=mattes)
    assert given[0].min() > 0.99 and given[1] is None
    assert json.loads((out / "anna" / "report.json").read_bytes())["matte"] == "given"
    again = [item.status for item in run_batch(photo.parent, out, mattes=mattes, resume=True)]
    assert again == ["skipped", "skipped"]
    Image.new("L", (150, 160), 200).save(mattes / "anna.jpg")
    assert [item.status for item in run_batch(photo.parent, out, mattes=mattes, resume=True)] == ["done", "skipped"]
    assert [item.status for item in run_batch(photo.parent, out, resume=True)] == ["done", "skipped"]
    (mattes / "anna.jpg").rename(mattes / "other.jpg")
    with pytest.raises(ValueError, match="called like a photo"):
        run_batch(photo.parent, out, mattes=mattes)


def test_a_soft_matte_is_doubted():
    """What is neither subject nor backdrop counts by how undecided it is, above the chin alone."""
    landmarks = np.full((468, 2), 128.0, np.float32)
    matte = np.zeros((256, 256), np.float32)
    matte[:, 100:200] = 1.0
    assert softness(matte, landmarks) == 0.0 and matte_doubts(matte, landmarks) == []
    matte[128:, 200:] = 0.5
    assert matte_doubts(matte, landmarks) == []
    matte[:128, 200:220] = 0.5
    assert softness(matte, landmarks) == pytest.approx(20.0 / 110.0)
    assert [doubt.code for doubt in matte_doubts(matte, landmarks)] == ["uncertain-matte"]


def test_an_uncertain_matte_is_said(shipped_model, monkeypatch):
    """The networks' own is doubted in the report; one that was given is not, however soft."""
    monkeypatch.setattr("inference.inversion.invert.subject_matte", lambda *a: np.full((256, 256), 0.6, np.float32))
    found = invert_photo(ASTRONAUT, shipped_model).report["warnings"]
    assert [warning["code"] for warning in found] == ["uncertain-matte"]
    given = invert_photo(ASTRONAUT, shipped_model, matte=np.full((512, 512), 160, np.uint8))
    assert given.report["warnings"] == []
