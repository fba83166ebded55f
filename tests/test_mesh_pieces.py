"""Meshes of several pieces, with quads, seams, normal maps, groups and shape keys, read by the formats' rules."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from inference.mesh.corners import split_at_seams, triangulated, vertex_normals
from inference.mesh.files import save_mesh
from tests.pieces import ALONG, AROUND, RADIUS, barrel, lid, normal_pattern
from tests.test_mesh_files import read_glb

trimesh = pytest.importorskip("trimesh")


@pytest.fixture(scope="module")
def pieces():
    return [barrel(normal_map=normal_pattern()), lid()]


@pytest.fixture(scope="module")
def document(pieces, tmp_path_factory):
    path = tmp_path_factory.mktemp("glb") / "pieces.glb"
    save_mesh(pieces, path)
    return read_glb(path)


def picture(path, tree, texture):
    view = tree["bufferViews"][tree["images"][tree["textures"][texture["index"]]["source"]]["bufferView"]]
    data = path.read_bytes()
    start = 28 + int.from_bytes(data[12:16], "little") + view["byteOffset"]
    return np.asarray(Image.open(io.BytesIO(data[start : start + view["byteLength"]])))


def test_every_piece_is_a_node_of_its_own(document):
    tree, _ = document
    assert [node["name"] for node in tree["nodes"]] == ["barrel", "lid"] == [mesh["name"] for mesh in tree["meshes"]]
    assert [node["mesh"] for node in tree["nodes"]] == [0, 1] == tree["scenes"][tree["scene"]]["nodes"]
    assert [material["name"] for material in tree["materials"]] == ["barrel", "lid"]


def test_vertices_are_split_at_the_seam_alone(document):
    tree, accessor = document
    (primitive,) = tree["meshes"][0]["primitives"]
    points = accessor(primitive["attributes"]["POSITION"])
    assert len(points) == (AROUND + 1) * (ALONG + 1)
    assert len(np.unique(points, axis=0)) == AROUND * (ALONG + 1)
    # where a point of the cylinder stands says what its texture coordinates are; glTF's v runs down
    uv = accessor(primitive["attributes"]["TEXCOORD_0"])
    around = (np.arctan2(points[:, 0], points[:, 2]) / (2 * np.pi) + 0.5) % 1.0
    assert np.abs((uv[:, 0] - around + 0.5) % 1.0 - 0.5).max() < 1e-6
    np.testing.assert_allclose(1.0 - uv[:, 1], points[:, 1] / 0.2 + 0.5, atol=1e-6)
    triangles = accessor(primitive["indices"]).reshape(-1, 3)
    assert len(triangles) == 2 * AROUND * ALONG
    assert np.ptp(uv[triangles, 0], axis=1).max() < 1.01 / AROUND  # none runs back across the whole texture


def test_normals_are_those_of_the_cylinder(document):
    tree, accessor = document
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    normals, points = accessor(attributes["NORMAL"]), accessor(attributes["POSITION"])
    np.testing.assert_allclose(normals, points * (1, 0, 1) / RADIUS, atol=1e-6)


def test_morph_targets_have_names_weights_and_normals(document, pieces):
    tree, accessor = document
    mesh = tree["meshes"][0]
    assert mesh["extras"]["targetNames"] == ["mouthWide", "jawOpen"] and mesh["weights"] == [0.0, 0.25]
    wide, jaw = mesh["primitives"][0]["targets"]
    points = accessor(mesh["primitives"][0]["attributes"]["POSITION"])
    upper = (points[:, 1] > 0.001)[:, None]
    np.testing.assert_allclose(accessor(wide["POSITION"]), points * (0.25, 0, 0.25) * upper, atol=1e-6)
    np.testing.assert_allclose(accessor(jaw["POSITION"]), (0, -0.01, 0) * ~upper, atol=1e-8)
    for target in (wide, jaw):  # the standard asks for the bounds of moved positions, too
        bounds = tree["accessors"][target["POSITION"]]
        np.testing.assert_array_equal(bounds["min"], accessor(target["POSITION"]).min(0))
    # a cylinder opening to a funnel: normals of the rows between turn downwards, others stay
    source, _, _ = split_at_seams(pieces[0])
    moved = vertex_normals(pieces[0].vertices + pieces[0].shape_keys["mouthWide"], pieces[0].faces)[source]
    normals = accessor(mesh["primitives"][0]["attributes"]["NORMAL"]) + accessor(wide["NORMAL"])
    np.testing.assert_allclose(normals, moved, atol=1e-6)
    between = np.isclose(points[:, 1], 0.025, atol=1e-6)
    assert accessor(wide["NORMAL"])[between, 1].max() < -0.1
    assert np.abs(accessor(wide["NORMAL"])[points[:, 1] < -0.03]).max() < 1e-6
    assert "weights" not in tree["meshes"][1] and "targets" not in tree["meshes"][1]["primitives"][0]


def test_groups_are_attributes(document):
    tree, accessor = document
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    upper = accessor(attributes["POSITION"])[:, 1] > 0.001
    np.testing.assert_array_equal(accessor(attributes["_UPPER"])[:, 0], upper)


def test_materials_have_pictures_alpha_and_normals(pieces, tmp_path):
    save_mesh(pieces, tmp_path / "head.glb")
    tree, _ = read_glb(tmp_path / "head.glb")
    solid, clear = tree["materials"]
    for material, piece in zip(tree["materials"], pieces):
        shown = picture(tmp_path / "head.glb", tree, material["pbrMetallicRoughness"]["baseColorTexture"])
        np.testing.assert_array_equal(shown, piece.texture)
    bumps = picture(tmp_path / "head.glb", tree, solid["normalTexture"])
    np.testing.assert_array_equal(bumps, pieces[0].normal_map)
    assert clear["alphaMode"] == "MASK" and "alphaMode" not in solid
    assert "normalTexture" not in clear and "extensionsUsed" not in tree


def test_pieces_share_a_texture(pieces, tmp_path):
    other = dataclasses.replace(pieces[0], name="other")
    for kind in ("glb", "obj"):
        save_mesh([pieces[0], other], tmp_path / f"head.{kind}")
    tree, _ = read_glb(tmp_path / "head.glb")
    assert len(tree["images"]) == 2
    assert {file.name for file in tmp_path.glob("*.png")} == {"head_texture.png", "head_normals.png"}


def test_unlit(pieces, tmp_path):
    save_mesh(pieces, tmp_path / "head.glb", unlit=True)
    tree, _ = read_glb(tmp_path / "head.glb")
    assert tree["extensionsUsed"] == ["KHR_materials_unlit"]
    assert all("KHR_materials_unlit" in material["extensions"] for material in tree["materials"])


def test_trimesh_reads_the_same_shape(pieces, tmp_path):
    save_mesh(pieces, tmp_path / "head.glb")
    loaded = trimesh.load(tmp_path / "head.glb", process=False).geometry
    assert set(loaded) == {"barrel", "lid"}
    area = 2 * AROUND * RADIUS * np.sin(np.pi / AROUND) * 0.2
    assert loaded["barrel"].area == pytest.approx(area, rel=1e-5)
    assert loaded["lid"].area == pytest.approx((2 * RADIUS) ** 2, rel=1e-5)


def test_quads_are_cut_along_the_shorter_diagonal():
    vertices = np.array([[0, 0, 0], [3, 0, 0], [4, 1, 0], [1, 1, 0.0]])  # 1 to 3 is the shorter one
    triangles = triangulated(np.array([[0, 1, 2, 3], [1, 2, 3, 0]]), vertices)
    edges = {frozenset(pair) for triangle in triangles for pair in zip(triangle, np.roll(triangle, 1))}
    assert frozenset((1, 3)) in edges and frozenset((0, 2)) not in edges
    assert vertex_normals(vertices, triangles).tolist() == [[0, 0, 1]] * 4


def obj_lines(path, *keys):
    return [line.split() for line in path.read_text().splitlines() if line.split()[0] in keys]


def test_obj_keeps_quads_groups_and_seams(pieces, tmp_path):
    save_mesh(pieces, tmp_path / "my head.obj")
    path = tmp_path / "my head.obj"
    assert [line[1] for line in obj_lines(path, "o")] == ["barrel", "lid"]
    points = np.array([line[1:] for line in obj_lines(path, "v")], float)
    uv = np.array([line[1:] for line in obj_lines(path, "vt")], float)
    group, quads, triangles = (), [], []
    for key, *words in obj_lines(path, "g", "f", "o"):
        if key == "f":
            corners = np.array([word.split("/") for word in words], int) - 1
            (quads if len(words) == 4 else triangles).append(corners)
            upper = points[corners[:, 0], 1].mean() > 0.01  # of half of the corners, or more
            assert len(words) == 3 or set(group) == ({"upper", "all"} if upper else {"all"})
        group = words if key == "g" else group
    quads, triangles = np.array(quads), np.array(triangles)
    assert quads.shape == (AROUND * ALONG, 4, 3) and triangles.shape == (2, 3, 3)
    around = (np.arctan2(points[quads[..., 0], 0], points[quads[..., 0], 2]) / (2 * np.pi) + 0.5) % 1.0
    assert np.abs((uv[quads[..., 1], 0] - around + 0.5) % 1.0 - 0.5).max() < 1e-4
    assert np.ptp(uv[quads[..., 1], 0], axis=1).max() < 1.01 / AROUND
    np.testing.assert_allclose(points[triangles[..., 0], 1], 0.2)
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {
        "my head.obj",
        "my_head.mtl",
        "my_head_texture.png",
        "my_head_normals.png",
        "my_head_lid_texture.png",
    }
    library = (tmp_path / "my_head.mtl").read_text()
    assert "norm my_head_normals.png\n" in library and library.count("map_d my_head_lid_texture.png\n") == 1


def test_ply_is_one_mesh_of_triangles_with_colours(pieces, tmp_path):
    save_mesh(pieces, tmp_path / "head.ply")
    loaded = trimesh.load(tmp_path / "head.ply", process=False)
    assert len(loaded.vertices) == AROUND * (ALONG + 1) + 4 and len(loaded.faces) == 2 * AROUND * ALONG + 2
    colours = loaded.visual.vertex_colors[: AROUND * (ALONG + 1)].reshape(ALONG + 1, AROUND, 4)
    u, v = np.arange(1, AROUND) / AROUND, np.arange(1, ALONG) / ALONG  # away from the seam and the clamped border
    np.testing.assert_allclose(colours[3, 1:, 0], 4 * (64 * u - 0.5), atol=1)
    np.testing.assert_allclose(colours[1:-1, 5, 1], 5 * (48 * (1 - v) - 0.5), atol=1)
    assert (colours[..., 3] == 255).all()
