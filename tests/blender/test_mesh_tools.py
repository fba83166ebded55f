"""What an artist does next with the mesh: Blender's modifiers, remeshers, sculpting and simulation take it as it is."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

import bmesh  # noqa: E402
from mathutils import Vector  # noqa: E402

RESOLUTION, FACES = 96, 6000
TOP = 0.015 + 0.11  # metres, crown of the closed-form ball


def extracted(**options):
    assert bpy.ops.portrait_manifolds.extract_mesh(resolution=RESOLUTION, faces=FACES, **options) == {"FINISHED"}
    bpy.context.view_layer.update()
    return bpy.context.view_layer.objects.active


def evaluated(obj):
    """Vertices (n, 3) and number of faces of an object with its modifiers."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return vertices_of(mesh), len(mesh.polygons)


def vertices_of(mesh):
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def is_watertight(mesh):
    shape = bmesh.new()
    shape.from_mesh(mesh)
    closed = all(edge.is_manifold for edge in shape.edges)
    shape.free()
    return closed


def apart(obj, points):
    """Distances (n,) of points from the object's own surface, metres."""
    return np.array([(Vector(point) - obj.closest_point_on_mesh(Vector(point))[1]).length for point in points])


def plane(size, height, cuts=24):
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=cuts, y_subdivisions=cuts, size=size, location=(0.0, 0.02, height))
    return bpy.context.view_layer.objects.active


def test_subdivision(portrait):
    made = extracted()
    before, faces = vertices_of(made.data), len(made.data.polygons)
    modifier = made.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = 2
    points, count = evaluated(made)
    assert count == 12 * faces and np.isfinite(points).all()
    assert np.abs(points.min(0) - before.min(0)).max() < 4e-3 and np.abs(points.max(0) - before.max(0)).max() < 4e-3
    assert apart(made, points[::200]).max() < 2e-3


def test_multiresolution_in_sculpt_mode(portrait):
    made = extracted()
    faces = len(made.data.polygons)
    made.modifiers.new("Multires", "MULTIRES")
    assert bpy.ops.object.multires_subdivide(modifier="Multires", mode="CATMULL_CLARK") == {"FINISHED"}
    assert bpy.ops.object.mode_set(mode="SCULPT") == {"FINISHED"}
    assert bpy.ops.object.mode_set(mode="OBJECT") == {"FINISHED"}
    assert made.modifiers["Multires"].total_levels == 1 and evaluated(made)[1] == 3 * faces


@pytest.mark.parametrize("method", ["NEAREST_SURFACEPOINT", "PROJECT"])
def test_shrinkwrap(portrait, method):
    """A grid before the face lies on it afterwards; project: along its own normal."""
    made = extracted()
    wrapped = plane(0.08, 0.0)
    wrapped.location, wrapped.rotation_euler = (0.0, -0.3, 0.02), (np.pi / 2, 0.0, 0.0)
    modifier = wrapped.modifiers.new("Shrinkwrap", "SHRINKWRAP")
    modifier.target, modifier.wrap_method = made, method
    modifier.use_negative_direction = True
    bpy.context.view_layer.update()
    matrix = np.array(wrapped.matrix_world)
    points, _ = evaluated(wrapped)
    points = points @ matrix[:3, :3].T + matrix[:3, 3]
    assert (points[:, 1] < -0.05).all() and apart(made, points).max() < 1e-5


def test_voxel_remesh_for_sculpting(portrait):
    """In object mode: without a window Blender 4.5 crashes on it in sculpt mode, whatever the mesh."""
    made = extracted(closed=True)
    before = vertices_of(made.data)
    made.data.remesh_voxel_size = 0.004
    assert bpy.ops.object.voxel_remesh() == {"FINISHED"}
    assert bpy.ops.object.mode_set(mode="SCULPT") == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    after = vertices_of(made.data)
    assert len(made.data.polygons) > 5_000 and is_watertight(made.data)
    assert np.abs(after.min(0) - before.min(0)).max() < 5e-3 and np.abs(after.max(0) - before.max(0)).max() < 5e-3


def test_quadriflow(portrait):
    made = extracted(closed=True)
    before = vertices_of(made.data)
    assert bpy.ops.object.quadriflow_remesh(mode="FACES", target_faces=1500) == {"FINISHED"}
    quads = [len(polygon.vertices) == 4 for polygon in made.data.polygons]
    assert len(quads) > 700 and all(quads) and is_watertight(made.data)
    after = vertices_of(made.data)
    assert np.abs(after.min(0) - before.min(0)).max() < 1e-2 and np.abs(after.max(0) - before.max(0)).max() < 1e-2


def test_a_cloth_falls_on_the_head_and_stays_there(portrait):
    scene = bpy.context.scene
    made = extracted(closed=True)
    made.modifiers.new("Collision", "COLLISION")
    made.collision.thickness_outer = 0.004
    sheet = plane(0.3, TOP + 0.02, cuts=32)
    cloth = sheet.modifiers.new("Cloth", "CLOTH")
    cloth.settings.quality = 8
    cloth.collision_settings.distance_min = 0.004
    scene.frame_start, scene.frame_end = 1, 30
    cloth.point_cache.frame_end = 30
    for frame in range(1, 31):
        scene.frame_set(frame)
    points, _ = evaluated(sheet)
    points += np.array(sheet.matrix_world)[:3, 3]
    # 1.2 s of free fall would be metres; what lies above the crown is held by it, and the rest hangs down around it
    over = np.hypot(points[:, 0], points[:, 1] - 0.02) < 0.04
    assert points[over, 2].min() > TOP - 0.03 and points[~over, 2].min() < TOP - 0.03
    assert apart(made, points[over]).max() < 0.03


def test_rays_meet_the_mesh(portrait):
    """What snapping to faces asks of a scene."""
    made = extracted()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    start, way = Vector((0.0, -2.0, 0.0)), Vector((0.0, 1.0, 0.0))
    hit, point, normal, _, found, _ = bpy.context.scene.ray_cast(depsgraph, start, way)
    assert hit and found.original == made and normal.y < -0.8 and apart(made, [point]).max() < 1e-6
