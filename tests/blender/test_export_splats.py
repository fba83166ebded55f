"""Export Splats: the same file as the engine's, from a script; what cannot be written is said and leaves nothing."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from inference.portrait import load_portrait  # noqa: E402
from inference.splats.files import save_splats  # noqa: E402
from inference.splats.make import make_splats  # noqa: E402

from .conftest import part  # noqa: E402


def test_operator_and_function_write_the_same_file(portrait, portrait_file, tmp_path):
    before = set(bpy.data.objects)
    for frame in ("y-down", "z-up"):
        options = {"filepath": str(tmp_path / "operator.ply"), "count": 30_000, "frame": frame}
        assert bpy.ops.portrait_manifolds.export_splats(**options) == {"FINISHED"}
        save_splats(make_splats(load_portrait(portrait_file), 30_000), tmp_path / "function.ply", frame)
        assert (tmp_path / "operator.ply").read_bytes() == (tmp_path / "function.ply").read_bytes()
    assert set(bpy.data.objects) == before


def test_blender_reads_the_points_where_the_portrait_is(portrait, portrait_file, tmp_path):
    """Written with Blender's axes, and read without a rotation, as Blender's importer does by itself."""
    options = {"filepath": str(tmp_path / "ball.ply"), "count": 30_000, "frame": "z-up"}
    bpy.ops.portrait_manifolds.export_splats(**options)
    bpy.ops.wm.ply_import(filepath=str(tmp_path / "ball.ply"))
    points = bpy.context.view_layer.objects.active
    read = np.array([points.matrix_world @ vertex.co for vertex in points.data.vertices])
    wanted = part("operators.datablocks.meshes").to_blender(make_splats(load_portrait(portrait_file), 30_000).positions)
    assert np.allclose(read, wanted, atol=1e-6)
    assert {"f_dc_0", "opacity", "scale_0", "rot_0"} <= set(points.data.attributes.keys())


def test_what_cannot_be_written(portrait, tmp_path):
    with pytest.raises(RuntimeError, match="name it .ply"):
        bpy.ops.portrait_manifolds.export_splats(filepath=str(tmp_path / "ball.glb"))
    with pytest.raises(RuntimeError, match="choose a folder that exists"):
        bpy.ops.portrait_manifolds.export_splats(filepath=str(tmp_path / "nowhere" / "ball.ply"), count=20_000)
    portrait.portrait_manifolds.portrait_path = ""
    assert not bpy.ops.portrait_manifolds.export_splats.poll()
    assert not list(tmp_path.iterdir())
