"""The render engine: F12 and animation through any camera, several portraits, passes, panels."""

import json
import math
import random
import subprocess
import sys

import cv2
import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from tests import reference  # noqa: E402

from .conftest import ROOT, part, place, psnr  # noqa: E402
from .scenes import (  # noqa: E402
    add_camera,
    engine_view,
    orbit_camera,
    premultiplied,
    render,
    render_passes,
    set_world,
    side_camera,
    smooth_view,
    to_portrait_space,
    to_srgb,
    use_cycles,
    use_portrait_engine,
)


def world_camera():
    scene = bpy.context.scene
    return part("operators.engine.cameras").world_camera(scene.camera, bpy.context.evaluated_depsgraph_get(), scene)


def visible():
    """[scene.Placed] of the scene."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    scene = part("operators.engine.scene")
    found, left_out = scene.load_shown(scene.visible_portraits(depsgraph))
    assert not left_out
    return found


def composite(found, camera, **options):
    return part("operators.engine.composite").render_portraits(found, camera, **options)


@pytest.mark.parametrize("border", [False, True])
def test_f12_gives_the_engines_view(portrait, tmp_path, border):
    use_portrait_engine()
    side_camera()
    scene = bpy.context.scene
    if border:
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.border_min_x, scene.render.border_max_x = 0.31, 0.77
        scene.render.border_min_y, scene.render.border_max_y = 0.2, 0.9
    got = render(tmp_path / "f12.png")
    view = engine_view(portrait)
    assert got.shape[:2] == view.alpha.shape
    assert psnr(premultiplied(got), premultiplied(view.color, view.alpha)) >= 40
    assert view.alpha.mean() > 0.1


def test_samples_smooth_edges(portrait, tmp_path):
    """Averaged samples come close to a view of twice the size, averaged."""
    use_portrait_engine("2")
    side_camera()
    smooth = render(tmp_path / "smooth.png")
    assert psnr(premultiplied(smooth), smooth_view(portrait, 2)) >= 38
    assert np.mean((smooth[..., 3] > 0.1) & (smooth[..., 3] < 0.9)) > 0.003


def test_f12_shows_the_background_where_the_portrait_says_so(portrait, tmp_path):
    """As Render View does; another portrait that stands between the head and its background covers the latter only."""
    use_portrait_engine()
    side_camera()
    without = render(tmp_path / "without.png")
    portrait.portrait_manifolds.show_background = True
    got = render(tmp_path / "with.png")
    view = part("operators.portrait.render_view").view_through_camera(bpy.context, portrait, "source")
    assert psnr(premultiplied(got), premultiplied(view.color, view.alpha)) >= 40
    assert got[..., 3].mean() > without[..., 3].mean() + 0.2
    portrait.portrait_manifolds.show_background = False
    assert np.array_equal(render(tmp_path / "again.png"), without)


def test_a_portrait_between_another_and_its_background(portrait, portrait_file):
    portrait.portrait_manifolds.show_background = True
    second = place(portrait_file, "Second")
    second.location, second.scale = (0.12, 0.07, 0.0), (0.3, 0.3, 0.3)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60)
    found, camera = visible(), world_camera()
    assert [placed.background for placed in found] == ["source", "none"]
    head, small = (composite([placed._replace(background="none")], camera) for placed in found)
    plain, both = composite(found[:1], camera), composite(found, camera)
    shown = (small.alpha > 0.999) & (head.alpha == 0) & (plain.alpha > 0.999)
    assert shown.sum() > 100
    assert np.abs(both.combined - small.combined)[shown].max() < 1e-2, "before the background"
    covered = (head.alpha > 0.999) & (small.alpha > 0)
    assert covered.sum() > 50 and np.abs(both.combined - plain.combined)[covered].max() < 1e-2, "behind the head"
    assert np.allclose(both.depth[shown], small.depth[shown])


def test_neighbours_keep_their_own_backgrounds(portrait, portrait_file):
    """A background goes on beyond its photo, but not over that of a portrait beside it."""
    second = place(portrait_file, "Second")
    second.location.x = 0.52
    for obj in (portrait, second):
        obj.portrait_manifolds.show_background = True
    add_camera((0.26, -3.0, 0), (math.radians(90), 0, 0), lens=70, size=(120, 60))
    found, camera = visible(), world_camera()
    both, *single = (composite(some, camera) for some in (found, found[:1], found[1:]))
    assert min(picture.alpha.min() for picture in (both, *single)) > 0.999, "no strips"
    for picture, half in zip(single, (slice(0, 58), slice(62, 120)), strict=True):
        assert np.abs(both.combined - picture.combined)[:, half].max() < 2e-3


@pytest.mark.parametrize("percentage, aspect", [(100, (1.0, 1.0)), (63, (2.0, 1.0))])
def test_border_inside_the_full_image(portrait, tmp_path, percentage, aspect):
    use_portrait_engine()
    side_camera()
    settings = bpy.context.scene.render
    settings.resolution_percentage = percentage
    settings.pixel_aspect_x, settings.pixel_aspect_y = aspect
    whole = render(tmp_path / "whole.png")
    assert whole.shape[:2] == (160 * percentage // 100, 200 * percentage // 100)
    settings.use_border = True
    settings.border_min_x, settings.border_max_x = 0.3, 0.6
    settings.border_min_y, settings.border_max_y = 0.3, 0.8
    left, top, right, bottom = part("operators.engine.cameras").render_border(bpy.context.scene)
    cut = render(tmp_path / "cut.png")
    assert cut.shape == whole.shape and whole[..., 3].mean() > 0.05
    assert np.mean(np.abs(cut - whole)[top:bottom, left:right] > 0.02) < 1e-2
    cut[top:bottom, left:right] = 0
    assert cut.max() == 0


def random_camera(seed):
    """Lens 18 to 200 mm, any sensor fit, shift, pixel aspect; every third is orthographic. The head fills the image."""
    rng = random.Random(seed)
    lens, ortho = math.exp(rng.uniform(math.log(18), math.log(200))), seed % 3 == 0
    size = rng.choice([(112, 84), (84, 112), (96, 96)])
    # as near as the lens needs, but not inside the head
    camera = orbit_camera(rng.uniform(-35, 35), rng.uniform(-10, 10), max(0.45, 0.3 * lens / 36), lens=lens, size=size)
    data = camera.data
    data.sensor_fit = ("AUTO", "HORIZONTAL", "VERTICAL")[seed % 3 if not ortho else rng.randrange(3)]
    data.shift_x, data.shift_y = rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1)
    if ortho:
        data.type, data.ortho_scale = "ORTHO", rng.uniform(0.3, 0.5)
    bpy.context.scene.render.pixel_aspect_x = rng.choice([1.0, 1.0, 1.5])
    bpy.context.view_layer.update()


def test_f12_cycles_and_the_command_line_agree(portrait, portrait_file, tmp_path):
    """Twelve random cameras: the engine's render, the layers in Cycles, and `python -m inference render`.

    A portrait's sheet counts where a ray first enters it; from steep above Cycles also finds it again below the jaw.
    """
    from inference.__main__ import main

    portrait.rotation_euler = (0.0, 0.0, 0.1)
    assert bpy.ops.portrait_manifolds.add_layers(triangles=100_000) == {"FINISHED"}
    worst = {"cycles": 99.0, "command line": 99.0}
    for seed in range(12):
        random_camera(seed)
        use_portrait_engine("1")
        sharp = premultiplied(render(tmp_path / "sharp.png"))
        use_portrait_engine("4")
        smooth = premultiplied(render(tmp_path / "smooth.png"))
        assert smooth[..., 3].mean() > 0.02
        use_cycles(32)
        cycles = premultiplied(render(tmp_path / "cycles.png"))
        local, _ = to_portrait_space(world_camera(), portrait.matrix_world)
        (tmp_path / "camera.json").write_text(json.dumps(local.to_json()))
        view = tmp_path / "view.png"
        arguments = ["render", portrait_file, "--camera", tmp_path / "camera.json", "--out", view, "--quiet"]
        assert main([str(argument) for argument in arguments]) == 0
        from PIL import Image

        with Image.open(view) as image:
            written = premultiplied(np.asarray(image, np.float32) / 255)
        scores = {"cycles": psnr(smooth, cycles), "command line": psnr(sharp, written)}
        print(f"camera {seed}: {scores['cycles']:.1f} dB Cycles, {scores['command line']:.1f} dB command line")
        worst = {key: min(worst[key], scores[key]) for key in worst}
    assert worst["cycles"] >= 35 and worst["command line"] >= 35


def test_several_portraits_in_depth_order(portrait, portrait_file):
    """A second head behind the first one shows only beside it; depth is in Blender's units."""
    second = place(portrait_file, "Second")
    second.location, second.scale = (0.1, 1.0, 0.0), (2.0, 2.0, 2.0)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60)
    found, camera = visible(), world_camera()
    assert len(found) == 2
    both, swapped = composite(found, camera), composite(found[::-1], camera)
    assert np.abs(both.combined - swapped.combined).max() < 1e-5
    near, far = composite(found[:1], camera), composite(found[1:], camera)
    in_front = near.alpha > 0.999
    assert np.abs(both.combined - near.combined)[in_front].max() < 1e-2
    behind = (near.alpha == 0) & (far.alpha > 0)
    assert np.abs(both.combined - far.combined)[behind].max() < 1e-5
    assert np.allclose(both.depth, np.minimum(near.depth, far.depth))
    assert np.median(near.depth[near.depth < 1e9]) == pytest.approx(1.1, abs=0.05)
    assert np.median(far.depth[far.depth < 1e9]) == pytest.approx(2.0, abs=0.1)


def merged_by_depth(found, camera):
    """Every sheet of every portrait composited in the order in which each ray meets them, and each portrait's depth."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    distances, colours, depths = [], [], []
    for portrait, matrix, *_ in found:
        local, scale = to_portrait_space(camera, matrix)
        origins, directions = local.rays(x.ravel(), y.ravel())
        t, u, v = reference.entries(portrait.radii, origins, directions, samples=120, steps=14)
        _, alpha, depth = reference.colours(portrait.textures, t, u, v, 1.0)
        depths.append(np.where(alpha > 0.99, depth * scale, np.nan))
        for k in range(len(t)):
            one = slice(k, k + 1)
            colour, alpha, _ = reference.colours(portrait.textures[one], t[one], u[one], v[one], 1.0)
            colours.append(np.column_stack([np.nan_to_num(colour) * alpha[:, None], alpha]))
            distances.append(np.where(alpha > 0, t[k] * scale, np.inf))
    merged = np.zeros((x.size, 4))
    for layer in np.take_along_axis(np.stack(colours), np.argsort(np.stack(distances), 0)[..., None], 0):
        merged += (1 - merged[:, 3:]) * layer
    return merged.reshape(*x.shape, 4), np.stack(depths).reshape(-1, *x.shape)


def test_portraits_that_run_into_each_other(portrait, portrait_file):
    """Two heads share space: at every pixel the nearer surface is seen, whichever portrait is the nearer as a whole."""
    second = place(portrait_file, "Second")
    second.location, second.rotation_euler, second.scale = (0.09, -0.02, 0.02), (0.0, 0.0, 0.5), (1.1, 1.1, 1.1)
    orbit_camera(10.0, 3.0, 1.1, lens=100, size=(72, 60))
    found, camera = visible(), world_camera()
    truth, depths = merged_by_depth(found, camera)
    both = composite(found, camera)
    colour = to_srgb(both.combined[..., :3] / np.maximum(both.alpha[..., None], 1e-6))
    got = premultiplied(colour, both.alpha)
    gap = depths[0] - depths[1]
    clear = np.abs(gap) > 0.004  # metres; both are solid there, and one of them lies in front
    assert min(np.sum(gap[clear] > 0), np.sum(gap[clear] < 0)) > 100, "each is in front somewhere"
    error = np.abs(got - truth).max(-1)
    assert np.mean(error[clear] > 0.03) < 0.01
    first, other = (composite([one], camera) for one in found)
    stacked = first.combined + (1 - first.alpha[..., None]) * other.combined  # as if the first one covered the second
    stacked = premultiplied(to_srgb(stacked[..., :3] / np.maximum(both.alpha[..., None], 1e-6)), both.alpha)
    print(
        f"two heads in one another: {psnr(got, truth):.1f} dB; drawn one after the other {psnr(stacked, truth):.1f} dB"
    )
    assert psnr(got, truth) >= 32 > 28 > psnr(stacked, truth)


def test_a_crowd_is_composited_once(portrait, portrait_file):
    """Many portraits one behind the other, in any order, and the empty ones cost nothing."""
    for step in range(1, 6):
        place(portrait_file, f"Row {step}").location = (0.06 * step, 0.4 * step, 0.0)
    place(portrait_file, "Behind the camera").location = (0.0, -5.0, 0.0)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=50, size=(120, 80))
    found, camera = visible(), world_camera()
    assert len(found) == 7
    forward, backward = composite(found, camera), composite(found[::-1], camera)
    assert np.abs(forward.combined - backward.combined).max() < 1e-5
    single = [composite([one], camera) for one in found]
    assert np.allclose(forward.alpha, 1 - np.prod([1 - one.alpha for one in single], axis=0), atol=1e-5)


def test_stop_is_asked_before_each_portrait(portrait, portrait_file):
    place(portrait_file, "Second")
    side_camera()
    asked = []
    answer = composite(visible(), world_camera(), stop=lambda: asked.append(1) or len(asked) == 2)
    assert answer is None and len(asked) == 2


def test_cancel_ends_the_render(portrait, monkeypatch):
    """Blender's cancel is asked in every band; after it nothing more is worked out, and what is finished stays."""
    use_portrait_engine("4")
    side_camera()
    module = part("operators.engine.render_engine")
    engine = module.PORTRAIT_MANIFOLDS_engine
    device = part("operators.engine.device")
    asked, written, work, write = [], [], device.render_sampled, engine._write

    def cancelled_in_the_third(found, camera, samples, backdrop, threads, stop):
        asked.append(stop())  # Blender's own answer
        return work(found, camera, samples, backdrop, threads, stop if len(asked) < 3 else lambda: True)

    monkeypatch.setattr(module, "BAND_RAYS", 1)
    monkeypatch.setattr(device, "render_sampled", cancelled_in_the_third)
    monkeypatch.setattr(engine, "_write", lambda self, *band: written.append(band[1]) or write(self, *band))
    bpy.ops.render.render()
    assert asked == [False] * 3
    assert len(written) == 2 and min(written) > 0, "the bottom was not reached"


def test_backdrop_is_the_worlds_colour(portrait, tmp_path):
    """Without a transparent film the world's colour is behind the subject."""
    use_portrait_engine(transparent=False)
    set_world(1.0, (0.5, 0.0, 0.25))
    side_camera()
    got = render(tmp_path / "opaque.png")
    assert got[..., 3].min() == 1.0
    corner = np.round(got[0, 0, :3] * 255)
    assert np.abs(corner - (188, 0, 137)).max() <= 1


def test_passes(portrait, tmp_path):
    """What a compositor finds in the file: colour, metres along the view axis, and a matte whatever the film."""
    scene = bpy.context.scene
    layer = scene.view_layers[0]
    use_portrait_engine(transparent=False)
    set_world(1.0, (0.1, 0.2, 0.3))
    side_camera()
    plain = render_passes(tmp_path / "plain.exr")
    assert {name.split(".", 1)[1] for name in plain} == {f"Combined.{channel}" for channel in "RGBA"}
    layer.use_pass_z = layer.portrait_manifolds.use_pass_alpha = True
    found = render_passes(tmp_path / "passes.exr")
    assert set(found) - set(plain) == {f"{layer.name}.Depth.Z", f"{layer.name}.Portrait Alpha.A"}
    view = engine_view(portrait)
    depth = found[f"{layer.name}.Depth.Z"]
    seen = np.isfinite(view.depth)
    assert seen.mean() > 0.1 and np.allclose(depth[seen], view.depth[seen], atol=1e-4) and (depth[~seen] > 1e9).all()
    assert np.allclose(found[f"{layer.name}.Portrait Alpha.A"], view.alpha, atol=1e-5)
    assert found[f"{layer.name}.Combined.A"].min() == 1.0
    wanted = part("inference.photo.srgb").to_linear(view.color) * view.alpha[..., None]
    wanted += (1 - view.alpha[..., None]) * np.float32((0.1, 0.2, 0.3))
    combined = np.stack([found[f"{layer.name}.Combined.{channel}"] for channel in "RGB"], -1)
    assert np.abs(combined - wanted).max() < 1e-4
    scene.render.film_transparent = True
    clear = render_passes(tmp_path / "clear.exr")
    assert np.allclose(clear[f"{layer.name}.Combined.A"], view.alpha, atol=1e-5)


def test_depth_is_what_cycles_calls_depth(portrait, tmp_path):
    """Of the layers, in the middle of the face."""
    scene = bpy.context.scene
    scene.view_layers[0].use_pass_z = True
    scene.view_layers[0].name = "Layer"
    bpy.ops.portrait_manifolds.add_layers()
    side_camera()
    use_cycles(1)
    theirs = render_passes(tmp_path / "cycles.exr")["Layer.Depth.Z"]
    use_portrait_engine()
    ours = render_passes(tmp_path / "ours.exr")["Layer.Depth.Z"]
    seen = (ours < 2) & (theirs < 2)
    assert seen.mean() > 0.1
    # Cycles takes the first sheet that covers half of the pixel; sheets are 2.7 mm apart
    assert np.median(np.abs(ours - theirs)[seen]) < 0.002


def test_view_layers_collections_and_instances(portrait, portrait_file, tmp_path):
    """Each view layer shows its own portraits; instances count, what is hidden in renders does not."""
    scene = bpy.context.scene
    use_portrait_engine()
    scene.view_layers[0].name = "Left"
    right = scene.view_layers.new("Right")
    for obj in list(scene.collection.objects):
        scene.collection.objects.unlink(obj)
    for side, layer, x in (("a", scene.view_layers[0], -0.13), ("b", right, 0.13)):
        collection = bpy.data.collections.new(side)
        scene.collection.children.link(collection)
        collection.objects.link(portrait if side == "a" else place(portrait_file, "Second"))
        collection.objects[0].location.x = x
        for other in scene.view_layers:
            other.layer_collection.children[side].exclude = other != layer
    second = bpy.data.objects["Second"]
    for collection in second.users_collection:
        if collection.name != "b":
            collection.objects.unlink(second)
    add_camera((0, -1.2, 0), (math.radians(90), 0, 0), lens=60, size=(120, 80))
    planes = render_passes(tmp_path / "layers.exr")
    left, right_alpha = planes["Left.Combined.A"], planes["Right.Combined.A"]
    assert left[:, :55].max() > 0.99 and left[:, 90:].max() == 0
    assert right_alpha[:, 65:].max() > 0.99 and right_alpha[:, :30].max() == 0
    second.hide_render = True
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", bpy.data.collections["a"]
    instance.location.x = 0.26
    scene.collection.objects.link(instance)
    planes = render_passes(tmp_path / "instances.exr")
    assert planes["Right.Combined.A"][:, 65:].max() > 0.99, "the instance stands at the second portrait's place"
    assert np.allclose(planes["Right.Combined.A"], right_alpha, atol=1e-4)


def test_failures_are_reports(portrait):
    use_portrait_engine()
    scene = bpy.context.scene
    side_camera()
    scene.render.use_multiview = True
    with pytest.raises(RuntimeError, match="Stereoscopy is not supported"):
        bpy.ops.render.render()
    scene.render.use_multiview = False
    scene.camera.data.type = "PANO"
    with pytest.raises(RuntimeError, match="perspective"):
        bpy.ops.render.render()
    scene.camera.data.type = "PERSP"
    portrait.portrait_manifolds.portrait_path = "/nowhere/at/all.manifolds"
    with pytest.raises(RuntimeError, match="Ball is left out: .* missing"):
        bpy.ops.render.render()


def test_what_cannot_be_drawn_is_left_out_and_named(portrait, portrait_file, tmp_path, capfd):
    """Missing, damaged, and packed wrongly: the frame is drawn without them."""
    use_portrait_engine()
    side_camera()
    wanted = render(tmp_path / "alone.png")
    (tmp_path / "broken.manifolds").write_bytes(b"no portrait")
    place("/nowhere.manifolds", "Missing")
    place(tmp_path / "broken.manifolds", "Damaged")
    packed = place(portrait_file, "Packed").portrait_manifolds
    packed.packed = bpy.data.texts.new("rubbish")
    packed.packed["format"], packed.packed["portrait"] = 99, "?"
    bpy.context.view_layer.update()
    capfd.readouterr()
    assert np.array_equal(render(tmp_path / "rest.png"), wanted)
    said = capfd.readouterr().out
    for name in ("Missing", "Damaged", "Packed"):
        assert said.count(f"Warning: {name} is left out: ") == 1, said


def test_a_portrait_scaled_to_nothing_is_not_seen(portrait, portrait_file, tmp_path, capfd):
    """As at the beginning of a pop-in animation: every frame is written."""
    use_portrait_engine()
    side_camera()
    for scale in ((0, 0, 0), (1, 0, 1), (1e-9, 1, 1)):
        portrait.scale = scale
        bpy.context.view_layer.update()
        assert render(tmp_path / "nothing.png").max() == 0
    place(portrait_file, "Second")
    assert render(tmp_path / "second.png")[..., 3].max() > 0.99
    assert "Warning" not in capfd.readouterr().out


SHAPES = {
    "mirrored": ((-1.0, 1.0, 1.0), None),
    "mirrored upside down": ((1.0, 1.0, -1.2), None),
    "flattened": ((1.1, 0.5, 0.9), None),
    "mirrored and stretched": ((0.8, -1.3, 1.0), None),
    "sheared by a parent": ((1.0, 1.0, 1.0), ((1.4, 0.7, 1.0), (0.2, 0.5, 0.3))),
}


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("shape", SHAPES)
def test_mirrored_and_unevenly_scaled_portraits(portrait, tmp_path, shape, kind):
    """Against rays in portrait space that every pixel of the world's camera gives: picture and depth."""
    scale, parent = SHAPES[shape]
    portrait.scale, portrait.rotation_euler, portrait.location = scale, (0.2, -0.3, 0.5), (0.02, 0.05, -0.03)
    if parent is not None:
        portrait.parent = bpy.data.objects.new("Parent", None)
        portrait.parent.scale, portrait.parent.rotation_euler = parent
        bpy.context.scene.collection.objects.link(portrait.parent)
    camera_object = orbit_camera(20.0, 10.0, 1.0, lens=70, size=(60, 48))
    camera_object.data.type, camera_object.data.ortho_scale = kind, 0.5
    camera_object.data.shift_x = 0.05
    bpy.context.view_layer.update()
    found, camera = visible(), world_camera()
    x, y = np.meshgrid(np.arange(60) + 0.5, np.arange(48) + 0.5)
    origins, directions = camera.rays(x.ravel(), y.ravel())
    to_portrait = np.linalg.inv(np.array(found[0][1] @ part("operators.state.portrait").PORTRAIT_TO_OBJECT))
    starts = origins @ to_portrait[:3, :3].T + to_portrait[:3, 3]
    ways = directions @ to_portrait[:3, :3].T
    lengths = np.linalg.norm(ways, axis=-1)
    ball = found[0][0]
    t, u, v = reference.entries(ball.radii, starts, ways / lengths[:, None], samples=120, steps=14)
    colour, alpha, depth = reference.colours(ball.textures, t, u, v, 1.0)
    wanted = premultiplied(np.nan_to_num(colour), alpha).reshape(48, 60, 4)
    got = composite(found, camera)
    colours = to_srgb(got.combined[..., :3] / np.maximum(got.alpha[..., None], 1e-6))
    score = psnr(*(cv2.blur(picture, (5, 5)) for picture in (premultiplied(colours, got.alpha), wanted)))
    print(f"{shape} in {kind.lower()}: {score:.1f} dB")  # shifted rows are softer at the silhouette
    assert 0.05 < got.alpha.mean() < 0.9 and score >= 36
    solid = (alpha.reshape(48, 60) > 0.999) & (got.alpha > 0.999)
    towards = -(directions @ camera.camera_to_world[:3, 2])
    true = (depth / lengths * towards).reshape(48, 60)
    assert solid.sum() > 100 and np.median(np.abs(got.depth - true)[solid]) < 1e-3


def test_mirrored_instances(portrait, tmp_path):
    """A mirrored collection instance beside the portrait is the portrait's mirror image."""
    use_portrait_engine()
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Head")
    collection.objects.link(portrait)
    instance = bpy.data.objects.new("Mirror", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    instance.scale = (-1.0, 1.0, 1.0)
    scene.collection.objects.link(instance)
    portrait.location, portrait.rotation_euler = (0.15, 0.0, 0.0), (0.0, 0.0, 0.4)
    add_camera((0, -1.5, 0), (math.radians(90), 0, 0), lens=60, size=(160, 100))
    got = premultiplied(render(tmp_path / "both.png"))
    assert got[:, :80, 3].max() > 0.99 and psnr(got, got[:, ::-1]) > 40


def test_animation_on_a_farm(portrait, portrait_file, tmp_path):
    """A saved .blend rendered by another, fresh Blender without a window: every frame is the view of that frame."""
    use_portrait_engine()
    assert bpy.ops.portrait_manifolds.add_turntable(frames=4, swing=math.radians(30)) == {"FINISHED"}
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 96
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath, scene.render.dither_intensity = "//frames/", 0
    wanted = {}
    for frame in range(1, 5):
        scene.frame_set(frame)
        wanted[frame] = engine_view(portrait)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "turn.blend"))
    code = f"""
from tests.blender.conftest import MODULE  # a fresh profile with the extension
import bpy, addon_utils
addon_utils.enable(MODULE, default_set=True)
bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "turn.blend")!r})
bpy.ops.render.render(animation=True)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    from PIL import Image

    for frame, view in wanted.items():
        with Image.open(tmp_path / "frames" / f"{frame:04d}.png") as image:
            got = np.asarray(image, np.float32) / 255
        assert psnr(premultiplied(got), premultiplied(view.color, view.alpha)) >= 40, frame
    assert psnr(wanted[1].alpha, wanted[2].alpha) < 30, "the camera moves"


def panels_with(engine):
    return {
        panel.__name__: panel
        for panel in bpy.types.Panel.__subclasses__()
        if engine in getattr(panel, "COMPAT_ENGINES", ())
    }


def test_panels_that_make_sense(extension):
    """Panels of settings that count are there, panels of what the engine does not draw are not."""
    ours = panels_with("PORTRAIT_MANIFOLDS")
    needed = """RENDER_PT_format RENDER_PT_frame_range RENDER_PT_output RENDER_PT_post_processing RENDER_PT_stamp
        RENDER_PT_stereoscopy RENDER_PT_color_management VIEWLAYER_PT_layer DATA_PT_lens DATA_PT_camera
        DATA_PT_camera_background_image WORLD_PT_context_world EEVEE_WORLD_PT_surface PORTRAIT_MANIFOLDS_PT_sampling
        PORTRAIT_MANIFOLDS_PT_passes PORTRAIT_MANIFOLDS_PT_motion_blur DATA_PT_camera_dof DATA_PT_camera_dof_aperture
        DATA_PT_vertex_groups DATA_PT_uv_texture OBJECT_PT_custom_props""".split()
    assert set(needed) <= set(ours)
    unwanted = ("cycles", "freestyle", "gpencil", "grease", "light", "simplify", "dof", "raytracing", "shadow", "mist")
    unwanted += ("volume_render", "camera_stereo", "material_pt", "opengl", "workbench", "motion_blur", "hydra")
    wrong = [name for name in ours if any(word in name.lower() for word in unwanted) and name not in needed]
    assert wrong == []
    for name, panel in ours.items():
        parent = getattr(panel, "bl_parent_id", "")
        if parent and hasattr(bpy.types, parent) and hasattr(getattr(bpy.types, parent), "COMPAT_ENGINES"):
            assert parent in ours, f"{name} can never be seen without {parent}"
    others = {name for name in panels_with("CYCLES") if name.startswith("PORTRAIT_MANIFOLDS")}
    assert not others, "and the engine's own panels show for no other engine"


def all_samples(found, camera, samples, backdrop=None):
    """The plain twin of `render_sampled`: every sample of every pixel, averaged."""
    picture = composite(found, camera.scaled(camera.width * samples, camera.height * samples), backdrop=backdrop)
    blocks = camera.height, samples, camera.width, samples
    combined = picture.combined.reshape(*blocks, 4).mean((1, 3))
    return combined, picture.depth.reshape(blocks).min((1, 3)), picture.alpha.reshape(blocks).mean((1, 3))


@pytest.mark.parametrize("samples", (2, 3))
def test_samples_where_they_show(portrait, portrait_file, samples):
    """As if every pixel had all samples: exactly where the picture changes, nearly where it is even. Two portraits, one
    mirrored and with its background."""
    second = place(portrait_file, "Second")
    second.location, second.scale = (0.12, 0.07, 0.0), (-0.6, 0.6, 0.6)
    second.portrait_manifolds.show_background = True
    side_camera()
    found, camera, module = visible(), world_camera(), part("operators.engine.samples")
    picture = module.render_sampled(found, camera, samples)
    wanted = all_samples(found, camera, samples)
    chosen = module.uneven(composite(found, camera), camera)
    assert 0.01 < chosen[1:-1, 1:-1].mean() < 0.3
    for got, full in zip((picture.combined, picture.depth, picture.alpha), wanted, strict=True):
        np.testing.assert_allclose(got[chosen], full[chosen], atol=1e-5)
    assert psnr(picture.combined, wanted[0]) > 50
    assert np.abs(picture.alpha - wanted[2]).max() < 0.1


def test_bands_of_samples_do_not_show(portrait):
    side_camera()
    found, camera, module = visible(), world_camera(), part("operators.engine.samples")
    whole, half = module.render_sampled(found, camera, 2), camera.height // 2 + 3
    parts = [
        module.render_sampled(found, camera.cropped(0, top, camera.width, bottom), 2)
        for top, bottom in ((0, half), (half, camera.height))
    ]
    assert psnr(np.concatenate([part.combined for part in parts]), whole.combined) > 80
