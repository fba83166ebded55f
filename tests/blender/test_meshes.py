"""The extracted mesh stands where the portrait is seen, and leaves Blender as a textured .glb."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.mesh.corners import vertex_normals  # noqa: E402
from inference.mesh.extract import extract_mesh  # noqa: E402
from inference.mesh.files import save_mesh  # noqa: E402
from inference.portrait import load_portrait  # noqa: E402

from .conftest import part, psnr  # noqa: E402
from .scenes import engine_view, render, side_camera, use_cycles  # noqa: E402

RESOLUTION = 96


def extracted(portrait, **options):
    assert bpy.ops.portrait_manifolds.extract_mesh(resolution=RESOLUTION, **options) == {"FINISHED"}
    bpy.context.view_layer.update()
    made = bpy.context.view_layer.objects.active
    assert made.type == "MESH" and made.parent == portrait
    return made


def test_operator_and_function_give_the_same_mesh(portrait, portrait_file):
    made = extracted(portrait)
    wanted = extract_mesh(load_portrait(portrait_file), resolution=RESOLUTION)
    vertices = np.empty(len(made.data.vertices) * 3, np.float32)
    made.data.vertices.foreach_get("co", vertices)
    in_object = np.stack([wanted.vertices[:, 0], -wanted.vertices[:, 2], wanted.vertices[:, 1]], -1)
    assert np.allclose(vertices.reshape(-1, 3), in_object, atol=1e-6)
    assert len(made.data.polygons) == len(wanted.faces)
    loops = np.empty(len(made.data.loops) * 2, np.float32)
    made.data.uv_layers.active.uv.foreach_get("vector", loops)
    assert np.allclose(loops.reshape(-1, 2), wanted.uv[wanted.faces.ravel()], atol=1e-6)
    image = made.data.materials[0].node_tree.nodes["Image Texture"].image
    assert image.packed_file is not None
    pixels = part("operators.datablocks.images").get_pixels(image)
    assert np.abs(pixels[..., :3] * 255 - wanted.texture).max() <= 0.51


def test_faces_point_outwards_and_shading_is_smooth(portrait):
    made = extracted(portrait)
    centres = np.array([polygon.center for polygon in made.data.polygons])
    normals = np.array([polygon.normal for polygon in made.data.polygons])
    head = centres[:, 2] > -0.05
    outwards = ((centres - (0.0, 0.02, 0.015)) * normals).sum(-1)
    assert np.mean(outwards[head] > 0) > 0.99
    assert all(polygon.use_smooth for polygon in made.data.polygons)


def test_size_and_orientation_are_those_of_a_head(portrait):
    """Life-size, upright, facing -Y."""
    made = extracted(portrait)
    low, high = np.array(made.bound_box).min(0), np.array(made.bound_box).max(0)
    assert 0.15 < high[2] - low[2] < 0.45 and 0.1 < high[0] - low[0] < 0.35
    nose = min((vertex.co for vertex in made.data.vertices), key=lambda co: co.y)
    assert abs(nose.x) < 0.01


def test_options_reach_the_mesh(portrait):
    few = extracted(portrait, faces=3000, shade_smooth=False)
    assert len(few.data.polygons) <= 3100
    assert not any(polygon.use_smooth for polygon in few.data.polygons)
    closed = extracted(portrait, closed=True)
    edges = {}
    for polygon in closed.data.polygons:
        for key in polygon.edge_keys:
            edges[key] = edges.get(key, 0) + 1
    assert set(edges.values()) == {2}


def test_mesh_is_where_the_portrait_is_seen(portrait, tmp_path):
    """Silhouette of the mesh in Cycles against the engine's view, for a moved and turned portrait."""
    scene = bpy.context.scene
    portrait.location, portrait.rotation_euler, portrait.scale = (0.03, 0.1, -0.02), (0.1, -0.1, 0.3), (1.1,) * 3
    made = extracted(portrait)
    side_camera()
    use_cycles(16)
    world = scene.world = bpy.data.worlds.new("White")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    node = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    node.inputs["Color"].default_value = (1, 1, 1, 1)
    got = render(tmp_path / "mesh.png")
    view = engine_view(portrait)
    mesh, engine = got[..., 3] > 0.5, view.alpha > 0.5
    overlap = (mesh & engine).sum() / (mesh | engine).sum()
    print(f"silhouette of {made.name} against the engine: IoU {overlap:.4f}")
    assert overlap >= 0.97
    inside = mesh & engine
    assert psnr(got[..., :3][inside], view.color[inside]) > 12  # lit by a white sky, not emitting


def test_glb_round_trip_keeps_texture_and_place(portrait, tmp_path):
    import addon_utils

    addon_utils.enable("io_scene_gltf2")
    made = extracted(portrait, faces=4000)
    path = tmp_path / "head.glb"
    bpy.ops.object.select_all(action="DESELECT")
    made.select_set(True)
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    import trimesh

    loaded = trimesh.load(path, force="mesh")
    assert loaded.visual.material.baseColorTexture is not None
    before = np.array(made.bound_box)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    again = next(obj for obj in bpy.context.scene.objects if obj.type == "MESH")
    box = np.array([again.matrix_world @ vertex.co for vertex in again.data.vertices])
    assert np.allclose(box.min(0), before.min(0), atol=1e-4) and np.allclose(box.max(0), before.max(0), atol=1e-4)
    images = [node.image for node in again.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE"]
    assert images and min(images[0].size) >= 256


def test_engine_mesh_imports_in_blender_with_its_texture(scene, portrait_file, tmp_path):
    """The .glb of `python -m inference mesh` stands as the extracted mesh does."""
    import addon_utils

    addon_utils.enable("io_scene_gltf2")
    mesh = extract_mesh(load_portrait(portrait_file), resolution=48)
    save_mesh(mesh, tmp_path / "head.glb")
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    again = next(obj for obj in bpy.context.scene.objects if obj.type == "MESH")
    box = np.array([again.matrix_world @ vertex.co for vertex in again.data.vertices])
    wanted = np.stack([mesh.vertices[:, 0], -mesh.vertices[:, 2], mesh.vertices[:, 1]], -1)
    assert np.allclose(box.min(0), wanted.min(0), atol=1e-4) and np.allclose(box.max(0), wanted.max(0), atol=1e-4)
    assert any(node.type == "TEX_IMAGE" and node.image for node in again.data.materials[0].node_tree.nodes)
    assert all(polygon.use_smooth for polygon in again.data.polygons)
    assert_normals(again, mesh)


@pytest.mark.parametrize("name", ["my head.obj", "Grüße #1.obj", "-s.obj"])
def test_engine_obj_imports_in_blender_with_its_texture(scene, portrait_file, tmp_path, name):
    mesh = extract_mesh(load_portrait(portrait_file), resolution=48)
    save_mesh(mesh, tmp_path / name)
    assert bpy.ops.wm.obj_import(filepath=str(tmp_path / name)) == {"FINISHED"}
    again = next(obj for obj in bpy.context.scene.objects if obj.type == "MESH")
    assert len(again.data.polygons) == len(mesh.faces)
    (image,) = [node.image for node in again.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE"]
    assert tuple(image.size) == mesh.texture.shape[1::-1]  # read, not only named
    pixels = part("operators.datablocks.images").get_pixels(image)
    assert np.abs(pixels[..., :3] * 255 - mesh.texture).max() <= 0.51
    assert_normals(again, mesh)


def assert_normals(imported, mesh):
    """The corners' normals of an imported object are those of the written mesh, turned to Blender's axes."""
    normals = np.empty(len(imported.data.loops) * 3, np.float32)
    imported.data.loops.foreach_get("normal", normals)
    corners = np.empty(len(imported.data.loops), np.int32)
    imported.data.loops.foreach_get("vertex_index", corners)
    points = np.empty(len(imported.data.vertices) * 3, np.float32)
    imported.data.vertices.foreach_get("co", points)
    turn = np.array(imported.matrix_world)[:3, :3]
    normals, points = normals.reshape(-1, 3) @ turn.T, points.reshape(-1, 3) @ turn.T
    in_object = np.stack([mesh.vertices[:, 0], -mesh.vertices[:, 2], mesh.vertices[:, 1]], -1)
    assert np.allclose(points, in_object, atol=1e-5)
    wanted = vertex_normals(mesh.vertices, mesh.faces)
    wanted = np.stack([wanted[:, 0], -wanted[:, 2], wanted[:, 1]], -1)[corners]
    assert (normals * wanted).sum(-1).min() > 0.999
