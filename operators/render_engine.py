"""The render engine: F12, animation and background renders of all portraits through any Blender camera."""

import bpy

from . import strings
from .base import one_line

BAND_PIXELS = 1 << 20  # rays followed between two looks at Blender's cancel
FAR = 1e10  # Blender's depth of what is not there

PANELS = (
    "DATA_PT_camera_background_image",
    "DATA_PT_camera_display",
    "DATA_PT_camera_safe_areas",
    "DATA_PT_context_camera",
    "DATA_PT_lens",
    "RENDER_PT_color_management",
    "RENDER_PT_color_management_curves",
    "RENDER_PT_context",
    "RENDER_PT_format",
    "RENDER_PT_frame_range",
    "RENDER_PT_output",
    "RENDER_PT_output_color_management",
    "RENDER_PT_stamp",
    "RENDER_PT_stamp_note",
    "RENDER_PT_time_stretching",
    "VIEWLAYER_PT_context_layer",
    "VIEWLAYER_PT_layer",
)


class PORTRAIT_MANIFOLDS_engine(bpy.types.RenderEngine):
    bl_idname = "PORTRAIT_MANIFOLDS"
    bl_label = strings.ENGINE
    bl_use_preview = False
    bl_use_postprocess = True
    bl_use_eevee_viewport = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def update_render_passes(self, scene=None, renderlayer=None):
        self.register_pass(scene, renderlayer, "Combined", 4, "RGBA", "COLOR")
        if renderlayer.use_pass_z:
            self.register_pass(scene, renderlayer, "Depth", 1, "Z", "VALUE")

    def render(self, depsgraph):
        try:
            self._render(depsgraph)
        except Exception as error:
            self._fail(error)

    def view_update(self, context, depsgraph):
        """The scene changed: look again at what is visible."""
        self._shown = None

    def view_draw(self, context, depsgraph):
        from . import viewport

        try:
            if getattr(self, "_shown", None) is None:
                self._shown = visible_portraits(depsgraph)
            if getattr(self, "_viewport", None) is None:
                self._viewport = viewport.Viewport(self.tag_redraw)
            self._viewport.draw(self, context, depsgraph.scene, self._shown)
        except Exception as error:
            self.update_stats(strings.ENGINE, one_line(error))

    def _fail(self, error):
        from ..inference.errors import PortraitError

        text = one_line(error)
        if not isinstance(error, PortraitError):
            import traceback

            traceback.print_exception(error)
            text = strings.UNEXPECTED.format(kind=type(error).__name__, error=text)
        self.report({"ERROR"}, text)
        self.error_set(text)

    def _render(self, depsgraph):
        from ..inference.errors import PortraitError
        from . import cameras
        from .portraits import load_file

        scene = depsgraph.scene
        if scene.render.use_multiview:
            raise PortraitError(strings.NO_STEREO)
        if scene.camera is None:
            raise PortraitError(strings.NO_CAMERA)
        camera = cameras.world_camera(scene.camera, depsgraph, scene)
        found = [(load_file(path), matrix) for path, matrix in visible_portraits(depsgraph)]
        backdrop = None if scene.render.film_transparent else world_colour(scene)
        samples = int(scene.portrait_manifolds.samples)
        rows = max(32, BAND_PIXELS // (camera.width * samples**2))
        for top in range(0, camera.height, rows):
            if self.test_break():
                return
            bottom = min(top + rows, camera.height)
            self.update_stats("", strings.ENGINE_STATUS.format(row=top, rows=camera.height, count=len(found)))
            band = cameras.crop(camera, 0, top, camera.width, bottom)
            band = cameras.resize(band, band.width * samples, band.height * samples)
            combined, depth = reduce(*render_portraits(found, band, backdrop), samples)
            self._write(depsgraph, camera.height - bottom, combined, depth)
            self.update_progress(bottom / camera.height)

    def _write(self, depsgraph, y, combined, depth):
        """Hand a band to Blender; arrays have row 0 on top, Blender's rows go up."""
        height, width = depth.shape
        result = self.begin_result(0, y, width, height, layer=depsgraph.view_layer.name)
        for layer in result.layers:
            for render_pass in layer.passes:
                if render_pass.name == "Combined":
                    render_pass.rect.foreach_set(combined[::-1].ravel())
                elif render_pass.name == "Depth":
                    render_pass.rect.foreach_set(depth[::-1].ravel())
        self.end_result(result)


def visible_portraits(depsgraph):
    """[(path of the portrait, world matrix)] of every visible inverted portrait object, instances included."""
    from .portraits import file_of, is_portrait

    found = []
    for instance in depsgraph.object_instances:
        obj = instance.object
        if obj.type == "EMPTY" and is_portrait(obj) and obj.portrait_manifolds.portrait_path:
            found.append((file_of(obj.original), instance.matrix_world.copy()))
    return found


def render_portraits(found, camera, backdrop=None, threads=0):
    """All portraits through one camera, in depth order at every pixel.

    found: [(Portrait, 4x4 world matrix)]. camera: in world space. backdrop: (3,) scene-linear colour or None.
    Returns combined (H, W, 4) float32, scene linear and premultiplied, and depth (H, W) float32 in world units.
    """
    import numpy as np

    from ..inference.view import render_view
    from . import cameras

    shape = camera.height, camera.width
    layers = []
    for portrait, matrix in found:
        local, scale = cameras.to_portrait_space(camera, matrix)
        view = render_view(portrait, local, threads=threads)
        _, centre = local.project((0.0, 0.0, 0.0))
        order = np.where(np.isfinite(view.depth), view.depth, centre) * scale  # faint edges: as deep as the head
        layers.append((view, order.astype(np.float32), scale))
    combined = np.zeros((*shape, 4), np.float32)
    depth = np.full(shape, FAR, np.float32)
    transmittance = np.ones((*shape, 1), np.float32)
    ranks = np.argsort(np.stack([order for _, order, _ in layers]), axis=0) if layers else ()
    colours = [(linear(view.color) * view.alpha[..., None], view.alpha[..., None]) for view, _, _ in layers]
    for rank in ranks:
        for index, (colour, alpha) in enumerate(colours):
            here = transmittance if len(layers) == 1 else np.where((rank == index)[..., None], transmittance, 0.0)
            combined[..., :3] += here * colour
            combined[..., 3:] += here * alpha
        taken = [alpha * (rank == index)[..., None] for index, (_, alpha) in enumerate(colours)]
        transmittance = transmittance * (1.0 - sum(taken))
    for view, _, scale in layers:
        seen = np.isfinite(view.depth)
        depth[seen] = np.minimum(depth[seen], view.depth[seen] * np.float32(scale))
    if backdrop is not None:
        combined[..., :3] += transmittance * np.asarray(backdrop, np.float32)
        combined[..., 3] = 1.0
    return combined, depth


def reduce(combined, depth, samples):
    """Average blocks of samples x samples pixels of a (H, W, 4) picture; depth takes each block's nearest."""
    if samples == 1:
        return combined, depth
    height, width = depth.shape[0] // samples, depth.shape[1] // samples
    blocks = combined.reshape(height, samples, width, samples, 4)
    return blocks.mean(axis=(1, 3)), depth.reshape(height, samples, width, samples).min(axis=(1, 3))


def linear(color):
    """sRGB in [0, 1] to linear light, float32."""
    import numpy as np

    color = np.asarray(color, np.float32)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4).astype(np.float32)


def world_colour(scene):
    """(3,) linear colour behind everything: the world's background node, else its viewport colour, else black."""
    world = scene.world
    if world is None:
        return (0.0, 0.0, 0.0)
    tree = world.node_tree if bpy.app.version >= (5, 0, 0) or world.use_nodes else None
    node = next((node for node in tree.nodes if node.type == "BACKGROUND"), None) if tree else None
    if node is None or node.inputs["Color"].is_linked:
        return tuple(world.color)
    strength = node.inputs["Strength"].default_value
    return tuple(channel * strength for channel in node.inputs["Color"].default_value[:3])


def register():
    """Show the panels that make sense for this engine."""
    for panel in _panels():
        panel.COMPAT_ENGINES.add(PORTRAIT_MANIFOLDS_engine.bl_idname)


def unregister():
    """Take the engine off those panels again."""
    for panel in _panels():
        panel.COMPAT_ENGINES.discard(PORTRAIT_MANIFOLDS_engine.bl_idname)


def _panels():
    found = (getattr(bpy.types, name, None) for name in PANELS)
    return [panel for panel in found if panel is not None and hasattr(panel, "COMPAT_ENGINES")]


CLASSES = (PORTRAIT_MANIFOLDS_engine,)
