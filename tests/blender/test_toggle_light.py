"""Extracted meshes lit or as they are: in pictures, in the panel's button, and in exported files."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import psnr  # noqa: E402
from .gltf import exported  # noqa: E402
from .scenes import add_sun, engine_view, orbit_camera, render, set_world, use_cycles  # noqa: E402

operators = bpy.ops.portrait_manifolds


def made(**options):
    assert operators.extract_mesh(resolution=96, **options) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def seen(tmp_path, name):
    return render(tmp_path / f"{name}.png")


def test_unlit_shows_the_portrait_s_colours_in_any_light(portrait, tmp_path):
    made(unlit=True)
    orbit_camera(15.0, 5.0)
    use_cycles(16)
    set_world(0.2, (1.0, 0.2, 0.1))
    add_sun((50, 0, -40), 5.0)
    got, view = seen(tmp_path, "unlit"), engine_view(portrait)
    both = (got[..., 3] > 0.99) & (view.alpha > 0.99)
    score = psnr(got[..., :3][both], view.color[both])
    print(f"unlit mesh in Cycles against the engine: {score:.1f} dB")
    assert both.sum() > 3000 and score > 30
    assert operators.toggle_light() == {"FINISHED"}
    lit = seen(tmp_path, "lit")
    assert psnr(lit[..., :3][both], view.color[both]) < 18
    assert operators.toggle_light() == {"FINISHED"}
    np.testing.assert_allclose(seen(tmp_path, "again"), got, atol=2 / 255)


def test_lit_answers_to_the_side_of_the_light(portrait, tmp_path):
    made()
    orbit_camera(0.0, 0.0)
    use_cycles(16)
    set_world(0.1)
    sides = []
    for azimuth in (-60, 60):
        sun = add_sun((90, 0, azimuth), 3.0)
        got = seen(tmp_path, f"sun{azimuth}")
        bpy.data.objects.remove(sun)
        solid, columns = got[..., 3] > 0.99, np.arange(got.shape[1])
        grey = got[..., :3].mean(-1)
        left, right = (grey[solid & half[None]].mean() for half in (columns < 90, columns > 110))
        sides.append(left - right)
    assert sides[0] * sides[1] < 0 and min(np.abs(sides)) > 0.05


def test_exporters_know_both(portrait, tmp_path):
    mesh = made(faces=2000)
    (material,) = exported(tmp_path / "lit.glb", [mesh]).materials
    assert "baseColorTexture" in material["pbrMetallicRoughness"] and "KHR_materials_unlit" not in str(material)
    assert operators.toggle_light() == {"FINISHED"}
    (material,) = exported(tmp_path / "unlit.glb", [mesh]).materials
    assert "KHR_materials_unlit" in material["extensions"]
    assert "baseColorTexture" in material["pbrMetallicRoughness"]


def test_all_selected_meshes_follow_the_active_one(portrait):
    materials = [made(unlit=unlit).data.materials[0] for unlit in (True, False)]
    for obj in bpy.context.scene.objects:
        obj.select_set(obj.type == "MESH")
    assert operators.toggle_light() == {"FINISHED"}  # the active one is lit
    is_unlit = [material.node_tree.nodes["Output"].inputs["Surface"].links[0].from_node.name for material in materials]
    assert is_unlit == ["Unlit", "Unlit"]


def test_other_things_have_no_switch(portrait):
    assert not operators.toggle_light.poll()
    cube = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    cube.data.materials.append(bpy.data.materials.new("Other"))
    cube.data.materials.append(None)
    bpy.context.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    assert not operators.toggle_light.poll()
