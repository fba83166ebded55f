"""The head in Blender: pieces in a collection under the portrait, keys that pose them, modifiers, files and back."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.portrait import save_portrait  # noqa: E402
from tests.test_head_base import ARKIT  # noqa: E402

from .conftest import part, place  # noqa: E402


@pytest.fixture(scope="module")
def astronaut_file(astronaut, tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "astronaut.manifolds"
    save_portrait(astronaut.portrait, path)
    return path


@pytest.fixture
def head(scene, astronaut_file):
    """The head's objects by what they are; the skin is active."""
    portrait = place(astronaut_file, "Astronaut")
    portrait.location = (1.0, 2.0, 3.0)
    assert bpy.ops.portrait_manifolds.extract_mesh(topology="head", texture="512") == {"FINISHED"}
    bpy.context.view_layer.update()
    collection = bpy.data.collections["Astronaut head"]
    found = {obj.name.removeprefix("Astronaut "): obj for obj in collection.objects}
    assert bpy.context.view_layer.objects.active == found["skin"]
    return found


def shape(obj):
    """Vertices (n, 3) as modifiers, keys and parents leave them, in the world."""
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    evaluated.to_mesh_clear()
    return points.reshape(-1, 3) @ np.array(obj.matrix_world)[:3, :3].T + np.array(obj.matrix_world)[:3, 3]


def crossings(obj):
    """Pairs of faces that cut each other, by Blender's own tree."""
    from mathutils.bvhtree import BVHTree

    tree = BVHTree.FromObject(obj, bpy.context.evaluated_depsgraph_get())
    return len(tree.overlap(tree))


def test_pieces_stand_under_the_portrait(head):
    assert set(head) == {"skin", "eyes", "teeth", "tongue", "shell"}
    portrait = bpy.data.objects["Astronaut"]
    assert all(obj.parent == portrait for obj in head.values())
    points = shape(head["skin"])
    assert np.abs(np.median(points, 0) - (1.0, 2.0, 3.0)).max() < 0.15  # life-size, where the portrait is
    assert 0.2 < np.ptp(points[:, 2]) < 0.6
    skin = head["skin"].data
    assert len(skin.polygons) == 4532 and all(len(polygon.vertices) == 4 for polygon in skin.polygons)
    assert {"face", "ears", "neck", "scalp", "lips", "lids"} <= set(head["skin"].vertex_groups.keys())
    image = skin.materials[0].node_tree.nodes["Image Texture"].image
    assert tuple(image.size) == (512, 512) and image.packed_file is not None


def test_keys_have_arkits_names_and_drive_the_other_pieces(head):
    blocks = head["skin"].data.shape_keys.key_blocks
    assert set(blocks.keys()) == ARKIT - {"tongueOut"} | {"Basis", "photo"}
    assert blocks["photo"].value == 1.0 and not any(block.value for block in blocks if block.name != "photo")
    assert crossings(head["skin"]) == 0
    blocks["photo"].value = 0.0
    bpy.context.view_layer.update()
    before = {name: shape(head[name]) for name in ("teeth", "eyes", "tongue")}
    assert crossings(head["skin"]) == 0
    blocks["jawOpen"].value = blocks["eyeLookUpLeft"].value = 1.0
    bpy.context.view_layer.update()
    for name, points in before.items():
        assert np.linalg.norm(shape(head[name]) - points, axis=1).max() > 0.002, name
    blocks["eyeLookUpLeft"].value = 0.0
    bpy.context.view_layer.update()
    assert crossings(head["skin"]) == 0
    assert {"tongueOut"} <= set(head["tongue"].data.shape_keys.key_blocks.keys())


def test_a_posed_head_survives_gltf(head, tmp_path):
    blocks = head["skin"].data.shape_keys.key_blocks
    blocks["photo"].value = 0.25
    blocks["mouthSmileLeft"].value, blocks["eyeBlinkRight"].value = 0.75, 1.0
    bpy.context.view_layer.update()
    wanted = {name: shape(obj) for name, obj in head.items()}
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in head.values())
    path = tmp_path / "head.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True, export_morph=True)
    known = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=str(path))
    bpy.context.view_layer.update()
    read = {obj.name.split(".")[0].removeprefix("Astronaut "): obj for obj in set(bpy.data.objects) - known}
    skin = read["skin"]
    assert set(skin.data.shape_keys.key_blocks.keys()) == set(blocks.keys())
    assert skin.data.shape_keys.key_blocks["mouthSmileLeft"].value == pytest.approx(0.75)
    for name, points in wanted.items():
        found = shape(read[name])
        sample = points[:: max(1, len(points) // 300)]  # vertices are split at seams, so any near one will do
        near = np.linalg.norm(sample[:, None] - found[None], axis=-1).min(1)
        assert near.max() < 1e-4, name


def test_modifiers_and_remeshing_take_the_head(head):
    skin = head["skin"]
    count = len(skin.data.polygons)
    skin.modifiers.new("Subdivision", "SUBSURF").levels = 1
    bpy.context.view_layer.update()
    smooth = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert len(smooth.data.polygons) == 4 * count
    skin.modifiers.clear()
    bpy.context.view_layer.objects.active = skin
    skin.modifiers.new("Multires", "MULTIRES")
    assert bpy.ops.object.multires_subdivide(modifier="Multires", mode="CATMULL_CLARK") == {"FINISHED"}
    assert skin.modifiers["Multires"].total_levels == 1
    skin.modifiers.clear()


def test_quadriflow_takes_a_head_for_print(scene, astronaut_file):
    portrait = place(astronaut_file, "Astronaut")
    options = {"topology": "head", "texture": "512", "keys": False, "closed": True, "subdivision": 1}
    assert bpy.ops.portrait_manifolds.extract_mesh(**options) == {"FINISHED"}
    skin = bpy.context.view_layer.objects.active
    assert skin.parent == portrait and skin.data.shape_keys is None
    assert skin.modifiers["Subdivision"].levels == 1
    skin.modifiers.clear()
    edges = {}
    for polygon in skin.data.polygons:
        for edge in polygon.edge_keys:
            edges[edge] = edges.get(edge, 0) + 1
    assert set(edges.values()) == {2}
    assert bpy.ops.object.quadriflow_remesh(target_faces=3000) == {"FINISHED"}
    assert 1500 < len(skin.data.polygons) < 6000


def test_the_presets_ask_for_a_head(scene):
    import pathlib

    settings = scene.portrait_manifolds
    seen = {}
    for folder in bpy.utils.preset_paths("portrait_manifolds/mesh"):
        for file in pathlib.Path(folder).glob("Head_*.py"):
            bpy.ops.script.execute_preset(filepath=str(file), menu_idname="PORTRAIT_MANIFOLDS_MT_mesh_presets")
            names = ("topology", "texture", "keys", "subdivision", "closed")
            seen[file.stem] = tuple(getattr(settings, f"mesh_{name}") for name in names)
    assert seen == {
        "Head_Game": ("head", "2048", True, 0, False),
        "Head_Film": ("head", "4096", True, 2, False),
        "Head_Print": ("head", "2048", False, 2, True),
    }


def test_the_panels_options_are_the_topologys(scene):
    groups = part("operators.state.option_groups")
    names = set(groups.names_of(groups.MeshOptions, "mesh_"))
    assert {*groups.SURFACE_ONLY, *groups.HEAD_ONLY} < names
