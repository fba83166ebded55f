"""The matte image of a portrait, and the alpha of a photo that is packed; the networks are stand-ins."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part  # noqa: E402
from .test_operators import engine, imported, photo  # noqa: E402, F401

HEAD = np.s_[100:300, 150:400]


def picture(with_alpha=False):
    """An image datablock of the photo's size, 600 x 500: white in HEAD, as alpha or as colour."""
    pixels = np.zeros((500, 600, 4), np.uint8)
    pixels[..., 3] = 0 if with_alpha else 255
    pixels[HEAD] = 255
    image = bpy.data.images.new("mask", 600, 500, alpha=True)
    part("operators.datablocks.images").set_pixels(image, pixels)
    return image


@pytest.mark.parametrize("with_alpha", [False, True])
def test_invert_takes_the_matte_image(engine, photo, with_alpha):  # noqa: F811
    obj = imported(photo)
    obj.portrait_manifolds.matte = picture(with_alpha)
    assert bpy.ops.portrait_manifolds.invert() == {"FINISHED"}
    matte = engine.asked[0]["matte"]
    assert matte.shape == (500, 600) and matte.dtype == np.uint8
    assert matte[HEAD].min() == 255 and matte.sum() == 255 * matte[HEAD].size
    obj.portrait_manifolds.matte = None
    bpy.ops.portrait_manifolds.invert()
    assert "matte" not in engine.asked[1]


def test_a_matte_without_pixels_is_said(engine, photo, tmp_path):  # noqa: F811
    image = picture()
    image.filepath_raw, image.file_format = str(tmp_path / "mask.png"), "PNG"
    image.save()
    obj = imported(photo)
    obj.portrait_manifolds.matte = bpy.data.images.load(str(tmp_path / "mask.png"))
    (tmp_path / "mask.png").unlink()
    obj.portrait_manifolds.matte.reload()
    with pytest.raises(RuntimeError, match="has no pixels; reload it") as caught:
        bpy.ops.portrait_manifolds.invert()
    assert str(caught.value).strip().count("\n") == 0
    assert engine.asked == [] and not obj.portrait_manifolds.portrait_path


def test_a_packed_photo_keeps_its_alpha(engine, photo, tmp_path):  # noqa: F811
    from PIL import Image

    from inference.photo.open import open_with_alpha

    alpha = np.zeros((500, 600), np.uint8)
    alpha[HEAD] = 200
    with Image.open(photo) as image:
        image.putalpha(Image.fromarray(alpha))
        image.save(tmp_path / "cut.png")
    obj = imported(tmp_path / "cut.png")
    assert bpy.ops.portrait_manifolds.pack() == {"FINISHED"}
    (tmp_path / "cut.png").unlink()
    pixels, packed = open_with_alpha(part("operators.state.portrait_files").photo_of(obj))
    assert np.array_equal(packed, alpha) and np.abs(pixels[200, 151:399, 0] - np.arange(151, 399) / 599 * 255).max() < 4
