"""Depth of field and motion blur: against Cycles, which renders the portrait's layers, and against arithmetic."""

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from .conftest import part, psnr  # noqa: E402
from .scenes import add_camera, orbit_camera, premultiplied, render, render_passes, use_cycles  # noqa: E402
from .scenes import use_portrait_engine as use_engine  # noqa: E402


def use_portrait_engine(blur_samples=64):
    use_engine("2")
    bpy.context.scene.portrait_manifolds.blur_samples = blur_samples


def compared(path, blur_samples=64, cycles_samples=128):
    """Picture of the engine, of Cycles (premultiplied), and of the engine without any blur."""
    scene, dof = bpy.context.scene, bpy.context.scene.camera.data.dof
    use_portrait_engine(blur_samples)
    ours = premultiplied(render(path / "ours.png"))
    settings = dof.use_dof, scene.render.use_motion_blur
    dof.use_dof = scene.render.use_motion_blur = False
    sharp = premultiplied(render(path / "sharp.png"))
    dof.use_dof, scene.render.use_motion_blur = settings
    use_cycles(cycles_samples)
    theirs = premultiplied(render(path / "theirs.png"))
    return ours, theirs, sharp


def report(what, ours, theirs, sharp):
    print(f"{what}: {psnr(ours, theirs):.1f} dB with blur, {psnr(sharp, theirs):.1f} dB without")


LENSES = {
    "round, in front of the face": dict(aperture_fstop=0.6),
    "five blades, turned and squeezed": dict(
        aperture_fstop=0.4, aperture_blades=5, aperture_rotation=0.4, aperture_ratio=1.8
    ),
}


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("lens", LENSES)
def test_depth_of_field_is_that_of_cycles(portrait, tmp_path, lens, kind):
    bpy.ops.portrait_manifolds.add_layers(triangles=100_000)
    camera = orbit_camera(20.0, 5.0, 0.8, lens=60, size=(100, 100))
    camera.data.type, camera.data.ortho_scale = kind, 0.4
    camera.data.dof.use_dof, camera.data.dof.focus_distance = True, 0.5
    for name, value in LENSES[lens].items():
        setattr(camera.data.dof, name, value)
    if kind == "ORTHO":  # whose aperture is measured otherwise: 1 / (2 f) units, whatever the lens
        camera.data.dof.aperture_fstop *= 18
    ours, theirs, sharp = compared(tmp_path)
    report(f"{lens}, {kind.lower()}", ours, theirs, sharp)
    assert psnr(ours, theirs) >= 37 and psnr(sharp, theirs) <= 28


def test_what_is_in_focus_stays_sharp(portrait, tmp_path):
    """Focus on an object beside the portrait, at the depth of the face."""
    camera = orbit_camera(0.0, 0.0, 0.8, lens=60, size=(100, 100))
    target = bpy.data.objects.new("Target", None)
    target.location = (0.5, -0.09, 0.2)
    bpy.context.scene.collection.objects.link(target)
    dof = camera.data.dof
    dof.use_dof, dof.focus_object, dof.aperture_fstop, dof.focus_distance = True, target, 0.3, 5.0
    lens = part("operators.engine.lens").lens_of(camera, bpy.context.evaluated_depsgraph_get())
    assert lens.focus == pytest.approx(0.71, abs=1e-5)
    assert lens.radius == pytest.approx(0.06 / 0.6, rel=1e-5)
    use_portrait_engine()
    picture = premultiplied(render(tmp_path / "focus.png"))
    dof.use_dof = False
    sharp = premultiplied(render(tmp_path / "sharp.png"))
    middle, rim = (slice(40, 60), slice(40, 60)), (slice(0, 100), slice(0, 100))
    assert psnr(picture[middle], sharp[middle]) > psnr(picture[rim], sharp[rim]) + 6


def keyframe(obj, channel, *values):
    """Straight motion: values at frames 1, 3, ..."""
    for number, value in enumerate(values):
        setattr(obj, channel, value)
        obj.keyframe_insert(channel, frame=1 + 2 * number)
    action = obj.animation_data.action
    curves = action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves
    for curve in curves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


@pytest.mark.parametrize("position", ["START", "CENTER", "END"])
def test_motion_blur_is_that_of_cycles(portrait, tmp_path, position):
    """A portrait that moves across and turns, in the view of a camera that moves up."""
    scene = bpy.context.scene
    bpy.ops.portrait_manifolds.add_layers(triangles=100_000)
    camera = add_camera((0, -0.9, 0), (math.radians(90), 0, 0), lens=50, size=(100, 100))
    keyframe(portrait, "location", (-0.06, 0, 0), (0.06, 0, 0))
    keyframe(portrait, "rotation_euler", (0, 0, 0.0), (0, 0, 0.2))
    keyframe(camera, "location", (0, -0.9, -0.03), (0, -0.9, 0.03))
    scene.frame_set(2)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.8
    scene.render.motion_blur_position = position
    ours, theirs, sharp = compared(tmp_path)
    report(f"shutter {position.lower()}", ours, theirs, sharp)
    assert psnr(ours, theirs) >= 37 and psnr(sharp, theirs) <= 28
    assert (scene.frame_current, scene.frame_subframe) == (2, 0.0)


def test_the_shutters_curve_says_when_light_comes_in(scene):
    """A shutter that opens slowly lets in most light at the end; times are where equal shares of it come in."""
    times = part("operators.engine.shutter").shutter_times
    scene.render.motion_blur_shutter, scene.render.motion_blur_position = 0.5, "START"
    assert np.allclose(times(scene, 4), [0.0625, 0.1875, 0.3125, 0.4375])
    scene.render.motion_blur_position = "CENTER"
    assert np.allclose(times(scene, 2), [-0.125, 0.125])
    curve = scene.render.motion_blur_shutter_curve
    curve.curves[0].points[0].location = (0.0, 0.0)
    for point in curve.curves[0].points:
        point.handle_type = "VECTOR"
    curve.curves[0].points[1].location = (0.5, 0.5)
    curve.update()
    scene.render.motion_blur_position = "START"
    assert np.allclose(times(scene, 8), 0.5 * np.sqrt((np.arange(8) + 0.5) / 8), atol=0.02)


@pytest.mark.parametrize("blades", [0, 3, 6])
def test_points_cover_the_aperture_evenly(extension, blades):
    """Their mean and spread are those of the disk or polygon, by its moments."""
    module, exposure = part("operators.engine.lens"), part("operators.engine.exposure")
    lens = module.Lens(2.0, 1.0, blades, 0.3)
    points = np.array([lens.point(*exposure._even(index)) for index in range(4096)])
    spread = 2.0**2 / 4 if blades == 0 else 2.0**2 * (2 + math.cos(2 * math.pi / blades)) / 12
    assert np.abs(points.mean(0)).max() < 0.02
    assert np.allclose(np.cov(points.T), np.diag([spread, spread]), atol=0.03)
    assert np.hypot(*points.T).max() <= 2.0 + 1e-9


def test_more_samples_and_the_settings_of_one(portrait, tmp_path):
    """One sample is one sharp picture; more come closer to many."""
    camera = orbit_camera(10.0, 0.0, 0.8, lens=60, size=(80, 80))
    camera.data.dof.use_dof, camera.data.dof.focus_distance, camera.data.dof.aperture_fstop = True, 0.5, 0.8
    pictures = {}
    for count in (1, 4, 16, 128):
        use_portrait_engine(count)
        pictures[count] = premultiplied(render(tmp_path / "blur.png"))
    scores = [psnr(pictures[count], pictures[128]) for count in (1, 4, 16)]
    print("against 128 samples: " + ", ".join(f"{score:.1f} dB" for score in scores))
    assert scores[0] + 4 < scores[1] and scores[1] + 4 < scores[2] and scores[2] > 34


def test_passes_of_a_blurred_picture(portrait, tmp_path):
    """Depth where half of the light comes from the portrait, else nothing."""
    scene = bpy.context.scene
    scene.view_layers[0].name, scene.view_layers[0].use_pass_z = "Layer", True
    scene.view_layers[0].portrait_manifolds.use_pass_alpha = True
    camera = orbit_camera(10.0, 0.0, 0.8, lens=60, size=(80, 80))
    camera.data.dof.use_dof, camera.data.dof.focus_distance, camera.data.dof.aperture_fstop = True, 0.5, 0.8
    use_portrait_engine(16)
    planes = render_passes(tmp_path / "passes.exr")
    depth, alpha = planes["Layer.Depth.Z"], planes["Layer.Portrait Alpha.A"]
    assert np.array_equal(depth < 1e9, alpha >= 0.5) and np.allclose(planes["Layer.Combined.A"], alpha)
    assert 0.6 < depth.min() < 0.75 and np.mean((alpha > 0.05) & (alpha < 0.95)) > 0.05


def test_cancel_while_blurring(portrait, monkeypatch):
    use_portrait_engine(64)
    camera = orbit_camera(10.0, 0.0, 0.8, lens=60, size=(80, 80))
    camera.data.dof.use_dof = True
    module = part("operators.engine.composite")
    made, work = [], module.render_portraits

    def cancelled_at_the_third(placed, camera, backdrop, threads, stop):
        made.append(1)
        return work(placed, camera, backdrop, threads, stop if len(made) < 3 else lambda: True)

    monkeypatch.setattr(module, "render_portraits", cancelled_at_the_third)
    bpy.ops.render.render()
    assert len(made) == 3
