"""The proxy: seen, snapped to and clicked on in Solid views, rendered by nothing, and always that of its portrait."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from mathutils import Vector  # noqa: E402

from inference.mesh.proxy import proxy_mesh  # noqa: E402
from inference.mesh.surface import find_surface  # noqa: E402
from inference.portrait import load_portrait, save_portrait  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402

from .conftest import part, place  # noqa: E402
from .scenes import render, side_camera, use_cycles  # noqa: E402


@pytest.fixture
def imported(scene, portrait_file):
    """A portrait that came with its proxy, as all do."""
    bpy.ops.portrait_manifolds.import_portrait(filepath=str(portrait_file))
    bpy.context.view_layer.update()
    return bpy.context.view_layer.objects.active


def proxy_of(obj):
    assert part("operators.state.proxy").has_proxy(obj)
    (mesh_object,) = obj.instance_collection.objects
    return mesh_object


def test_surface_and_colours(portrait_file):
    portrait = load_portrait(portrait_file)
    mesh, surface = proxy_mesh(portrait), find_surface(portrait.textures, portrait.radii)
    assert 2_000 < len(mesh.faces) < 6_000 and mesh.faces.shape[1] == 4
    assert np.array_equal(mesh.texture, surface.color)
    from inference.geometry import domes
    from inference.geometry.sampling import sample_image

    u, v, radius = domes.dome_coordinates(mesh.vertices.astype(np.float64))
    solid = surface.opacity >= 0.5
    wanted = sample_image(surface.radius, u * solid.shape[1], v * solid.shape[0])
    assert np.median(np.abs(wanted - radius)) < 5e-4
    assert proxy_mesh(analytic_portrait("empty")) is None


def test_it_comes_with_the_portrait_and_is_clicked_as_the_portrait(imported):
    """Instanced by the empty, so that it follows, and nothing but the portrait can be selected in its place."""
    child = proxy_of(imported)
    assert list(bpy.context.scene.objects) == [imported] and not imported.children
    imported.location, imported.scale = (1.0, 2.0, 3.0), (2.0,) * 3
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    seen = [
        (one.parent.original, one.matrix_world.copy())
        for one in depsgraph.object_instances
        if one.is_instance and one.object.original == child
    ]
    assert seen == [(imported, imported.matrix_world)]


def test_rays_and_snapping_meet_it(imported):
    """What snapping to faces and Shrinkwrap ask of a scene."""
    imported.location = (0.5, 0.0, 0.0)
    bpy.context.view_layer.update()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    start, way = Vector((0.5, -2.0, 0.0)), Vector((0.0, 1.0, 0.0))
    hit, point, normal, _, found, matrix = bpy.context.scene.ray_cast(depsgraph, start, way)
    assert hit and found.original == proxy_of(imported) and normal.y < -0.8
    assert point.x == pytest.approx(0.5, abs=1e-4) and -0.16 < point.y < -0.08
    assert np.allclose(matrix, imported.matrix_world)


@pytest.mark.parametrize("engine", ["CYCLES", "WORKBENCH"])
def test_it_is_never_rendered(imported, tmp_path, engine):
    side_camera()
    bpy.context.scene.render.film_transparent = True
    if engine == "CYCLES":
        use_cycles(4)
    else:
        bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    assert render(tmp_path / "empty.png")[..., 3].max() == 0.0


def test_rendered_viewports_of_other_engines_do_not_show_it(imported, tmp_path):
    """They show what is hidden from renders, so neither camera nor lights may see it. A render stands for them here."""
    proxy_of(imported).hide_render = False
    side_camera()
    bpy.context.scene.render.film_transparent = True
    use_cycles(4)
    assert render(tmp_path / "empty.png")[..., 3].max() == 0.0


def test_it_is_shown_as_the_user_wants(imported):
    made = proxy_of(imported)
    names = {block.name for block in (imported.instance_collection, made.data, made.data.materials[0])}
    imported.portrait_manifolds.show_proxy = False
    assert imported.instance_type == "NONE" and imported.instance_collection is None
    blocks = (*bpy.data.collections, *bpy.data.meshes, *bpy.data.materials, *bpy.data.images)
    assert not names & {block.name for block in blocks}
    imported.portrait_manifolds.show_proxy = True
    proxy_of(imported)
    preferences = part("operators.state.options").preferences()
    preferences.proxy = False
    try:
        other = place(imported.portrait_manifolds.portrait_path, "Other")
        assert not other.portrait_manifolds.show_proxy
        part("operators.state.proxy").update(other)
        assert other.instance_type == "NONE"
    finally:
        preferences.proxy = True


@pytest.mark.parametrize("extract", ["extract_mesh", "extract_lods"])
def test_meshes_take_its_place(imported, extract):
    """Two surfaces in one place flicker through each other. The user may have it back."""
    proxy_of(imported)
    getattr(bpy.ops.portrait_manifolds, extract)(resolution=64, faces=500)
    assert not imported.portrait_manifolds.show_proxy and imported.instance_collection is None
    imported.portrait_manifolds.show_proxy = True
    proxy_of(imported)


def test_a_new_inversion_has_a_new_one_and_the_old_goes(imported, tmp_path):
    old = imported.instance_collection.name
    copy = imported.copy()
    bpy.context.collection.objects.link(copy)
    dome = tmp_path / "dome.manifolds"
    save_portrait(analytic_portrait("dome"), dome)
    imported.portrait_manifolds.portrait_path = str(dome)
    update = part("operators.state.proxy").update
    update(imported)
    assert copy.instance_collection.name == old != imported.instance_collection.name  # a duplicate keeps its own
    meshes = len(bpy.data.meshes)
    update(imported)
    assert len(bpy.data.meshes) == meshes
    update(copy)
    assert old not in bpy.data.collections or bpy.data.collections[old] == copy.instance_collection
    assert len(bpy.data.meshes) == meshes


def test_what_the_user_instances_stays(portrait):
    own = bpy.data.collections.new("Own")
    portrait.instance_type, portrait.instance_collection = "COLLECTION", own
    part("operators.state.proxy").update(portrait)
    assert portrait.instance_collection == own


def test_saved_loaded_and_appended(imported, tmp_path):
    path = tmp_path / "scene.blend"
    name = imported.name
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    vertices = len(proxy_of(bpy.data.objects[name]).data.vertices)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.append(directory=str(path / "Object"), filename=name)
    appended = bpy.data.objects[name]
    assert len(proxy_of(appended).data.vertices) == vertices and list(bpy.context.scene.objects) == [appended]
    bpy.data.objects.remove(appended)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "after.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "after.blend"))
    bpy.data.orphans_purge(do_recursive=True)
    assert not bpy.data.meshes and not bpy.data.collections


def test_the_engine_draws_the_portrait_as_before(imported, tmp_path):
    side_camera()
    bpy.context.scene.render.engine = "PORTRAIT_MANIFOLDS"
    with_proxy = render(tmp_path / "with.png")
    imported.portrait_manifolds.show_proxy = False
    assert np.array_equal(render(tmp_path / "without.png"), with_proxy)
    assert with_proxy[..., 3].max() == 1.0
