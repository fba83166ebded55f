"""What the GPU draws is what the CPU renders: colours, alpha and depth; a software driver may stand in for a GPU."""

import dataclasses
import functools
import re

import numpy as np
import pytest

from .conftest import part, psnr

pytest.importorskip("bpy")
from mathutils import Matrix  # noqa: E402

from inference.geometry.cameras import CROP_DISTANCE, CROP_FOV, orbit_camera  # noqa: E402
from inference.geometry.rims import Rim  # noqa: E402
from tests.portraits import HEAD_CENTRE, HEAD_RADIUS, analytic_portrait  # noqa: E402

SIZE = 200, 160
UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]])  # portrait space to Blender's


@functools.cache
def ball(free=False):
    """The closed-form ball with a detail map; free: on sheets that do not lie evenly."""
    portrait = analytic_portrait()
    rows, columns = np.mgrid[:600, :600]
    waves = np.stack([np.sin(rows / period) * np.cos(columns / period) for period in (3.0, 7.0, 20.0)], -1)
    radii = portrait.radii
    if free:
        radii = radii - (0.004 * np.sin(np.linspace(0.0, 9.0, len(radii))) ** 2).astype(np.float32)[:, None, None]
        radii = np.sort(radii, axis=0)[::-1].copy()
    return dataclasses.replace(portrait, radii=radii, detail=np.uint8(128 + 40 * waves))


@functools.cache
def haired():
    """The ball with a rim: strands around it, some of them before others."""
    camera, side = orbit_camera(), 512
    (x, y), away = camera.resized(side, side).project(HEAD_CENTRE)
    radius = side / camera.width * camera.fx * np.tan(np.arcsin(HEAD_RADIUS / away))

    def polar(cells):
        """Radius, that of the ball is 1, and angle around it."""
        across, down = (np.mgrid[:cells, :cells][::-1] + 0.5) * side / cells - np.reshape([x, y], (2, 1, 1))
        return np.hypot(across, down) / radius, np.arctan2(down, across)

    apart, angle = polar(side)
    alpha = np.clip((1.15 - apart) / 0.15, 0.0, 1.0) * np.where(apart > 0.98, np.cos(60.0 * angle) ** 4, 1.0)
    colour = np.dstack([0.5 + 0.3 * np.sin(9.0 * angle), 0.3 * apart, np.full_like(apart, 0.1), np.ones_like(apart)])
    picture = np.rint(255.0 * np.clip(alpha[..., None] * colour, 0.0, 1.0))
    apart, angle = polar(64)
    places = np.stack([away + 0.02 * np.sin(5 * angle), np.clip(2.5 - 15.0 * np.abs(apart - 1.05), 0.0, 1.0)])
    return dataclasses.replace(ball(), rim=Rim(picture.astype(np.uint8), places.astype(np.float32), camera))


def seen_from(yaw=0.0, pitch=0.0, distance=0.8, fov=25.0, size=SIZE, **changes):
    """A camera of Blender's world on a sphere around its origin."""
    camera = orbit_camera(yaw, pitch, distance, fov, *size)
    return dataclasses.replace(camera, camera_to_world=UPRIGHT @ camera.camera_to_world, **changes)


def orthographic(yaw=0.0, width=0.4, **changes):
    return seen_from(yaw, ortho_width=width, **changes)


AT_REST = Matrix.Identity(4)
MIRRORED = Matrix.Diagonal((-1.2, 1.0, 0.9, 1.0)) @ Matrix.Rotation(0.3, 4, "Z")
SHEARED = Matrix(((1.0, 0.3, 0.2, 0.02), (0.0, 1.1, 0.1, 0.0), (0.1, 0.0, 0.9, -0.01), (0, 0, 0, 1)))
CASES = {
    "front": ([("none", AT_REST)], seen_from()),
    "side": ([("none", AT_REST)], seen_from(60.0, 15.0)),
    "from behind": ([("none", AT_REST)], seen_from(170.0, 10.0)),
    "from above": ([("none", AT_REST)], seen_from(10.0, 80.0)),
    "close": ([("none", AT_REST)], seen_from(20.0, 0.0, 0.2, 60.0)),
    "from within": ([("none", AT_REST)], seen_from(0.0, 0.0, 0.02, 90.0)),
    "off centre": ([("none", AT_REST)], seen_from(10.0, cx=40.0, cy=120.0)),
    "border": ([("none", AT_REST)], seen_from(10.0).cropped(70, 30, 151, 103)),
    "orthographic": ([("none", AT_REST)], orthographic(25.0)),
    "orthographic pixels that are not square": ([("none", AT_REST)], orthographic(25.0, ortho_height=0.25)),
    "backdrop": ([("source", AT_REST)], seen_from(15.0)),
    "orthographic backdrop": ([("source", AT_REST)], orthographic(15.0)),
    "mirrored": ([("source", MIRRORED)], seen_from(20.0, 10.0)),
    "sheared": ([("none", SHEARED)], seen_from(20.0, 10.0)),
    "orthographic sheared": ([("none", SHEARED)], orthographic(20.0)),
    "into each other": (
        [("none", AT_REST), ("source", Matrix.Translation((0.08, 0.02, 0.01))), ("none", MIRRORED)],
        seen_from(15.0, 5.0),
    ),
    "holdout in front": ([("source", AT_REST), ("none", Matrix.Translation((0.07, -0.2, 0.02)), True)], seen_from(5.0)),
    "holdout behind": ([("none", AT_REST), ("source", Matrix.Translation((0.07, 0.1, 0.02)), True)], seen_from(5.0)),
    "holdout alone": ([("source", AT_REST, True)], seen_from(5.0)),
    "none": ([], seen_from()),
    "nothing left": ([("source", Matrix.Diagonal((1.0, 0.0, 1.0, 1.0)))], seen_from()),
}


def placed(*items, portrait=None):
    """[`scene.Placed`] of a portrait's (background, matrix) or (background, matrix, holdout)."""
    scene = part("operators.engine.scene")
    return [scene.Placed(portrait or ball(), item[1], item[0], len(item) > 2) for item in items]


def both(found, camera, samples=1):
    """The CPU's and the GPU's picture."""
    composite, gpu_draw = part("operators.engine.composite"), part("operators.engine.gpu_draw")
    fine = camera.scaled(camera.width * samples, camera.height * samples)
    expected = averaged(composite.render_portraits(found, fine, (0.2, 0.4, 0.6)), samples)
    return expected, gpu_draw.read(gpu_draw.draw(found, camera, samples), (0.2, 0.4, 0.6))


def averaged(picture, samples):
    """A picture of blocks of samples x samples pixels; depth takes each block's nearest."""
    blocks = picture.depth.shape[0] // samples, samples, picture.depth.shape[1] // samples, samples
    return type(picture)(
        picture.combined.reshape(*blocks, 4).mean(axis=(1, 3)),
        picture.depth.reshape(blocks).min(axis=(1, 3)),
        picture.alpha.reshape(blocks).mean(axis=(1, 3)),
        picture.rim_depth.reshape(blocks).min(axis=(1, 3)),
    )


def check(expected, drawn, name):
    """At least 40 dB, also of alpha and, where both see something, of the depth in metres, which mostly is the same to
    a twentieth of a millimetre: where something stands before something else a single pixel may see either."""
    far = part("operators.engine.composite").FAR
    rims = [np.minimum(picture.rim_depth, 10.0) for picture in (expected, drawn)]
    assert np.mean(np.abs(rims[0] - rims[1]) > 1e-3) < 0.02
    same = (expected.depth < far) == (drawn.depth < far)
    near = (expected.depth < far) & (drawn.depth < far)
    found = {
        "colour": psnr(np.clip(expected.combined, 0, 1), np.clip(drawn.combined, 0, 1)),
        "alpha": psnr(expected.alpha, drawn.alpha),
        "depth": psnr(expected.depth[near], drawn.depth[near]) if near.any() else np.inf,
    }
    apart = np.abs(expected.depth - drawn.depth)[near]
    print(name, {key: round(float(value), 1) for key, value in found.items()}, f"{np.mean(~same):.2%} by one alone")
    assert drawn.combined.shape == expected.combined.shape and drawn.depth.shape == expected.depth.shape
    assert min(found.values()) >= 40.0, (name, found)
    assert np.mean(~same) < 0.002 and (not apart.size or np.median(apart) < 5e-5)


@pytest.mark.parametrize("name", CASES)
def test_the_gpu_draws_what_the_cpu_renders(gpu_context, name):
    items, camera = CASES[name]
    sheared = any(item[1] in (MIRRORED, SHEARED) for item in items)
    samples = 4 if sheared else 1  # the CPU shifts rows, which blurs; less so if finer
    check(*both(placed(*items), camera, samples), name)


def as_the_photo(yaw=0.0, pitch=0.0, size=(240, 200), **changes):
    """The photo's camera, or one beside it."""
    return seen_from(yaw, pitch, CROP_DISTANCE, CROP_FOV, size, **changes)


RIMMED = {
    "photo": ([("none", AT_REST)], as_the_photo()),
    "3 degrees aside": ([("source", AT_REST)], as_the_photo(3.0)),
    "6 degrees aside": ([("none", AT_REST)], as_the_photo(-5.0, 3.3)),
    "nearer": ([("none", AT_REST)], seen_from(1.0, 0.0, 0.9, 20.0)),
    "small": ([("none", AT_REST)], as_the_photo(2.0, size=(90, 75))),
    "border": ([("none", AT_REST)], as_the_photo(1.0).cropped(90, 10, 201, 103)),
    "orthographic": ([("none", AT_REST)], orthographic(2.0, 0.35)),
    "mirrored": ([("none", Matrix.Diagonal((-1.0, 1.0, 1.0, 1.0)))], as_the_photo(3.0)),
    "sheared": ([("none", Matrix(((1.0, 0, 0.2, 0.01), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))))], as_the_photo(2.0)),
    "two": ([("none", AT_REST), ("none", Matrix.Translation((0.1, 0.1, 0.02)))], as_the_photo(2.0)),
    "holdout": ([("source", AT_REST), ("none", Matrix.Translation((0.07, -0.2, 0.02)), True)], as_the_photo(2.0)),
}


@pytest.mark.parametrize("name", RIMMED)
def test_the_gpu_draws_the_rim(gpu_context, name):
    """As the CPU does; without it, it would draw something else."""
    items, camera = RIMMED[name]
    samples = 4 if name == "sheared" else 1
    expected, drawn = both(placed(*items, portrait=haired()), camera, samples)
    check(expected, drawn, name)
    bald = both(placed(*items), camera, samples)[1]
    assert psnr(np.clip(expected.combined, 0, 1), np.clip(bald.combined, 0, 1)) < 35.0


def presented(drawn, projection, size=SIZE, rectangle=(-1.0, -1.0, 1.0, 1.0), backdrop=None):
    """Colour (H, W, 4) and depth (H, W) of a framebuffer into which a picture was put; row 0 on top."""
    import gpu

    offscreen = gpu.types.GPUOffScreen(*size, format="RGBA32F")
    with offscreen.bind():
        framebuffer = gpu.state.active_framebuffer_get()
        framebuffer.clear(color=(0.0, 0.0, 0.0, 0.0), depth=1.0)
        part("operators.engine.gpu_draw").present(drawn, projection, rectangle, backdrop)
        buffers = [framebuffer.read_color(0, 0, *size, 4, 0, "FLOAT"), framebuffer.read_depth(0, 0, *size)]
    planes = []
    for buffer, channels in zip(buffers, (4, 1), strict=True):
        buffer.dimensions = size[0] * size[1] * channels
        planes.append(np.array(buffer, np.float32).reshape(size[1], size[0], channels)[::-1])
    offscreen.free()
    return planes[0], planes[1][..., 0]


@pytest.mark.parametrize("device", ["GPU", "CPU"])
def test_a_viewports_depth_is_the_portraits(gpu_context, device):
    """Whoever made the picture: overlays of the viewport are hidden where OpenGL would hide them."""
    gpu_draw, composite = part("operators.engine.gpu_draw"), part("operators.engine.composite")
    found, camera = placed(("none", AT_REST)), seen_from(20.0)
    picture = composite.render_portraits(found, camera, (0.1, 0.2, 0.3))
    if device == "GPU":
        drawn = gpu_draw.draw(found, camera, format="RGBA16F")
    else:
        drawn = gpu_draw.uploaded(picture.combined, picture.depth)
    near, far = 0.01, 100.0
    projection = np.zeros((4, 4))
    projection[2, 2:], projection[3, 2] = (-(far + near) / (far - near), -2 * far * near / (far - near)), -1.0
    colour, depth = presented(drawn, projection, backdrop=(0.1, 0.2, 0.3))
    seen = picture.depth < composite.FAR
    away = picture.depth[seen]
    wanted = 0.5 + 0.5 * (projection[2, 3] - projection[2, 2] * away) / away
    assert np.median(np.abs(depth[seen] - wanted)) < 1e-6 and (depth[~seen] == 1.0).mean() > 0.999
    assert psnr(colour, picture.combined) > 40.0


def test_sources_keep_to_what_every_backend_takes(extension):
    """Vulkan makes macros of push constants; Metal has neither `discard` nor OpenGL's constructors of arrays."""
    for name, (source, samplers, _, constants, outputs) in part("operators.engine.gpu_shaders").PROGRAMS.items():
        taken = "placed", "seen", *(one for _, one in (*samplers, *constants, *outputs))
        declared = set(re.findall(r"\b(?:bool|float|int|i?vec[234])\s+(\w+)", source))
        assert not declared & set(taken), (name, declared & set(taken))
        assert not re.search(r"\bdiscard\b|\[\]\s*\(|\bdFd[xy]\b|\btexture\(", source), name


def test_large_pictures_are_drawn_in_strips(gpu_context, monkeypatch):
    """Which leave no seams."""
    gpu_draw = part("operators.engine.gpu_draw")
    found, camera = placed(("source", AT_REST), ("none", MIRRORED)), seen_from(15.0)
    whole = gpu_draw.read(gpu_draw.draw(found, camera, 2))
    drawn, strip = [], gpu_draw._strip
    monkeypatch.setattr(gpu_draw, "LAYER_TEXELS", 1 << 16)
    monkeypatch.setattr(gpu_draw, "_strip", lambda *args: drawn.append(args[1]) or strip(*args))
    parts = gpu_draw.read(gpu_draw.draw(found, camera, 2))
    assert len(drawn) > 4 and drawn[0][0] == 0 and drawn[-1][1] == camera.height
    assert psnr(parts.combined, whole.combined) > 60.0 and np.mean(np.abs(parts.depth - whole.depth) > 1e-4) < 1e-3


def test_free_radii_have_a_bound_for_every_sheet(gpu_context):
    assert len(part("inference.view.shells").prepared(ball(free=True).radii).spans) > 5
    for yaw in (0.0, 70.0, 180.0):
        check(*both(placed(("none", AT_REST), portrait=ball(free=True)), seen_from(yaw, 5.0)), f"free, {yaw} degrees")


def test_a_detail_map_is_blurred_as_small_views_need_it(gpu_context):
    """By the two mips between which the view lies: a map of noise, which would sparkle otherwise, shows as strongly."""
    noise = np.random.default_rng(1).integers(64, 192, (800, 800, 3), np.uint8)
    for distance in (0.5, 0.9, 1.7, 3.0):
        camera, strengths = seen_from(10.0, 0.0, distance), []
        plain, noisy = (
            both(placed(("none", AT_REST), portrait=dataclasses.replace(ball(), detail=detail)), camera)
            for detail in (None, noise)
        )
        for without, with_noise in zip(plain, noisy, strict=True):
            head = without.alpha > 0.99
            strengths.append(float((with_noise.combined - without.combined)[head].std()))
        print(distance, strengths)
        assert 0.7 < strengths[1] / strengths[0] < 1.2, (distance, strengths)
