"""The GPU where it can and is fast enough, else the CPU: in renders and in the viewport."""

from types import SimpleNamespace

import numpy as np
import pytest

from .conftest import part, place, psnr

pytest.importorskip("bpy")
import bpy  # noqa: E402

from inference.geometry.cameras import orbit_camera  # noqa: E402

from .scenes import render, render_passes, side_camera, use_portrait_engine  # noqa: E402
from .test_viewport import Region, RegionData, Space, portraits_and_camera  # noqa: E402


def test_f12_by_the_gpu_is_f12_by_the_cpu(portrait, tmp_path, monkeypatch):
    """All passes, with a border, in bands; without the CPU's help."""
    scene, composite = bpy.context.scene, part("operators.engine.composite")
    use_portrait_engine("2")
    side_camera()
    layer = scene.view_layers[0]
    layer.use_pass_z = layer.portrait_manifolds.use_pass_alpha = True
    scene.render.use_border, scene.render.border_min_x, scene.render.border_max_y = True, 0.2, 0.9
    monkeypatch.setattr(part("operators.engine.render_engine"), "BAND_RAYS", 1 << 14)
    pictures = []
    for device in ("CPU", "GPU"):
        scene.portrait_manifolds.device = device
        pictures.append(render_passes(tmp_path / f"{device}.exr"))
        monkeypatch.setattr(composite, "render_portraits", lambda *_: pytest.fail("the CPU was asked"))
    cpu, gpu = pictures
    assert set(gpu) == set(cpu) and len(gpu) == 6
    for name in cpu:
        if name.endswith("Depth.Z"):
            near = (cpu[name] < composite.FAR) & (gpu[name] < composite.FAR)
            assert near.mean() > 0.1 and np.mean((cpu[name] < composite.FAR) != (gpu[name] < composite.FAR)) < 1e-3
            assert psnr(cpu[name][near], gpu[name][near]) >= 40.0
        else:
            assert psnr(cpu[name], gpu[name]) >= 40.0, name


def test_blur_by_the_gpu_is_blur_by_the_cpu(portrait, tmp_path, monkeypatch):
    scene = bpy.context.scene
    use_portrait_engine()
    camera = side_camera()
    camera.data.dof.use_dof, camera.data.dof.focus_distance, camera.data.dof.aperture_fstop = True, 0.6, 1.0
    scene.portrait_manifolds.blur_samples = 4
    expected = render(tmp_path / "cpu.png")
    scene.portrait_manifolds.device = "GPU"
    monkeypatch.setattr(part("operators.engine.composite"), "render_portraits", lambda *_: pytest.fail("by the CPU"))
    assert psnr(render(tmp_path / "gpu.png"), expected) >= 40.0


def test_where_the_gpu_fails_the_cpu_renders(portrait, tmp_path, monkeypatch, caplog):
    """The picture is complete, the log says why, and who asked for the GPU is told."""
    device = part("operators.engine.device")
    use_portrait_engine("1")
    side_camera()
    expected = render(tmp_path / "cpu.png")

    def refused(*_):
        raise RuntimeError("Shader compilation failed")

    monkeypatch.setattr(device.gpu_draw, "draw", refused)
    bpy.context.scene.portrait_manifolds.device = "GPU"
    assert np.array_equal(render(tmp_path / "gpu.png"), expected)
    assert "Shader compilation failed" in caplog.text
    for wanted, told in (("GPU", True), ("AUTOMATIC", False)):
        devices = device.Devices(wanted)
        assert devices.gpu and not devices.warning
        devices.fail(RuntimeError("no memory"))
        assert not devices.gpu and ("no memory" in devices.warning) == told
    assert not device.Devices("CPU").gpu


def test_automatic_leaves_a_slow_gpu(monkeypatch):
    """In a render from the second band on; who asked for the GPU keeps it."""
    device = part("operators.engine.device")
    composite = part("operators.engine.composite")
    picture = composite.Picture(np.zeros((8, 10, 4), np.float32), *(np.zeros((8, 10), np.float32) for _ in range(3)))
    clock = iter(np.arange(100.0))
    monkeypatch.setattr(device.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(device.gpu_draw, "draw", lambda *_: None)
    monkeypatch.setattr(device.gpu_draw, "read", lambda *_: picture)
    monkeypatch.setattr(device, "render_sampled", lambda *_: "the CPU's")
    for wanted, makers in (("AUTOMATIC", [picture, picture, "the CPU's"]), ("GPU", [picture] * 3)):
        devices = device.Devices(wanted)
        assert [devices.render([], orbit_camera(width=10, height=8)) for _ in range(3)] == makers


class Engine:
    """What a viewport tells its engine."""

    message = ""

    def update_stats(self, name, message):
        self.message = message


def draw(viewport, portraits, ortho=False):
    """What a viewport draws now: colour (H, W, 4), depth (H, W), and its message."""
    import gpu

    context = SimpleNamespace(region=Region, region_data=RegionData(ortho), space_data=Space)
    engine, size = Engine(), (Region.width, Region.height)
    offscreen = gpu.types.GPUOffScreen(*size, format="RGBA32F")
    with offscreen.bind():
        framebuffer = gpu.state.active_framebuffer_get()
        framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
        viewport.draw(engine, context, bpy.context.evaluated_depsgraph_get(), portraits)
        found = framebuffer.read_color(0, 0, *size, 4, 0, "FLOAT"), framebuffer.read_depth(0, 0, *size)
    for buffer, channels in zip(found, (4, 1), strict=True):
        buffer.dimensions = size[0] * size[1] * channels
    colour, depth = (np.array(buffer, np.float32).reshape(size[1], size[0], -1) for buffer in found)
    offscreen.free()
    return colour, depth[..., 0], engine.message


@pytest.mark.parametrize("ortho", [False, True])
def test_a_viewport_shows_the_same_by_gpu_and_cpu(gpu_context, portrait_file, ortho):
    """Colours and depth; the GPU's at once, the CPU's when its thread has them."""
    place(portrait_file)
    settings = bpy.context.scene.portrait_manifolds
    settings.samples = "1"
    module, (found, _) = part("operators.engine.viewport"), portraits_and_camera(ortho)
    pictures = []
    for device in ("GPU", "CPU"):
        settings.device = device
        viewport = module.Viewport(lambda: None)
        colour, depth, _ = draw(viewport, found, ortho)
        if device == "CPU":
            assert not colour.any() and viewport.wait(30)
            colour, depth, _ = draw(viewport, found, ortho)
        pictures.append((colour, depth))
    (gpu_colour, gpu_depth), (cpu_colour, cpu_depth) = pictures
    assert 0.05 < np.mean(gpu_depth < 1.0) < 0.9
    assert psnr(gpu_colour, cpu_colour) >= 40.0 and np.mean(np.abs(gpu_depth - cpu_depth) > 1e-4) < 0.01


def test_a_viewport_goes_on_where_the_gpu_fails(gpu_context, portrait_file, monkeypatch):
    """The GPU's last picture stays until the CPU has one, and who asked for the GPU reads why."""
    place(portrait_file)
    settings = bpy.context.scene.portrait_manifolds
    settings.samples, settings.device = "1", "GPU"
    module, (found, _) = part("operators.engine.viewport"), portraits_and_camera()
    viewport = module.Viewport(lambda: None)
    before, _, message = draw(viewport, found)
    assert not message
    monkeypatch.setattr(part("operators.engine.gpu_view").gpu_draw, "draw", lambda *_: 1 / 0)
    monkeypatch.setattr(viewport._gpu, "_view", None)  # as if the view had moved
    colour, _, message = draw(viewport, found)
    assert np.array_equal(colour, before) and "division by zero" in message
    assert viewport.wait(30)
    colour, _, message = draw(viewport, found)
    assert psnr(colour, before) >= 40.0 and not np.array_equal(colour, before) and "division by zero" in message


class Draws:
    """Stands for `gpu_draw`: notes sizes and samples, and lets a clock run: a second for so many rays."""

    def __init__(self, rays):
        self.rays, self.now, self.made = rays, 0.0, []

    def draw(self, found, camera, samples, format):
        self.made.append((camera.width, camera.height, samples))
        return object()

    def finish(self, drawn):
        width, height, samples = self.made[-1]
        self.now += width * height * samples**2 / self.rays


CAMERA = orbit_camera(width=400, height=250)
RAYS = CAMERA.width * CAMERA.height


@pytest.fixture
def gpu_view(extension, monkeypatch):
    """Function from the seconds a GPU takes for a picture of CAMERA, and what is wanted, to a GpuView and its Draws."""

    def make(seconds, wanted="AUTOMATIC"):
        module, draws = part("operators.engine.gpu_view"), Draws(RAYS / seconds)
        monkeypatch.setattr(module, "gpu_draw", draws)
        return module.GpuView(wanted, lambda: draws.now), draws

    return make


def test_the_gpu_draws_every_view_and_smooths_the_last(gpu_view):
    view, draws = gpu_view(0.01)
    pictures = [view.picture(number, [], CAMERA, 3) for number in range(4)]
    assert draws.made == [(400, 250, 1)] * 4 and all(finer for _, finer in pictures)
    assert len({id(drawn) for drawn, _ in pictures}) == 4
    assert view.picture(3, [], CAMERA, 3) == pictures[-1], "not before the view rests"
    draws.now += 1.0
    drawn, finer = view.picture(3, [], CAMERA, 3)
    assert draws.made[4:] == [(400, 250, 3)] and not finer
    assert view.picture(3, [], CAMERA, 3) == (drawn, False) and len(draws.made) == 5


def test_a_slow_gpu_makes_coarser_pictures_until_the_view_rests(gpu_view):
    """They take a twentieth of a second, and the last has as many samples as take less than half a second."""
    view, draws = gpu_view(0.09)
    before = draws.now
    for number in range(4):
        before = draws.now
        view.picture(number, [], CAMERA, 4)
    assert draws.now - before == pytest.approx(0.05, rel=0.05) and draws.made[-1][0] < 320
    draws.now += 1.0
    assert not view.picture(3, [], CAMERA, 4)[1] and draws.made[-1] == (400, 250, 2)


@pytest.mark.parametrize(
    ("seconds", "wanted", "stays"), [(0.5, "AUTOMATIC", True), (4.0, "AUTOMATIC", False), (4.0, "GPU", True)]
)
def test_a_viewport_leaves_a_slow_gpu(gpu_view, seconds, wanted, stays):
    """Too slow for the coarsest pictures, too; the first, for which programs and textures are made, does not count."""
    view, draws = gpu_view(20.0, wanted)
    view.picture("first", [], CAMERA, 1)
    assert view.devices.gpu
    draws.rays = RAYS / seconds
    for number in range(5):
        view.picture(number, [], CAMERA, 1)
    assert view.devices.gpu == stays


def test_a_viewport_without_a_gpu_shows_the_cpus_pictures(gpu_view, monkeypatch):
    view, draws = gpu_view(0.01, "GPU")
    monkeypatch.setattr(draws, "finish", lambda drawn: 1 / 0)
    assert view.picture("here", [], CAMERA, 1) is None and not view.devices.gpu and "division" in view.devices.warning
