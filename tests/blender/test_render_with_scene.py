"""Portraits among other objects: the compositor puts them where they stand in what another engine renders."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place, psnr  # noqa: E402
from .scenes import (  # noqa: E402
    add_sun,
    orbit_camera,
    premultiplied,
    render,
    set_world,
    to_linear,
    use_cycles,
    use_portrait_engine,
)

operators = bpy.ops.portrait_manifolds
SIZE = 96, 80


def plain_material(color):
    """It shines by itself, so that every sample is the same."""
    material = bpy.data.materials.new("Plain")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light, end = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    light.inputs["Color"].default_value = (*color, 1.0)
    tree.links.new(light.outputs[0], end.inputs["Surface"])
    return material


def add_ball(location, radius, color):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=location, segments=64, ring_count=32)
    bpy.context.object.data.materials.append(plain_material(color))
    return bpy.context.object


def add_plane(location, rotation, color):
    bpy.ops.mesh.primitive_plane_add(size=6, location=location, rotation=[math.radians(angle) for angle in rotation])
    bpy.context.object.data.materials.append(plain_material(color))
    return bpy.context.object


@pytest.fixture
def stage(portrait):
    """A portrait in front of a wall and a ball, behind another ball, with a floor that runs into it. Returns it."""
    scene = bpy.context.scene
    add_plane((0, 0.9, 0), (90, 0, 0), (0.7, 0.3, 0.1))
    add_plane((0, 0, -0.09), (0, 0, 0), (0.1, 0.2, 0.6))
    add_ball((-0.1, 0.3, 0.08), 0.09, (0.1, 0.6, 0.1))
    add_ball((0.06, -0.2, 0.0), 0.035, (0.8, 0.05, 0.05))
    set_world(1.0, (0.2, 0.2, 0.2))
    use_cycles(16)
    scene.render.film_transparent = False
    scene.portrait_manifolds.samples = "2"
    orbit_camera(10.0, 8.0, 0.9, lens=70, size=SIZE)
    bpy.context.view_layer.objects.active = portrait
    return portrait


def linear_alone(path):
    """The engine's picture of the portraits alone: linear, premultiplied, with alpha."""
    scene = bpy.context.scene
    engine, film = scene.render.engine, scene.render.film_transparent
    use_portrait_engine("2")
    straight = render(path)
    scene.render.engine, scene.render.film_transparent = engine, film
    return premultiplied(to_linear(straight[..., :3]), straight[..., 3])


def test_among_other_objects(stage, tmp_path):
    """Against Cycles, which renders the portrait's layers among the same objects."""
    empty = premultiplied(render(tmp_path / "empty.png"))
    assert operators.render_with_scene() == {"FINISHED"}
    assert bpy.context.scene.render.engine == "CYCLES", "the scene keeps its engine"
    together = premultiplied(render(tmp_path / "together.png"))
    assert operators.render_alone() == {"FINISHED"}
    operators.add_layers(triangles=100_000, shadow=False)
    use_cycles(64)
    bpy.context.scene.render.film_transparent = False
    truth = premultiplied(render(tmp_path / "truth.png"))
    print(f"{psnr(together, truth):.1f} dB with the portrait, {psnr(empty, truth):.1f} dB without")
    assert psnr(together, truth) >= 37 and psnr(empty, truth) < 21
    assert np.mean(np.abs(together - truth).max(-1) > 0.15) < 0.004, "edges of what covers the portrait, too"


def blur(how, portrait):
    """Give the scene depth of field, or motion blur and a portrait that moves."""
    scene = bpy.context.scene
    if how == "depth of field":
        dof = scene.camera.data.dof
        dof.use_dof, dof.focus_distance, dof.aperture_fstop = True, 0.5, 0.8
    elif how == "motion blur":
        scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.8
        for frame, place_x in ((1, -0.04), (3, 0.04)):
            portrait.location.x = place_x
            portrait.keyframe_insert("location", frame=frame)
        scene.frame_set(2)


@pytest.mark.parametrize("how", ["sharp", "depth of field", "motion blur"])
def test_soft_edges_over_what_is_behind(stage, tmp_path, how):
    """Where nothing is in front: the portrait's light, and of the scene's as much as the portrait lets through."""
    blur(how, stage)
    for obj in list(bpy.context.scene.objects):
        if obj.type == "MESH" and obj.location.y < 0.1:
            bpy.data.objects.remove(obj)
    behind = to_linear(render(tmp_path / "behind.png")[..., :3])
    alone = linear_alone(tmp_path / "alone.png")
    operators.render_with_scene()
    together = to_linear(render(tmp_path / "together.png")[..., :3])
    alpha = alone[..., 3:]
    rim = (alpha[..., 0] > 0.05) & (alpha[..., 0] < 0.5)
    assert rim.sum() > 20, "less than half covered"
    wanted = alone[..., :3] + (1 - alpha) * behind
    assert np.abs(together - wanted)[rim].max() < 0.03 and np.abs(together - wanted).mean() < 2e-3


def test_what_is_in_front_covers(stage, tmp_path):
    """Inside the ball in front and beside the portrait, the scene is as it was."""
    scene_alone = render(tmp_path / "scene.png")
    alpha = linear_alone(tmp_path / "alone.png")[..., 3]
    operators.render_with_scene()
    together = render(tmp_path / "together.png")
    red = (scene_alone[..., 0] > 0.85) & (scene_alone[..., 1] < 0.3)
    covered = red & (alpha > 0.99)
    inside = covered.copy()
    for step, axis in ((2, 0), (-2, 0), (2, 1), (-2, 1)):
        inside &= np.roll(covered, step, axis)
    assert inside.sum() > 20 and np.abs(together - scene_alone)[inside].max() < 0.01
    assert np.abs(together - scene_alone)[alpha == 0].max() < 0.01


def test_shadows_fall_on_the_scene(stage, tmp_path):
    """On the wall behind, in a light from the front; without the option there is none. Portraits are not shaded."""
    for obj in list(bpy.context.scene.objects):
        if obj.type == "MESH":
            bpy.data.objects.remove(obj)
    wall = add_plane((0, 0.4, 0), (90, 0, 0), (1, 1, 1))
    wall.data.materials.clear()  # a matte one
    set_world(0.0)
    add_sun((60, 0, 30))
    bpy.context.view_layer.objects.active = stage
    operators.render_with_scene(shadow=False)
    without = render(tmp_path / "without.png")[..., 0]
    operators.render_with_scene()
    shadows = [child for child in stage.children if not child.visible_camera]
    assert len(shadows) == 1
    got = render(tmp_path / "with.png")[..., 0]
    alpha = linear_alone(tmp_path / "alone.png")[..., 3]
    dark = got < without - 0.3
    assert np.mean(dark[alpha == 0]) > 0.02, "beside the portrait"
    assert not dark[alpha > 0.99].any(), "not on the portrait"


def test_a_transparent_film(stage, tmp_path):
    """Alpha is that of both."""
    scene = bpy.context.scene
    for obj in list(scene.objects):
        if obj.type == "MESH":
            bpy.data.objects.remove(obj)
    add_ball((0.06, -0.2, 0.0), 0.035, (0.8, 0.05, 0.05))
    bpy.context.view_layer.objects.active = stage
    scene.render.film_transparent = True
    ball = render(tmp_path / "ball.png")[..., 3]
    alone = linear_alone(tmp_path / "alone.png")[..., 3]
    operators.render_with_scene()
    together = render(tmp_path / "together.png")[..., 3]
    assert np.abs(together - (1 - (1 - ball) * (1 - alone))).max() < 0.15
    assert np.abs(together - np.maximum(ball, alone)).mean() < 2e-3 and together.min() == 0.0


def state(scene):
    """What Render with Scene may change."""
    tree = part("operators.datablocks.compositor").tree_of(scene)
    nodes = links = None
    if tree is not None:
        nodes = sorted((node.type, node.name) for node in tree.nodes)
        links = sorted(
            (link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier)
            for link in tree.links
        )
    render_settings = scene.render.engine, scene.render.use_compositing, scene.view_layers[0].use_pass_z
    data = bpy.data
    images = {image.name: image for image in data.images if image.source != "VIEWER"}  # those are Blender's own
    kinds = data.scenes, data.node_groups, data.objects, data.meshes, data.materials, images
    return nodes, links, render_settings, *(sorted(kind.keys()) for kind in kinds)


@pytest.mark.parametrize("engine", ["CYCLES", "PORTRAIT_MANIFOLDS"])
def test_twice_adds_nothing_and_once_takes_all_back(stage, engine):
    scene = bpy.context.scene
    scene.render.engine = engine
    before = state(scene)
    assert operators.render_with_scene() == {"FINISHED"}
    once = state(scene)
    assert once != before and scene.render.engine != "PORTRAIT_MANIFOLDS"
    assert operators.render_with_scene() == {"FINISHED"}
    assert state(scene) == once
    assert operators.render_alone() == {"FINISHED"}
    assert state(scene) == before
    assert not operators.render_alone.poll()


def test_the_users_nodes_stay(stage, tmp_path):
    """A glare between renders and output works on both together, and is connected as before when it is over."""
    scene, compositor = bpy.context.scene, part("operators.datablocks.compositor")
    tree = compositor.new_tree(scene, "ViewLayer")
    start = next(node for node in tree.nodes if node.type == "R_LAYERS")
    end = next(node for node in tree.nodes if node.type in ("COMPOSITE", "GROUP_OUTPUT"))
    invert = tree.nodes.new("CompositorNodeInvert")
    color = next(socket for socket in invert.inputs if socket.name == "Color")
    tree.links.new(start.outputs["Image"], color)
    tree.links.new(invert.outputs[0], end.inputs[0])
    before = state(scene)
    plain = render(tmp_path / "plain.png")
    operators.render_with_scene()
    together = render(tmp_path / "together.png")
    assert len(color.links) == 1 and color.links[0].from_node.type == "GROUP"
    assert np.abs(together - plain)[30:50, 40:50].mean() > 0.1, "the portrait is there"
    operators.render_alone()
    assert state(scene) == before
    assert np.abs(render(tmp_path / "again.png") - plain).max() < 0.01


def test_undo(stage):
    before = state(bpy.context.scene)
    bpy.ops.ed.undo_push(message="before")
    operators.render_with_scene()
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert state(bpy.context.scene) == before


def apart():
    return part("operators.state.portraits_scene").find(bpy.context.scene)


def test_the_portraits_scene_follows(stage, portrait_file, tmp_path):
    """New portraits, new cameras, instances, and what is deleted, when the button is pressed again."""
    scene = bpy.context.scene
    operators.render_with_scene()
    first = scene.camera
    assert set(apart().objects) == {stage, first} and apart().camera == first
    second = place(portrait_file, "Second")
    second.location.x = -0.2
    camera = orbit_camera(10.0, 8.0, 0.9, lens=70, size=SIZE)
    bpy.context.view_layer.objects.active = stage
    operators.render_with_scene()
    before = render(tmp_path / "second.png")
    assert set(apart().objects) == {stage, second, first, camera} and apart().camera == camera
    collection = bpy.data.collections.new("Source")
    collection.objects.link(place(portrait_file, "Third"))
    scene.collection.objects.unlink(bpy.data.objects["Third"])
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    instance.location.x = -0.2
    scene.collection.objects.link(instance)
    scene.collection.objects.unlink(second)
    operators.render_with_scene()
    again = render(tmp_path / "instance.png")
    assert instance in set(apart().objects) and second not in set(apart().objects)
    assert np.abs(again - before).max() < 0.02, "the instance stands in the second portrait's place"


def test_it_follows_in_a_window_soon(stage, portrait_file, monkeypatch):
    """A change is noted while Blender updates its scenes, and followed when it is done; not while it renders."""
    handlers, waiting = part("operators.handlers"), []
    operators.render_with_scene()
    second = place(portrait_file, "Second")

    class Updated:
        kinds = {"SCENE"}

        def id_type_updated(self, kind):
            return kind in self.kinds

    timers = type("Timers", (), {"register": waiting.append, "is_registered": lambda timer: timer in waiting})
    app = type("App", (), {"background": False, "timers": timers, "is_job_running": lambda kind: bool(rendering)})
    rendering = [True]
    monkeypatch.setattr(handlers, "bpy", type("Blender", (), {"app": app, "data": bpy.data}))
    handlers.note_scenes(bpy.context.scene, Updated())
    handlers.note_scenes(bpy.context.scene, Updated())
    assert waiting == [handlers.follow_scenes] and second not in set(apart().objects)
    assert handlers.follow_scenes() > 0 and second not in set(apart().objects)
    rendering.clear()
    assert handlers.follow_scenes() is None and second in set(apart().objects)
    waiting.clear()
    Updated.kinds = {"OBJECT"}
    handlers.note_scenes(bpy.context.scene, Updated())
    assert not waiting, "moving an object costs nothing"


def test_what_the_scene_hides_is_hidden(stage, tmp_path):
    """Collections that are excluded, hidden in renders, or holdouts: those of the scene count."""
    scene = bpy.context.scene
    empty = render(tmp_path / "empty.png")
    collection = bpy.data.collections.new("Heads")
    scene.collection.children.link(collection)
    collection.objects.link(stage)
    scene.collection.objects.unlink(stage)
    bpy.context.view_layer.objects.active = stage
    operators.render_with_scene()
    layer = bpy.context.view_layer.layer_collection.children["Heads"]

    def seen():
        bpy.context.view_layer.update()
        return np.abs(render(tmp_path / "seen.png") - empty).max() > 0.1

    assert seen()
    collection.hide_render = True
    assert not seen()
    collection.hide_render, layer.exclude = False, True
    assert not seen()
    layer.exclude, layer.indirect_only = False, True
    assert not seen()
    layer.indirect_only, stage.hide_render = False, True
    assert not seen()
    stage.hide_render = False
    assert seen()


def test_animation_border_and_percentage(stage, tmp_path):
    """Camera and portrait move; the scene's border and percentage count in both pictures."""
    scene = bpy.context.scene
    for obj in list(scene.objects):
        if obj.type == "MESH" and obj.location.y < 0.1:
            bpy.data.objects.remove(obj)
    scene.render.resolution_percentage = 70
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.2, 0.8
    scene.render.border_min_y, scene.render.border_max_y = 0.1, 0.9
    camera = scene.camera
    for frame, shift in ((1, 0.0), (5, 0.08)):
        stage.location.x = shift
        stage.keyframe_insert("location", frame=frame)
        camera.location.z += shift
        camera.keyframe_insert("location", frame=frame)
    frames = 1, 3, 5
    behind, alone, together = {}, {}, {}
    for frame in frames:
        scene.frame_set(frame)
        alone[frame] = linear_alone(tmp_path / "alone.png")
        behind[frame] = to_linear(render(tmp_path / "behind.png")[..., :3])
    operators.render_with_scene()
    scene.frame_start, scene.frame_end, scene.frame_step = 1, 5, 2
    scene.render.filepath = str(tmp_path / "frame_")
    bpy.ops.render.render(animation=True)
    from PIL import Image

    for frame in frames:
        with Image.open(tmp_path / f"frame_{frame:04d}.png") as image:
            together[frame] = to_linear(np.asarray(image.convert("RGBA"), np.float32)[..., :3] / 255)
        wanted = alone[frame][..., :3] + (1 - alone[frame][..., 3:]) * behind[frame]
        assert together[frame].shape[:2] == (56, 67)
        assert np.abs(together[frame] - wanted).mean() < 3e-3, frame
    assert np.abs(together[1] - together[5]).mean() > 0.02


def test_refusals(stage):
    scene = bpy.context.scene
    operators.render_with_scene()
    other = apart()
    with bpy.context.temp_override(scene=other, view_layer=other.view_layers[0]):
        with pytest.raises(RuntimeError, match="renders the portraits of"):
            operators.render_with_scene()
    operators.render_alone()
    tree = part("operators.datablocks.compositor").new_tree(scene, "ViewLayer")
    for node in [node for node in tree.nodes if node.type == "R_LAYERS"]:
        tree.nodes.remove(node)
    scene.render.engine = "PORTRAIT_MANIFOLDS"
    before = state(scene)
    with pytest.raises(RuntimeError, match="no Render Layers node"):
        operators.render_with_scene()
    assert apart() is None and state(scene) == before


def test_the_view_layer_that_is_active(stage, tmp_path):
    """A second one, in which another collection is excluded: that is what is rendered and what counts."""
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Heads")
    scene.collection.children.link(collection)
    collection.objects.link(stage)
    scene.collection.objects.unlink(stage)
    second = scene.view_layers.new("Second")
    scene.view_layers["ViewLayer"].layer_collection.children["Heads"].exclude = True
    empty = render(tmp_path / "empty.png")
    with bpy.context.temp_override(view_layer=second):
        second.objects.active = stage
        operators.render_with_scene()
    assert [layer.name for layer in apart().view_layers] == ["Second"]
    assert np.abs(render(tmp_path / "second.png") - empty).max() > 0.3


def test_the_portraits_engine_says_that_it_renders_portraits_alone(stage, tmp_path, capfd):
    operators.render_with_scene()
    bpy.context.scene.render.engine = "PORTRAIT_MANIFOLDS"
    capfd.readouterr()
    render(tmp_path / "alone.png")
    assert "renders the portraits alone" in capfd.readouterr().out
