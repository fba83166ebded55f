"""Pieces of a mesh in Blender: quads, seams, groups, shape keys and normal maps, made and read from files."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.mesh.files import save_mesh  # noqa: E402
from tests.pieces import ALONG, AROUND, barrel, lid, normal_pattern  # noqa: E402

from .conftest import part  # noqa: E402


@pytest.fixture
def pieces():
    return [barrel(normal_map=normal_pattern()), lid()]


def in_object(points):
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], -1)


def positions(items):
    flat = np.empty(3 * len(items), np.float32)
    items.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def corners(mesh):
    """Points (k, 3) and texture coordinates (k, 2) of all corners."""
    index, uv = np.empty(len(mesh.loops), np.int32), np.empty(2 * len(mesh.loops), np.float32)
    mesh.loops.foreach_get("vertex_index", index)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    return positions(mesh.vertices)[index], uv.reshape(-1, 2)


def assert_unwrapped(mesh):
    """The barrel's texture coordinates are where its points are around and along it, on both sides of the seam."""
    points, uv = corners(mesh)
    around = (np.arctan2(points[:, 0], -points[:, 1]) / (2 * np.pi) + 0.5) % 1.0
    assert np.abs((uv[:, 0] - around + 0.5) % 1.0 - 0.5).max() < 1e-4
    np.testing.assert_allclose(uv[:, 1], points[:, 2] / 0.2 + 0.5, atol=1e-4)
    for polygon in mesh.polygons:
        assert np.ptp(uv[list(polygon.loop_indices), 0]) < 1.01 / AROUND


def assert_moves(obj):
    """The barrel's keys have their names, and move the vertices they should."""
    keys = obj.data.shape_keys.key_blocks
    assert keys.keys() == ["Basis", "mouthWide", "jawOpen"]
    rest = positions(obj.data.vertices)
    upper = (rest[:, 2] > 0.001)[:, None]
    np.testing.assert_allclose(positions(keys["mouthWide"].data) - rest, rest * (0.25, 0.25, 0) * upper, atol=1e-5)
    np.testing.assert_allclose(positions(keys["jawOpen"].data) - rest, (0, 0, -0.01) * ~upper, atol=1e-6)
    assert keys["jawOpen"].value == pytest.approx(0.25) and keys["mouthWide"].value == 0.0


def pictures(obj):
    """Images of an object's material by what they give, (base, normals)."""
    tree = obj.data.materials[0].node_tree
    principled = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    base = principled.inputs["Base Color"].links[0].from_node.image
    if not principled.inputs["Normal"].is_linked:
        return base, None
    return base, principled.inputs["Normal"].links[0].from_node.inputs["Color"].links[0].from_node.image


def assert_pictures(obj, piece):
    base, normals = pictures(obj)
    pixels = part("operators.datablocks.images").get_pixels(base)
    assert np.abs(pixels[..., :3] * 255 - piece.texture[..., :3]).max() <= 0.51
    assert (normals is None) == (piece.normal_map is None)
    if normals is not None:
        assert normals.colorspace_settings.name == "Non-Color"
        pixels = part("operators.datablocks.images").get_pixels(normals)
        assert np.abs(pixels[..., :3] * 255 - piece.normal_map).max() <= 0.51


@pytest.fixture
def made(portrait, pieces):
    return part("operators.portrait.extract_mesh").add_pieces(bpy.context.collection, portrait, pieces)


def test_pieces_become_objects(portrait, made, pieces):
    assert [child.name for child in made] == [f"{portrait.name} barrel", f"{portrait.name} lid"]
    assert all(child.parent == portrait for child in made)
    first, second = made
    assert [len(polygon.vertices) for polygon in first.data.polygons] == [4] * AROUND * ALONG
    np.testing.assert_allclose(positions(first.data.vertices), in_object(pieces[0].vertices), atol=1e-7)
    assert_unwrapped(first.data)
    assert_moves(first)
    assert_pictures(first, pieces[0])
    assert second.data.shape_keys is None and len(second.vertex_groups) == 0
    principled = next(node for node in second.data.materials[0].node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert principled.inputs["Alpha"].is_linked


def test_groups_have_weights_to_a_255th(portrait):
    piece = lid(groups={"hair": np.float32([0, 0.25, 0.5, 1.0])})
    (child,) = part("operators.portrait.extract_mesh").add_pieces(bpy.context.collection, portrait, [piece])
    (group,) = child.vertex_groups
    assert group.name == "hair"
    weights = [[one.weight for one in vertex.groups] for vertex in child.data.vertices]
    assert weights[0] == [] and np.allclose(np.concatenate(weights[1:]), [0.25, 0.5, 1.0], atol=0.5 / 255)


def test_the_same_picture_is_one_image(portrait):
    first, second = lid(), lid()
    second = lid().__class__(**(vars(second) | {"texture": first.texture, "name": "other"}))
    made = part("operators.portrait.extract_mesh").add_pieces(bpy.context.collection, portrait, [first, second])
    assert pictures(made[0])[0] == pictures(made[1])[0]


def test_engine_glb_arrives_with_everything(scene, pieces, tmp_path):
    import addon_utils

    addon_utils.enable("io_scene_gltf2")
    save_mesh(pieces, tmp_path / "head.glb")
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    first, second = (bpy.data.objects[name] for name in ("barrel", "lid"))
    assert len(first.data.polygons) == 2 * AROUND * ALONG and len(second.data.polygons) == 2
    assert_unwrapped(first.data)
    assert_moves(first)
    assert_pictures(first, pieces[0])
    assert_pictures(second, pieces[1])
    upper = np.empty(len(first.data.vertices), np.float32)
    first.data.attributes["_UPPER"].data.foreach_get("value", upper)
    np.testing.assert_array_equal(upper, positions(first.data.vertices)[:, 2] > 0.001)


def test_engine_obj_arrives_with_quads_and_groups(scene, pieces, tmp_path):
    save_mesh(pieces, tmp_path / "my head.obj")
    bpy.ops.wm.obj_import(filepath=str(tmp_path / "my head.obj"), import_vertex_groups=True)
    first = bpy.data.objects["barrel"]
    assert [len(polygon.vertices) for polygon in first.data.polygons] == [4] * AROUND * ALONG
    first.data.transform(first.matrix_world)
    assert_unwrapped(first.data)
    assert set(first.vertex_groups.keys()) >= {"upper all"}
    assert tuple(pictures(first)[0].size) == (64, 48)  # Blender's reader of materials knows no normal maps by `norm`


def test_parts_are_colours_too(portrait):
    weights = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25]])
    piece = lid(groups=dict(zip(("skin", "hair", "cloth"), weights.T)))
    (child,) = part("operators.portrait.extract_mesh").add_pieces(bpy.context.collection, portrait, [piece])
    colours = np.empty(16, np.float32)
    child.data.color_attributes["parts"].data.foreach_get("color", colours)
    np.testing.assert_allclose(colours.reshape(4, 4), np.pad(weights, ((0, 0), (0, 1)), constant_values=1), atol=1e-6)
    assert child.vertex_groups.keys() == ["skin", "hair", "cloth"]
