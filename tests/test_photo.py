"""The photo door: what must open, and what must be refused in one line."""

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from inference.errors import PortraitError
from inference.photo.open import MAX_PIXELS, open_photo
from tests.hostile import photos

SIZE = (64, 96)  # width, height


@pytest.fixture(scope="module")
def pixels():
    """(96, 64, 3): red to the right, green downwards."""
    image = np.zeros((96, 64, 3), np.uint8)
    image[..., 0] = np.linspace(0, 250, 64)
    image[..., 1] = np.linspace(0, 250, 96)[:, None]
    image[..., 2] = 60
    return image


def save(pixels, path, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


LOSSY = {"jpg": {"quality": 95, "subsampling": 0}, "avif": {"quality": 95, "subsampling": "4:4:4"}}


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg", "avif"])
def test_formats(pixels, tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else LOSSY.get(suffix, {})
    photo = open_photo(save(pixels, tmp_path / f"p.{suffix}", **options))
    assert photo.shape == (96, 64, 3) and photo.dtype == np.uint8 and photo.flags.c_contiguous
    assert np.abs(photo.astype(int) - pixels).max() <= (12 if suffix in LOSSY else 0)


def test_heic_of_a_phone(pixels):
    """Stored on its side, to be turned upright (written with pillow-heif, which the extension does not carry)."""
    photo = open_photo(Path(__file__).parent / "photos" / "phone.heic")
    assert np.abs(photo.astype(int) - pixels).max() <= 12


def test_jpeg_without_its_end_marker(pixels, tmp_path):
    """Two bytes are missing, as some cameras leave them off: read. More is missing: refused, whatever libjpeg says."""
    rows = np.random.default_rng(3).integers(0, 256, (40, 30, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    for progressive in (False, True):
        data = packed(rows, "JPEG", quality=90, progressive=progressive)
        path = tmp_path / "p.jpg"
        path.write_bytes(data[:-2])
        whole = np.asarray(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(open_photo(path), whole)
        for share in (0.3, 0.6, 0.9):
            path.write_bytes(data[: int(share * len(data))])
            says_what_to_do(path, "damaged")


def test_many_scans_are_refused_at_once(pixels, tmp_path):
    """A scan costs a whole picture's decoding, and a file of 600 kB can ask for 5,000 of them."""
    scans = packed(pixels, "JPEG", progressive=True)
    start = scans.rindex(b"\xff\xda")
    (tmp_path / "p.jpg").write_bytes(scans[:-2] + scans[start:-2] * 200 + b"\xff\xd9")
    says_what_to_do(tmp_path / "p.jpg", "scans")
    (tmp_path / "p.jpg").write_bytes(scans)
    assert open_photo(tmp_path / "p.jpg").shape == (96, 64, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(pixels, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(save(pixels, tmp_path / "p.png", exif=exif))
    turns = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}
    turn, mirror = turns[orientation]
    expected = np.rot90(pixels, turn)
    np.testing.assert_array_equal(photo, expected[:, ::-1] if mirror else expected)


def test_broken_exif_is_ignored(pixels, tmp_path):
    photo = open_photo(
        save(pixels, tmp_path / "p.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12" * 30, quality=98)
    )
    assert photo.shape == (96, 64, 3)


def test_colour_profile(pixels, tmp_path):
    """A profile with exchanged primaries is undone; a broken one is ignored."""
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    photo = open_photo(save(pixels, tmp_path / "x.png", icc_profile=linear.tobytes()))
    assert photo.shape == pixels.shape
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = open_photo(save(pixels, tmp_path / "s.png", icc_profile=srgb))
    assert np.abs(same.astype(int) - pixels).max() <= 1
    np.testing.assert_array_equal(open_photo(save(pixels, tmp_path / "b.png", icc_profile=b"rubbish")), pixels)


def test_alpha_over_grey(pixels, tmp_path):
    alpha = np.zeros((96, 64, 1), np.uint8)
    alpha[:48] = 255
    photo = open_photo(save(np.concatenate([pixels, alpha], -1), tmp_path / "p.png"))
    np.testing.assert_array_equal(photo[:48], pixels[:48])
    assert (photo[48:] == 128).all()


def gamma_profile(gamma, white=(0.9642, 1.0, 0.8249)):
    """A minimal grey profile of one exponent (ICC.1:2010)."""
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    point = b"XYZ " + struct.pack(">I3i", 0, *(round(65536 * value) for value in white))
    text = b"desc" + struct.pack(">II", 0, 2) + b"g\0" + b"\0" * 78
    tags, at, body = b"", 128 + 4 + 3 * 12, b""
    for name, data in ((b"desc", text), (b"wtpt", point), (b"kTRC", curve)):
        data += b"\0" * (-len(data) % 4)
        tags += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head + b"\0" * (128 - len(head)) + struct.pack(">I", 3) + tags + body


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_profile_of_grey_with_and_without_alpha(tmp_path, mode):
    """A value of a grey profile with exponent 1 is light itself: sRGB's own curve tells what it looks like."""
    values = np.linspace(20, 250, 96).astype(np.uint8)[:, None].repeat(64, 1)
    image = Image.fromarray(values)
    if mode == "LA":
        image.putalpha(255)
    found = open_photo(save(image, tmp_path / "p.png", icc_profile=gamma_profile(1.0)))[..., 1]
    expected = 255 * (1.055 * (values / 255.0) ** (1 / 2.4) - 0.055)
    assert np.abs(found - expected).max() < 2.5


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_of_fewer_bits_in_sixteen(tmp_path, bits):
    ramp = np.linspace(0, 2**bits - 1, 96)[:, None].repeat(64, 1)
    photo = open_photo(save(Image.fromarray(ramp.astype(np.uint16)), tmp_path / "p.tif"))
    assert np.abs(photo[..., 0] - 255 * ramp / (2**bits - 1)).max() < 1.0


@pytest.mark.parametrize("compression", [1, 5, 34676])
def test_floating_point_colours(pixels, tmp_path, compression):
    """Uncompressed, LZW and SGI's LogLuv, which OpenCV writes unless told otherwise."""
    path = tmp_path / "p.tif"
    assert cv2.imwrite(str(path), pixels[..., ::-1] / np.float32(255), [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    assert np.abs(open_photo(path).astype(int) - pixels).max() <= (4 if compression == 34676 else 1)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    says_what_to_do(path)


def test_messages_do_not_tell_folders(tmp_path):
    (tmp_path / "p.png").write_bytes(b"rubbish")
    for path in (tmp_path / "p.png", tmp_path / "missing.png"):
        with pytest.raises(PortraitError) as caught:
            open_photo(path)
        assert path.name in str(caught.value) and str(tmp_path) not in str(caught.value)


MODES = {
    "1": 255, "L": 8, "LA": 8, "P": 60, "RGBA": 0, "CMYK": 12, "I;16": 8, "I": 8, "F": 8, "YCbCr": 8, "LAB": 12,
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_modes(pixels, tmp_path, mode):
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(grey.astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32) / 255)
    elif mode == "LAB":
        profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
        image = ImageCms.profileToProfile(Image.fromarray(pixels), *profiles, outputMode="LAB")
    else:
        image = Image.fromarray(pixels).convert(mode)
    photo = open_photo(save(image, tmp_path / "p.tif"))
    assert photo.shape == (96, 64, 3)
    wanted = pixels if mode in ("P", "RGBA", "CMYK", "YCbCr") else np.repeat(grey[..., None], 3, -1)
    if mode != "LAB":
        assert np.abs(photo.astype(int) - wanted).max() <= MODES[mode]


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (64, 64))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (32, 0, 64, 64))
    photo = open_photo(save(image, tmp_path / "p.png", transparency=1))
    assert (photo[:, :32] == [255, 0, 0]).all() and (photo[:, 32:] == 128).all()


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_animation_gives_its_first_frame(pixels, tmp_path, suffix):
    frames = [Image.fromarray(np.roll(pixels, k, 1)) for k in (0, 20, 40)]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"p.{suffix}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(open_photo(tmp_path / f"p.{suffix}"), pixels)


@pytest.mark.parametrize("name", ["größe 照片 🙂.png", "a" * 200 + ".png", "photo.jpg", "no_suffix", "two words.PNG"])
def test_names(pixels, tmp_path, name):
    """The name does not matter, nor does a wrong extension."""
    path = tmp_path / name
    save(pixels, path, format="PNG")
    np.testing.assert_array_equal(open_photo(str(path)), pixels)


def test_metadata_is_dropped(pixels, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    photo = open_photo(save(pixels, tmp_path / "p.jpg", exif=exif))
    assert type(photo) is np.ndarray and b"secret" not in photo.tobytes()


def packed(pixels, kind, **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def test_limit_is_on_pixels(tmp_path):
    side = int(MAX_PIXELS**0.5) + 1
    save(Image.new("L", (side, side)), tmp_path / "p.png", compress_level=1)
    says_what_to_do(tmp_path / "p.png", "megapixels")


@pytest.mark.parametrize("side", [4112, 1 << 20])
def test_tiles_far_larger_than_their_picture(tmp_path, side):
    """Refused by what the file says: the decoder would reserve each tile in full."""
    (tmp_path / "p.tif").write_bytes(photos.tiff(photos.TILED | {322: side, 323: side}, zlib.compress(bytes(100))))
    says_what_to_do(tmp_path / "p.tif", "tiles far too large")


def test_missing_and_folder(tmp_path):
    says_what_to_do(tmp_path / "missing.jpg", "no photo")
    says_what_to_do(tmp_path, "folder")
    says_what_to_do(tmp_path / ("x" * 300), "check the path")
    says_what_to_do(str(tmp_path / "a\0b"), "check the path")


@pytest.mark.skipif(sys.platform == "win32" or getattr(os, "geteuid", int)() == 0, reason="needs file permissions")
def test_unreadable(pixels, tmp_path):
    path = save(pixels, tmp_path / "p.png")
    path.chmod(0)
    says_what_to_do(path, "permissions")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "p.png")
    says_what_to_do(tmp_path / "p.png", "regular file")


def test_random_damage(pixels, tmp_path):
    random = np.random.default_rng(1)
    path = tmp_path / "p"
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP"):
        good = packed(pixels, kind)
        for _ in range(25):
            data = bytearray(good)
            for place in random.integers(0, min(len(data), 600), random.integers(1, 8)):
                data[place] = random.integers(0, 256)
            path.write_bytes(data)
            try:
                assert open_photo(path).dtype == np.uint8
            except PortraitError as error:
                assert "\n" not in str(error)


def says_what_to_do(path, says=None):
    with pytest.raises(PortraitError, match=says) as caught:
        open_photo(path)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 and (";" in message)


def test_message_is_not_wrapped_twice(tmp_path):
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(PortraitError) as caught:
        open_photo(empty)
    assert "cannot read" not in str(caught.value)
