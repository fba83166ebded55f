"""All portraits of a scene through one camera, drawn by the GPU: the same picture as `composite` makes.

Every portrait, and every backdrop that is shown, fills a layer; `combine` sorts each pixel's layers by their distance.
The layers lie below each other in one texture: Blender cannot draw into those of an array. Large pictures are drawn in
strips, so that the layers' memory has a bound. All of this needs a GPU context.
"""

import collections

import numpy as np

from .composite import FAR, Picture
from .gpu_shaders import MAX_SPANS, program
from .gpu_textures import texture, textures_of
from .placement import place

LAYER_TEXELS = 1 << 23  # of all layers of a strip together, 20 bytes each
NOTHING = 1e30  # a depth for cells of the cover that nothing fills; infinity is not safe on every GPU

# colour: (H, W) RGBA, scene linear and premultiplied. behind: (H, W, 4), depth and rim depth as of
# :class:`composite.Picture`, and how much of what is behind all of them shows. Both GPUTexture, row 0 on top.
Drawn = collections.namedtuple("Drawn", "colour behind")
_Layer = collections.namedtuple("_Layer", "program uniforms textures rectangle")


def draw(found, camera, samples=1, format="RGBA32F"):
    """Draw portraits as :func:`composite.render_portraits` renders them, samples x samples for every pixel of a camera.

    found: [`scene.Placed`]. Returns :class:`Drawn`, its colours in a format.
    """
    import gpu

    size = camera.width, camera.height
    drawn = Drawn(gpu.types.GPUTexture(size, format=format), gpu.types.GPUTexture(size, format="RGBA32F"))
    drawn.colour.clear(format="FLOAT", value=(0.0, 0.0, 0.0, 0.0))
    drawn.behind.clear(format="FLOAT", value=(FAR, FAR, 1.0, 0.0))
    fine = camera.scaled(camera.width * samples, camera.height * samples)
    layers = [layer for item in found for layer in _layers(*item, fine)]
    if not layers:
        return drawn
    most = min(LAYER_TEXELS // fine.width, gpu.capabilities.max_texture_size_get())
    rows = max(1, most // (samples * len(layers)))
    for top in range(0, camera.height, rows):
        _strip(layers, (top, min(top + rows, camera.height)), samples, drawn)
    return drawn


def read(drawn, backdrop=None):
    """A :class:`Picture` of what was drawn, with a colour (3,) scene linear behind it, or None."""
    colour, behind = _read(drawn.colour), _read(drawn.behind)
    alpha = colour[..., 3].copy()
    if backdrop is not None:
        colour += behind[..., 2:3] * np.float32((*backdrop, 1.0))
    return Picture(colour, behind[..., 0].copy(), alpha, behind[..., 1].copy())


def uploaded(combined, depth):
    """:class:`Drawn` of what the CPU made, (H, W, 4) and (H, W) as of :class:`composite.Picture`, with its backdrop."""
    behind = np.zeros((*depth.shape, 4), np.float32)
    behind[..., 0] = depth
    return Drawn(texture(combined, "RGBA16F"), texture(behind, "RGBA32F"))


def finish(drawn):
    """Wait until all is drawn."""
    import gpu

    last = gpu.types.GPUFrameBuffer(color_slots=(drawn.behind,))
    with last.bind():
        last.read_color(0, 0, 1, 1, 1, 0, "FLOAT")


def present(drawn, projection, rectangle, backdrop=None):
    """Put a picture with its depth into the framebuffer that is bound.

    projection: (4, 4) OpenGL matrix of the camera. rectangle: left, bottom, right, top of the picture in the
    framebuffer, each from -1 to 1. backdrop: (3,) scene linear colour behind it, or None.
    """
    import gpu

    shader = program("present")
    shader.bind()
    shader.uniform_sampler("picture", drawn.colour)
    shader.uniform_sampler("behind", drawn.behind)
    shader.uniform_float("projection", [*projection[2, 2:], *projection[3, 2:]])
    shader.uniform_float("backdrop", (0.0,) * 4 if backdrop is None else (*backdrop, 1.0))
    gpu.state.blend_set("ALPHA_PREMULT")
    gpu.state.depth_test_set("ALWAYS")
    gpu.state.depth_mask_set(True)
    left, bottom, right, top = rectangle
    _quad(shader, (left, bottom, right - left, top - bottom), (0.0, 1.0, 1.0, -1.0))
    gpu.state.depth_mask_set(False)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")


def _layers(portrait, matrix, background, holdout, camera):
    """One or two :class:`_Layer` of a portrait; none where no camera sees it."""
    from ...inference.view.detail import pixel_of
    from ...inference.view.rays import CameraRays
    from ...inference.view.rim import seen_rim

    placed = place(camera, matrix)
    if placed is None:
        return
    held = textures_of(portrait)
    shells = held.shells
    rays = CameraRays(placed.camera, shells)
    fine, coarse, share = held.detail(pixel_of(rays, shells.sphere[1]))
    cover = np.stack([rays.cover.near, rays.cover.far], axis=-1) - np.float32(rays.middle)
    rim = seen_rim(portrait.rim, rays)
    uniforms = _uniforms(placed, rays, shells, (share, portrait.detail is not None), rim, holdout)
    picture, places = held.rim(rim)
    textures = {"textures": held.sheets, "bounds": held.bounds, "fine": fine, "coarse": coarse}
    textures |= {"rim_picture": picture, "rim_places": places}
    textures["cover"] = texture(np.nan_to_num(cover, posinf=NOTHING, neginf=-NOTHING), "RG32F")
    if rays.tiles:
        yield _Layer("march", uniforms, textures, _rectangle(placed, rays))
    if background == "source":
        yield _Layer("backdrop", uniforms, {"continued": held.backdrop}, (0, 0, camera.width, camera.height))


def _uniforms(placed, rays, shells, detail, rim, holdout):
    """The uniform block `View` of :mod:`gpu_shaders`.

    detail: share of the coarser map, and whether there is a map. rim: :class:`inference.view.rim.SeenRim` or None.
    """
    import gpu

    from ...inference.view.rays import NEAR

    camera, cover = placed.camera, rays.cover
    thickness = shells.thickness[0] if len(shells.spans) == 1 else None
    spans = np.zeros(MAX_SPANS)
    spans[: len(shells.spans)] = shells.spans
    rows = [
        *([*by, 0.0] for by in rays.start[:2]),
        [*rays.start[2], rays.middle],
        *([*by, 0.0] for by in rays.way[:2]),
        [*rays.way[2], NEAR - rays.middle],
        [camera.cx, camera.cy, placed.shear, camera.width if placed.mirrored else 0.0],
        [*placed.principal, *placed.tilt],
        [*(1.0 / (scale * cover.size) for scale in rays.scale), *cover.first],
        [shells.count, len(shells.spans) + 1, shells.spacing, thickness or 0.0],
        [*detail, placed.scale, holdout],
        *spans.reshape(-1, 4),
        *_rim_rows(rim, placed, rays),
    ]
    return gpu.types.GPUUniformBuf(np.array(rows, np.float32))


def _rim_rows(rim, placed, rays):
    """The end of the uniform block: where pixels may show a rim, or None, and its camera."""
    if rim is None or not rays.tiles:
        return np.zeros((5, 4))
    return [_rectangle(placed, rays), [*rim.origin[:, 0], rim.distance], *([*row, 0.0] for row in rim.lens)]


def _rectangle(placed, rays):
    """Left, top, right, bottom of the pixels that can see the head."""
    width = placed.camera.width
    left, top = min(tile[0] for tile in rays.tiles), min(tile[1] for tile in rays.tiles)
    right, bottom = (max(tile[axis] + tile[axis + 2] for tile in rays.tiles) for axis in (0, 1))
    if placed.shear:
        return 0, top, width, bottom
    return (width - right, top, width - left, bottom) if placed.mirrored else (left, top, right, bottom)


def _around(rectangles, strip, samples):
    """Left, top, right, bottom in pixels of what holds rectangles of samples, in rows (first, end)."""
    left, top, right, bottom = zip(*rectangles, strict=True)
    left, top = min(left) // samples, max(min(top) // samples, strip[0])
    return left, top, -(-max(right) // samples), min(-(-max(bottom) // samples), strip[1])


def _strip(layers, strip, samples, drawn):
    """Draw rows (first, end) of a picture."""
    import gpu

    left, top, right, bottom = _around([layer.rectangle for layer in layers], strip, samples)
    if right <= left or bottom <= top:
        return
    gpu.state.blend_set("NONE")
    gpu.state.depth_test_set("NONE")
    across, down = (right - left) * samples, (bottom - top) * samples
    slots = [gpu.types.GPUTexture((across, down * len(layers)), format=kind) for kind in ("RGBA32F", "R32F")]
    stack = gpu.types.GPUFrameBuffer(color_slots=slots)
    with stack.bind():
        stack.clear(color=(0.0, 0.0, 0.0, 0.0))
        for index, layer in enumerate(layers):
            shader = program(layer.program)
            shader.bind()
            shader.uniform_block("view", layer.uniforms)
            for name, held in layer.textures.items():
                shader.uniform_sampler(name, held)
            seen = left * samples, top * samples, across, down
            _quad(shader, _placed((0, index * down, across, down), slots[0]), seen)
    with gpu.types.GPUFrameBuffer(color_slots=tuple(drawn)).bind():
        shader = program("combine")
        shader.bind()
        shader.uniform_sampler("colours", slots[0])
        shader.uniform_sampler("orders", slots[1])
        shader.uniform_int("samples", samples)
        shader.uniform_int("count", len(layers))
        seen = 0.0, 0.0, right - left, bottom - top
        _quad(shader, _placed((left, top, *seen[2:]), drawn.behind), seen)


def _placed(pixels, image):
    """Where pixels (left, top, width, height) of an image lie in it, from -1 to 1."""
    left, top, width, height = pixels
    across, down = 2.0 / image.width, 2.0 / image.height
    return left * across - 1.0, top * down - 1.0, width * across, height * down


def _quad(shader, placed, seen):
    """Fill a rectangle (left, bottom, width, height) of the target, which lies from -1 to 1, with places of another."""
    from gpu_extras.batch import batch_for_shader

    shader.uniform_float("placed", placed)
    shader.uniform_float("seen", seen)
    batch_for_shader(shader, "TRI_STRIP", {"corner": [(0, 0), (1, 0), (0, 1), (1, 1)]}).draw(shader)


def _read(image):
    """(H, W, 4) float32."""
    pixels = image.read()
    pixels.dimensions = image.width * image.height * 4
    return np.array(pixels, dtype=np.float32).reshape(image.height, image.width, 4)
