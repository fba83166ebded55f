"""Meshes as files: read back by trimesh and by hand, with normals, beside other people's files."""

import errno
import json
import struct

import numpy as np
import pytest

from inference import files
from inference.errors import PortraitError
from inference.mesh.corners import vertex_normals
from inference.mesh.extract import extract_mesh
from inference.mesh.files import save_mesh
from tests.portraits import HEAD_CENTRE, analytic_portrait

trimesh = pytest.importorskip("trimesh")
AWKWARD = ["my head", "Grüße #1", "-s 2 2", "写真", "head.v2", 'a"b', "x" * 200]


@pytest.fixture(scope="module")
def mesh():
    return extract_mesh(analytic_portrait("sphere"), 48)


@pytest.fixture(scope="module")
def other(mesh):
    """Another mesh: other shape, other texture."""
    return extract_mesh(analytic_portrait("dome", texture=160), 32)


def assert_no_rubbish(folder):
    assert not list(folder.glob(".unfinished*"))


@pytest.mark.parametrize("kind", ["glb", "obj", "ply"])
def test_files_load_again(mesh, tmp_path, kind):
    path = tmp_path / f"head with blank.{kind}"
    save_mesh(mesh, path)
    loaded = trimesh.load(path, process=False)
    loaded = trimesh.util.concatenate(loaded.dump()) if isinstance(loaded, trimesh.Scene) else loaded
    assert len(loaded.faces) == len(mesh.faces)
    np.testing.assert_allclose(loaded.bounds, [mesh.vertices.min(0), mesh.vertices.max(0)], atol=1e-5)
    if kind == "ply":
        assert loaded.visual.vertex_colors.shape == (len(mesh.vertices), 4)
    else:
        material = loaded.visual.material
        image = material.baseColorTexture if kind == "glb" else material.image
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), mesh.texture)
        assert loaded.visual.uv.min() >= -1e-6 and loaded.visual.uv.max() <= 1 + 1e-6
    assert_no_rubbish(tmp_path)


def read_glb(path):
    """(JSON, accessor reader) of a .glb, by the standard's byte layout."""
    data = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size = struct.unpack("<I", data[12:16])[0]
    tree, binary = json.loads(data[20 : 20 + size]), data[20 + size + 8 :]

    def accessor(index):
        found = tree["accessors"][index]
        view = tree["bufferViews"][found["bufferView"]]
        start = view.get("byteOffset", 0) + found.get("byteOffset", 0)
        kind = {5126: "<f4", 5125: "<u4", 5123: "<u2"}[found["componentType"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[found["type"]]
        return np.frombuffer(binary, kind, found["count"] * width, start).reshape(-1, width)

    return tree, accessor


def assert_normals(normals, mesh):
    """Unit length, near the normals of the faces, and on the head away from its centre."""
    assert normals.shape == mesh.vertices.shape
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=1e-3)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-20)
    agreement = (normals[mesh.faces] * flat[:, None]).sum(-1)
    assert np.quantile(agreement, 0.01) > 0.8
    outwards = mesh.vertices - HEAD_CENTRE
    head = mesh.vertices[:, 1] > 0.0
    outwards /= np.linalg.norm(outwards, axis=-1, keepdims=True)
    assert np.median((normals * outwards).sum(-1)[head]) > 0.98


def test_glb_holds_unit_outward_normals(mesh, tmp_path):
    save_mesh(mesh, tmp_path / "head.glb")
    tree, accessor = read_glb(tmp_path / "head.glb")
    (primitive,) = tree["meshes"][0]["primitives"]
    np.testing.assert_array_equal(accessor(primitive["attributes"]["POSITION"]), mesh.vertices)
    np.testing.assert_array_equal(accessor(primitive["indices"]).reshape(-1, 3), mesh.faces)
    normals = accessor(primitive["attributes"]["NORMAL"])
    assert normals.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=1e-6)
    assert_normals(normals, mesh)


def test_obj_and_ply_hold_the_same_normals(mesh, tmp_path):
    for kind in ("obj", "ply"):
        save_mesh(mesh, tmp_path / f"head.{kind}")
    lines = (tmp_path / "head.obj").read_text().splitlines()
    normals = np.array([line.split()[1:] for line in lines if line.startswith("vn ")], float)
    np.testing.assert_allclose(normals, vertex_normals(mesh.vertices, mesh.faces), atol=1e-4)
    corners = [corner.split("/") for line in lines if line.startswith("f ") for corner in line.split()[1:]]
    assert all(len(corner) == 3 and len(set(corner)) == 1 for corner in corners)
    loaded = trimesh.load(tmp_path / "head.ply", process=False)
    assert "vertex_normals" in loaded._cache.cache
    np.testing.assert_allclose(loaded.vertex_normals, vertex_normals(mesh.vertices, mesh.faces), atol=1e-6)


def test_normals_of_slivers_are_unit_vectors():
    vertices = np.array([[0.0, 0, 0], [0.1, 0, 0], [0.2, 0, 0]])
    normals = vertex_normals(vertices, np.array([[0, 1, 2]]))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=1e-6)


@pytest.mark.parametrize("stem", AWKWARD)
def test_every_reader_finds_the_texture_of_any_name(mesh, tmp_path, stem):
    path = tmp_path / f"{stem}.obj"
    save_mesh(mesh, path)
    image = trimesh.load(path, process=False).visual.material.image
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), mesh.texture)
    library = next(line for line in path.read_text().splitlines() if line.startswith("mtllib"))
    words = library.split()  # as a reader that splits at blanks
    assert len(words) == 2 and words[1].isascii() and (tmp_path / words[1]).is_file()
    texture = (tmp_path / words[1]).read_text().splitlines()[-1].split()
    assert len(texture) == 2 and texture[1].isascii() and (tmp_path / texture[1]).is_file()
    assert not any(word[0] in "-#." or "#" in word for word in (words[1], texture[1]))
    assert len(list(tmp_path.iterdir())) == 3


def test_foreign_files_are_left_alone(mesh, tmp_path):
    names = "head.png", "head.mtl", "head_texture.png", "head-2.mtl"
    for name in names:
        (tmp_path / name).write_text(f"somebody's {name}")
    (tmp_path / "head_texture-2.png").symlink_to(tmp_path / "nowhere")
    save_mesh(mesh, tmp_path / "head.obj")
    for name in names:
        assert (tmp_path / name).read_text() == f"somebody's {name}"
    assert (tmp_path / "head_texture-2.png").is_symlink()
    assert "mtllib head-3.mtl\n" in (tmp_path / "head.obj").read_text()
    assert "map_Kd head_texture-3.png\n" in (tmp_path / "head-3.mtl").read_text()
    before = set(tmp_path.iterdir())
    save_mesh(mesh, tmp_path / "head.obj")  # and once more: its own are found again
    assert set(tmp_path.iterdir()) == before


def test_the_same_mesh_again_replaces_its_own_files(mesh, other, tmp_path):
    path = tmp_path / "head.obj"
    save_mesh(mesh, path)
    save_mesh(other, path)
    assert {file.name for file in tmp_path.iterdir()} == {"head.obj", "head.mtl", "head_texture.png"}
    image = trimesh.load(path, process=False).visual.material.image
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), other.texture)


def test_what_was_changed_or_belongs_to_another_mesh_is_kept(mesh, other, tmp_path):
    save_mesh(mesh, tmp_path / "my head.obj")
    texture = (tmp_path / "my_head_texture.png").read_bytes()
    save_mesh(other, tmp_path / "my_head.obj")  # another mesh with the same plain name
    assert (tmp_path / "my_head_texture.png").read_bytes() == texture
    assert (tmp_path / "my_head_texture-2.png").is_file()

    (tmp_path / "my head.obj").rename(tmp_path / "my-head.obj")  # a renamed mesh owns nothing under its new name
    save_mesh(other, tmp_path / "my-head.obj")
    assert (tmp_path / "my_head_texture.png").read_bytes() == texture

    save_mesh(mesh, tmp_path / "face.obj")
    (tmp_path / "face_texture.png").write_bytes(b"painted over")
    save_mesh(mesh, tmp_path / "face.obj")
    assert (tmp_path / "face_texture.png").read_bytes() == b"painted over"
    assert "map_Kd face_texture-2.png\n" in (tmp_path / "face.mtl").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# portrait-manifolds ",
        "# portrait-manifolds [1]",
        '# portrait-manifolds {"mesh": 1}',
        '# portrait-manifolds {"mesh": "head.obj", "sha256": 3}',
        "\xff",
    ],
)
def test_a_foreign_obj_owns_nothing(mesh, tmp_path, line):
    (tmp_path / "head.obj").write_text(f"{line}\nmtllib head.mtl\n", encoding="latin-1")
    (tmp_path / "head.mtl").write_text("somebody's")
    save_mesh(mesh, tmp_path / "head.obj")
    assert (tmp_path / "head.mtl").read_text() == "somebody's"
    assert "mtllib head-2.mtl\n" in (tmp_path / "head.obj").read_text()


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_full_disk_leaves_the_older_files(mesh, other, tmp_path, monkeypatch, failing):
    """Whichever of the three files does not fit, none of them changes."""
    path, calls = tmp_path / "head.obj", []
    save_mesh(mesh, path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(PortraitError, match="No space left on device"):
        save_mesh(other, path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_obj_appears_last(mesh, tmp_path, monkeypatch):
    moved, replace = [], files.os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: (moved.append(b.name), replace(a, b)))
    save_mesh(mesh, tmp_path / "head.obj")
    assert moved == ["head_texture.png", "head.mtl", "head.obj"]


def test_refusals(mesh, tmp_path):
    with pytest.raises(PortraitError, match=r"\.glb, \.obj or \.ply"):
        save_mesh(mesh, tmp_path / "head.stl")
    for kind in ("glb", "obj"):
        with pytest.raises(PortraitError, match="cannot write"):
            save_mesh(mesh, tmp_path / "missing" / f"head.{kind}")
    assert not list(tmp_path.iterdir())
