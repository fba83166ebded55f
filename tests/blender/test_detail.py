"""The photo's detail in Blender: F12, Render View, layers and a mesh's texture show it."""

import dataclasses

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.geometry import detail_maps  # noqa: E402
from inference.portrait import save_portrait  # noqa: E402
from tests.data_pack import data_pack  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import part, place, psnr  # noqa: E402
from .scenes import (  # noqa: E402
    engine_view,
    orbit_camera,
    premultiplied,
    render,
    set_world,
    side_camera,
    smooth_view,
    use_cycles,
    use_eevee,
    use_portrait_engine,
)


@pytest.fixture
def striped(scene, tmp_path):
    """The closed-form ball with rows of stripes in its detail map."""
    stripes = 0.1 * np.sign(np.sin(np.arange(512) * np.pi / 16))[:, None, None] * np.ones((512, 512, 3))
    portrait = dataclasses.replace(analytic_portrait(), detail=detail_maps.encode(np.float32(stripes)))
    save_portrait(portrait, tmp_path / "striped.manifolds")
    return place(tmp_path / "striped.manifolds", "Striped")


def test_renders_show_the_detail(portrait, striped, tmp_path):
    use_portrait_engine()
    side_camera()
    portrait.hide_render = True
    found, wanted = render(tmp_path / "striped.png"), engine_view(striped)
    assert psnr(premultiplied(found), premultiplied(wanted.color, wanted.alpha)) >= 40
    plain = engine_view(portrait)
    change = np.abs(wanted.color - plain.color).mean(-1)[plain.alpha > 0.9]
    assert np.median(change) == pytest.approx(0.1, abs=0.01) and np.array_equal(wanted.alpha, plain.alpha)


@pytest.mark.parametrize(
    "options, bar", [({}, 39), ({"look": "lit"}, 34), ({"count": "12"}, 37), ({"detail": "BAKED"}, 37)]
)
def test_layers_show_the_detail(striped, tmp_path, options, bar):
    """As the engine does; without it there are 20 dB between them."""
    set_world(1.0)
    assert bpy.ops.portrait_manifolds.add_layers(**options) == {"FINISHED"}
    side_camera()
    use_cycles(32)
    score = psnr(premultiplied(render(tmp_path / "layers.png")), smooth_view(striped))
    print(f"layers with detail {options} in Cycles against the engine: {score:.2f} dB")
    assert score >= bar


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["cycles", "eevee"])
@pytest.mark.parametrize("yaw", [0, 25])
@pytest.mark.parametrize("name", ["S001188", "F000440"])
def test_layers_of_sharp_photos(scene, tmp_path, name, yaw, engine):
    """Photos with more than three pixels per pixel of the crop, at 768 x 768. Layers have no rim, so neither has the
    engine's view."""
    from inference.networks.model import load_model
    from inference.pipeline import invert_photo

    (photo,) = (data_pack() / "portraits").rglob(f"{name}.jpg")
    portrait = dataclasses.replace(invert_photo(photo, load_model()).portrait, rim=None)
    assert portrait.detail.shape == (1024, 1024, 3)
    save_portrait(portrait, tmp_path / "sharp.manifolds")
    obj = place(tmp_path / "sharp.manifolds", name)
    assert bpy.ops.portrait_manifolds.add_layers() == {"FINISHED"}
    orbit_camera(yaw, distance=0.9, lens=90, size=(768, 768))
    if engine == "cycles":
        use_cycles(16)
    else:
        use_eevee()
    score = psnr(premultiplied(render(tmp_path / "sharp.png")), smooth_view(obj, 2))
    print(f"layers of {name} in {engine} at {yaw} degrees, against the engine: {score:.2f} dB")
    assert score >= 34.0


def test_all_layers_share_one_image_of_detail_that_travels_with_them(striped, tmp_path):
    assert bpy.ops.portrait_manifolds.add_layers(background=True) == {"FINISHED"}
    layers = sorted((child.name for child in striped.children if "layer" in child.name), reverse=True)
    blend, plane = str(tmp_path / "layers.blend"), layers.pop(0)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(blend, link=False) as (_, wanted):
        wanted.objects = [plane, *layers]


    def groups(name):
        nodes = bpy.data.objects[name].active_material.node_tree.nodes
        return tuple(node.node_tree for node in nodes if node.type == "GROUP")

    assert groups(plane) == () and len(layers) > 10
    ((group,),) = {groups(name) for name in layers}
    (image,) = (node.image for node in group.nodes if node.type == "TEX_IMAGE")
    pixels = part("operators.datablocks.images").get_pixels(image)
    assert pixels.shape == (512, 512, 4) and np.ptp(pixels[..., 0]) == pytest.approx(0.2, abs=0.01)


def test_detail_travels_to_gltf_when_it_is_baked(striped, tmp_path):
    """Shared, the layers' textures alone go there, as ever; baked, they have the stripes."""
    from .gltf import exported

    for detail, side, contrast in (("SHARED", 320, 0.02), ("BAKED", 512, 0.2)):
        assert bpy.ops.portrait_manifolds.add_layers(count="12", shadow=False, detail=detail) == {"FINISHED"}
        layers = list(striped.children)
        document = exported(tmp_path / f"{detail}.glb", layers)
        for material in document.materials:
            assert material["alphaMode"] == "BLEND" and "KHR_materials_unlit" in material["extensions"]
            pixels = document.image(material["pbrMetallicRoughness"]["baseColorTexture"])
            assert pixels.shape == (side, side, 4)
            steps = np.abs(np.diff(pixels[side // 2 - 40 : side // 2 + 40, side // 2, 1].astype(float) / 255))
            assert np.sort(steps)[-3] == pytest.approx(contrast, abs=0.05)
        for layer in layers:
            bpy.data.objects.remove(layer)


def test_a_mesh_has_the_detail_in_its_texture(striped):
    assert bpy.ops.portrait_manifolds.extract_mesh(resolution=40, texture="512") == {"FINISHED"}
    (image,) = (image for image in bpy.data.images if tuple(image.size) == (512, 512))
    pixels = part("operators.datablocks.images").get_pixels(image)[..., :3]
    rows = pixels[200:260, 256].mean(-1)  # stripes lie sixteen rows apart
    across = np.abs(rows[3:] - rows[:-3])
    assert np.sort(across)[-3:] == pytest.approx(0.2, abs=0.03) and np.median(across) < 0.03
