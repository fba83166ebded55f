"""Meshes that leave Blender and come back, by every format that artists use: shape, seams, picture, shape keys."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from tests.pieces import ALONG, AROUND, barrel, lid, normal_pattern  # noqa: E402

from .conftest import part  # noqa: E402
from .test_pieces import positions  # noqa: E402

NAME = "Grüße an Oma #1"  # blanks, umlauts, and what some formats take for a comment


def gltf_out(path):
    import addon_utils

    addon_utils.enable("io_scene_gltf2")
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)


def fbx_out(path):
    import addon_utils

    addon_utils.enable("io_scene_fbx")
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, path_mode="COPY", embed_textures=True, use_mesh_modifiers=False
    )


def usd_out(path):
    bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True)


def obj_out(path):
    """As docs/guide.md says: this exporter copies no pictures that are packed."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path.with_name("scene") / "scene.blend"))
    bpy.ops.file.unpack_all(method="WRITE_LOCAL")
    bpy.ops.wm.obj_export(
        filepath=str(path), export_selected_objects=True, path_mode="COPY", export_triangulated_mesh=False
    )


FORMATS = {  # exporter, importer, whether quads stay, whether shape keys do
    "glb": (gltf_out, lambda path: bpy.ops.import_scene.gltf(filepath=path), False, True),
    "fbx": (fbx_out, lambda path: bpy.ops.import_scene.fbx(filepath=path), True, True),
    "usdc": (usd_out, lambda path: bpy.ops.wm.usd_import(filepath=path), True, True),
    "usdz": (usd_out, lambda path: bpy.ops.wm.usd_import(filepath=path), True, True),
    "obj": (obj_out, lambda path: bpy.ops.wm.obj_import(filepath=path), True, False),
}


@pytest.fixture
def sent(portrait, tmp_path):
    """Function that sends the pieces through a format: (pieces, objects that came back)."""
    pieces = [barrel(normal_map=normal_pattern()), lid()]
    portrait.name = NAME

    def send(suffix):
        leave, enter, *_ = FORMATS[suffix]
        made = part("operators.portrait.extract_mesh").add_pieces(bpy.context.collection, portrait, pieces)
        for obj in bpy.context.scene.objects:
            obj.select_set(obj in made)
        path = tmp_path / f"my head.{suffix}"
        path.with_name("scene").mkdir()
        leave(path)
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        assert enter(str(path)) == {"FINISHED"}
        bpy.context.view_layer.update()
        return pieces, sorted((obj for obj in bpy.data.objects if obj.type == "MESH"), key=lambda obj: obj.name)

    return send


def in_world(obj, points):
    return points @ np.array(obj.matrix_world)[:3, :3].T + np.array(obj.matrix_world)[:3, 3]


@pytest.mark.parametrize("suffix", FORMATS)
def test_everything_comes_back(sent, suffix):
    pieces, objects = sent(suffix)
    quads, keys = FORMATS[suffix][2:]
    assert len(objects) == 2, [obj.name for obj in objects]
    first, second = objects
    assert "barrel" in first.name and "lid" in second.name
    assert len(first.data.polygons) == AROUND * ALONG * (1 if quads else 2) and len(second.data.polygons) == 2

    # where every corner's point stands says what its texture coordinates are
    index, uv = np.empty(len(first.data.loops), np.int32), np.empty(2 * len(first.data.loops), np.float32)
    first.data.loops.foreach_get("vertex_index", index)
    first.data.uv_layers.active.uv.foreach_get("vector", uv)
    uv, points = uv.reshape(-1, 2), in_world(first, positions(first.data.vertices))
    if not keys:  # the shape that was seen is written: jawOpen at a quarter
        points[points[:, 2] < 0.001, 2] += 0.25 * 0.01
    assert np.abs(np.linalg.norm(points[:, :2], axis=1) - 0.08).max() < 1e-5 and np.ptp(points[:, 2]) > 0.199
    corner = points[index]
    around = (np.arctan2(corner[:, 0], -corner[:, 1]) / (2 * np.pi) + 0.5) % 1.0
    assert np.abs((uv[:, 0] - around + 0.5) % 1.0 - 0.5).max() < 1e-3
    np.testing.assert_allclose(uv[:, 1], corner[:, 2] / 0.2 + 0.5, atol=1e-3)
    normals = np.empty(3 * len(first.data.loops), np.float32)
    first.data.loops.foreach_get("normal", normals)
    normals = normals.reshape(-1, 3) @ np.array(first.matrix_world.to_3x3().normalized()).T
    assert (normals * corner * (12.5, 12.5, 0)).sum(1).min() > 0.99  # smooth, and outwards

    for obj, piece in zip(objects, pieces):
        image = base_image(obj.data.materials[0])
        assert tuple(image.size) == piece.texture.shape[1::-1]
        pixels = part("operators.datablocks.images").get_pixels(image)
        assert np.abs(pixels[..., :3] * 255 - piece.texture[..., :3]).max() <= 0.51

    if keys:
        blocks = first.data.shape_keys.key_blocks
        assert {"mouthWide", "jawOpen"} <= set(blocks.keys())
        rest = in_world(first, positions(blocks[0].data))
        upper = (rest[:, 2] > 0.001)[:, None]
        wide, jaw = (in_world(first, positions(blocks[name].data)) - rest for name in ("mouthWide", "jawOpen"))
        np.testing.assert_allclose(wide, rest * (0.25, 0.25, 0) * upper, atol=1e-5)
        np.testing.assert_allclose(jaw, (0, 0, -0.01) * ~upper, atol=1e-5)


def base_image(material):
    """The picture of a material's base colour, through whatever an importer puts between."""
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    node = shader.inputs["Base Color"].links[0].from_node
    while node.type != "TEX_IMAGE":
        node = next(socket for socket in node.inputs if socket.is_linked).links[0].from_node
    return node.image
