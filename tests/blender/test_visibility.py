"""Holdouts, indirect light only and camera visibility, against what Cycles makes of a ball in the portrait's place."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, place  # noqa: E402
from .scenes import add_camera, render_passes, set_world, use_cycles, use_portrait_engine  # noqa: E402

FAR = 1e9  # depths beyond are of nothing
SKY = 0.1, 0.2, 0.3


@pytest.fixture
def pair(portrait, portrait_file):
    """A portrait in a collection before a larger one; the camera sees both, and the sky beside them."""
    scene = bpy.context.scene
    far = place(portrait_file, "Far")
    far.location, far.scale = (0.1, 1.0, 0.0), (2.0, 2.0, 2.0)
    near = bpy.data.collections.new("Near")
    scene.collection.children.link(near)
    near.objects.link(portrait)
    scene.collection.objects.unlink(portrait)
    set_world(1.0, SKY)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60, size=(60, 48))
    scene.view_layers[0].name = "Layer"
    scene.view_layers[0].use_pass_z = True
    return portrait, far


def with_a_ball(obj):
    """A mesh ball in the portrait's place and collections, seen as it is; the portraits' engine draws none."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.09, segments=64, ring_count=32)
    ball = bpy.context.object
    for collection in ball.users_collection:
        collection.objects.unlink(ball)
    obj.users_collection[0].objects.link(ball)
    ball.matrix_world = obj.matrix_world
    ball.visible_camera, ball.is_holdout = obj.visible_camera, obj.is_holdout
    return ball


def layer_collection():
    return bpy.context.view_layer.layer_collection.children["Near"]


HOW = {
    "seen": lambda obj: None,
    "holdout": lambda obj: setattr(obj, "is_holdout", True),
    "not for cameras": lambda obj: setattr(obj, "visible_camera", False),
    "holdout collection": lambda obj: setattr(layer_collection(), "holdout", True),
    "collection for indirect light": lambda obj: setattr(layer_collection(), "indirect_only", True),
}
# what the middle of the near portrait shows, opaque film: (alpha, whose depth)
WANTED = {
    "seen": (1.0, "near"),
    "holdout": (0.0, "none"),
    "not for cameras": (1.0, "far"),
    "holdout collection": (0.0, "none"),
    "collection for indirect light": (1.0, "far"),
}


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("how", HOW)
def test_cameras_see_portraits_as_they_see_meshes(pair, tmp_path, how, transparent):
    """Alpha and whose depth it is, at three places; and the colour of holes."""
    for obj in pair:
        if obj is pair[0]:
            HOW[how](obj)
        with_a_ball(obj)
    use_portrait_engine("1", transparent)
    ours = render_passes(tmp_path / "ours.exr")
    use_cycles(1)
    bpy.context.scene.render.film_transparent = transparent
    theirs = render_passes(tmp_path / "theirs.exr")
    places = {"near": (24, 30), "far": (24, 42), "sky": (2, 2)}
    for name, (row, column) in places.items():
        alpha, other = (planes["Layer.Combined.A"][row, column] for planes in (ours, theirs))
        assert alpha == pytest.approx(other, abs=0.02), name
        depth, other = (planes["Layer.Depth.Z"][row, column] for planes in (ours, theirs))
        assert (depth > FAR) == (other > FAR) and (depth > FAR or abs(depth - other) < 0.05), name
        if alpha < 0.01 or name == "sky":
            for channel in "RGB":
                here, there = (planes[f"Layer.Combined.{channel}"][row, column] for planes in (ours, theirs))
                assert here == pytest.approx(there, abs=1e-4), name
    alpha, whose = WANTED[how]
    depth = ours["Layer.Depth.Z"][24, 30]
    assert ours["Layer.Combined.A"][24, 30] == pytest.approx(alpha, abs=0.01)
    assert ("near" if depth < 1.3 else "far" if depth < FAR else "none") == whose


def test_instances_take_the_instancers_sight(portrait, tmp_path):
    """A collection instance that is a holdout, or that no camera sees."""
    scene = bpy.context.scene
    hidden = bpy.data.collections.new("Source")
    hidden.objects.link(portrait)
    scene.collection.objects.unlink(portrait)
    instancer = bpy.data.objects.new("Instance", None)
    instancer.instance_type, instancer.instance_collection = "COLLECTION", hidden
    scene.collection.objects.link(instancer)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60, size=(60, 48))
    set_world(1.0, SKY)

    def shown():
        bpy.context.view_layer.update()
        found = part("operators.engine.scene").visible_portraits(bpy.context.evaluated_depsgraph_get())
        return [one.holdout for one in found]

    assert shown() == [False]
    instancer.is_holdout = True
    assert shown() == [True]
    instancer.is_holdout, instancer.visible_camera = False, False
    assert shown() == []
    instancer.visible_camera, portrait.is_holdout = True, True
    assert shown() == [True]


def test_a_holdout_covers_what_is_behind_it_by_as_much_as_it_is_solid(pair):
    """At its soft edge, the far portrait's share and the hole's make up the whole."""
    module = part("operators.engine.scene")
    render = part("operators.engine.composite").render_portraits
    scene = bpy.context.scene
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = part("operators.engine.cameras").world_camera(scene.camera, depsgraph, scene)
    found, _ = module.load_shown(module.visible_portraits(depsgraph))
    near, far = sorted(found, key=lambda one: one.matrix.translation.y)
    alone, behind = render([near], camera), render([far], camera)
    both = render([near._replace(holdout=True), far], camera, SKY)
    soft = (alone.alpha > 0.2) & (alone.alpha < 0.8) & (behind.alpha > 0.999)
    assert soft.sum() > 5
    assert np.abs(both.combined[..., 3] - (1 - alone.alpha))[soft].max() < 1e-5
    colour = behind.combined[..., :3] * (1 - alone.alpha[..., None])
    assert np.abs(both.combined[..., :3] - colour)[soft].max() < 2e-3


def test_the_viewport_obeys_too(pair):
    """It draws what `visible_portraits` says, and asks for another picture when that changes."""
    near, _ = pair
    module = part("operators.engine.scene")
    keys = part("operators.engine.viewport")
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = part("operators.engine.cameras").world_camera(bpy.context.scene.camera, depsgraph, bpy.context.scene)

    def shown():
        bpy.context.view_layer.update()
        return module.visible_portraits(bpy.context.evaluated_depsgraph_get())

    seen = shown()
    near.is_holdout = True
    held_out = shown()
    viewport = keys.Viewport(lambda: None)
    pictures = []
    for portraits in (seen, held_out):
        viewport.want(camera, portraits, None)
        assert viewport.wait(60)
        pictures.append(viewport._picture)
    assert pictures[0][24, 30, 3] > 0.99 and pictures[1][24, 30, 3] < 0.01


def test_animated_visibility(portrait, tmp_path):
    """In an animation every frame has its own."""
    scene = bpy.context.scene
    use_portrait_engine("1")
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60, size=(60, 48))
    for frame, seen in ((1, True), (2, False), (3, True)):
        portrait.visible_camera = seen
        portrait.keyframe_insert("visible_camera", frame=frame)
    scene.frame_set(1)
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(tmp_path / "frame_")
    bpy.ops.render.render(animation=True)
    from PIL import Image

    highest = []
    for frame in range(1, 4):
        with Image.open(tmp_path / f"frame_{frame:04d}.png") as image:
            highest.append(image.getchannel("A").getextrema()[1])
    assert highest == [255, 0, 255]
