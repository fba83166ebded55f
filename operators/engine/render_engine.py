"""The render engine: F12, animation and background renders of all portraits through any Blender camera."""

import traceback

import bpy

from ...inference.errors import PortraitError
from ..language import strings
from ..state import portraits_scene
from ..work.operator import one_line
from . import cameras, gpu_shaders, viewport
from .device import Devices
from .scene import load_shown, visible_portraits, world_colour

BAND_RAYS = 1 << 18  # rays followed between two looks at Blender's cancel
ALPHA_PASS = "Portrait Alpha"  # "Alpha" is the name of Combined's own alpha in the compositor
RIM_DEPTH_PASS = "Portrait Depth"  # of scenes that another one composites: soft edges have depth, too


class PORTRAIT_MANIFOLDS_engine(bpy.types.RenderEngine):
    bl_idname = "PORTRAIT_MANIFOLDS"
    bl_label = strings.ENGINE
    bl_use_preview = False
    bl_use_postprocess = True
    bl_use_eevee_viewport = True
    bl_use_gpu_context = False  # until `update`

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def update_render_passes(self, scene=None, renderlayer=None):
        self.register_pass(scene, renderlayer, "Combined", 4, "RGBA", "COLOR")
        if renderlayer.use_pass_z:
            self.register_pass(scene, renderlayer, "Depth", 1, "Z", "VALUE")
        if renderlayer.portrait_manifolds.use_pass_alpha:
            self.register_pass(scene, renderlayer, ALPHA_PASS, 1, "A", "VALUE")
        if scene.portrait_manifolds_apart.of is not None:
            self.register_pass(scene, renderlayer, RIM_DEPTH_PASS, 1, "Z", "VALUE")

    def update(self, data, depsgraph):
        """Blender asks before it renders. Without a driver it would end here, so without a window nothing is tried."""
        scene, _ = portraits_scene.source_of(depsgraph.scene, depsgraph.view_layer)
        chosen = scene.portrait_manifolds.device
        self.bl_use_gpu_context = chosen == "GPU" or (chosen == "AUTOMATIC" and not bpy.app.background)

    def render(self, depsgraph):
        try:
            self._render(depsgraph)
        except Exception as error:
            self._fail(error)
        finally:
            if bpy.app.background:  # where Blender crashes at its end if a program is left without a context
                gpu_shaders.forget()

    def view_update(self, context, depsgraph):
        """The scene changed: look again at what is visible."""
        self._shown = None

    def view_draw(self, context, depsgraph):
        try:
            if getattr(self, "_shown", None) is None:
                self._shown = visible_portraits(depsgraph, context.space_data)
            if getattr(self, "_viewport", None) is None:
                redraw = viewport.Redraw(self, context.region.as_pointer())
                self._viewport = viewport.Viewport(redraw, gone=redraw.gone)
            self._viewport.draw(self, context, depsgraph, self._shown)
        except Exception as error:
            self.update_stats(strings.ENGINE, one_line(error))

    def _fail(self, error):
        text = one_line(error)
        if not isinstance(error, PortraitError):
            traceback.print_exception(error)
            text = strings.UNEXPECTED.format(kind=type(error).__name__, error=text)
        self.report({"ERROR"}, text)
        self.error_set(text)

    def _render(self, depsgraph):
        scene, _ = portraits_scene.source_of(depsgraph.scene, depsgraph.view_layer)
        apart = scene != depsgraph.scene
        if not apart and portraits_scene.find(scene) is not None:
            self.report({"WARNING"}, strings.ONLY_PORTRAITS)
        if scene.render.use_multiview:
            raise PortraitError(strings.NO_STEREO)
        camera_object = scene.camera if apart else self.camera_override or scene.camera
        if camera_object is None:
            raise PortraitError(strings.NO_CAMERA)
        camera = cameras.world_camera(camera_object, depsgraph, scene)
        found, left_out = load_shown(visible_portraits(depsgraph))
        if left_out and not found:
            raise PortraitError("; ".join(left_out))
        for text in left_out:
            self.report({"WARNING"}, text)
        from . import exposure  # quick to leave out while Blender starts

        backdrop = None if apart or scene.render.film_transparent else world_colour(scene)
        devices = Devices(scene.portrait_manifolds.device if self.bl_use_gpu_context else "CPU")
        if exposure.is_blurred(scene, camera_object, depsgraph):
            rows = max(16, BAND_RAYS // camera.width)
            self.update_stats("", strings.ENGINE_BLUR_STATUS.format(count=len(found)))
            told = self.update_progress, self.test_break
            picture = exposure.expose(depsgraph, scene, camera_object, backdrop, self._evaluate, devices, rows, *told)
            if picture is not None:
                self._write(depsgraph, 0, picture)
            self._warn(devices)
            return
        samples = int(scene.portrait_manifolds.samples)
        rows = max(16, BAND_RAYS // camera.width)
        for top in range(0, camera.height, rows):
            bottom = min(top + rows, camera.height)
            self.update_stats("", strings.ENGINE_STATUS.format(row=top, rows=camera.height, count=len(found)))
            band = camera.cropped(0, top, camera.width, bottom)
            picture = devices.render(found, band, backdrop, samples, scene.render.threads, self.test_break)
            if picture is None or self.test_break():
                return
            self._write(depsgraph, camera.height - bottom, picture)
            self.update_progress(bottom / camera.height)
        self._warn(devices)

    def _warn(self, devices):
        if devices.warning:
            self.report({"WARNING"}, devices.warning)

    def _evaluate(self, frame, subframe):
        self.frame_set(frame, subframe=subframe)

    def _write(self, depsgraph, y, picture):
        """Hand a band to Blender; arrays have row 0 on top, Blender's rows go up."""
        height, width = picture.depth.shape
        planes = {"Combined": picture.combined, "Depth": picture.depth, ALPHA_PASS: picture.alpha}
        planes[RIM_DEPTH_PASS] = picture.rim_depth
        result = self.begin_result(0, y, width, height, layer=depsgraph.view_layer.name)
        for layer in result.layers:
            for render_pass in layer.passes:
                if render_pass.name in planes:
                    render_pass.rect.foreach_set(planes[render_pass.name][::-1].ravel())
        self.end_result(result)


CLASSES = (PORTRAIT_MANIFOLDS_engine,)
