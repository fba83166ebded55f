"""Sidebar (N) ▸ Portrait: the path from photo to mesh, top to bottom."""

import os

import bpy

from ..operators.crop import crops
from ..operators.language import strings
from ..operators.portrait.render_with_scene import renders_with_scene
from ..operators.portrait.toggle_light import switches
from ..operators.state import health
from ..operators.state.background import background_of
from ..operators.state.doubts import doubts_of
from ..operators.state.option_groups import (
    HEAD,
    HEAD_ONLY,
    LOOK,
    SURFACE_ONLY,
    LayerOptions,
    LodOptions,
    MeshOptions,
    hand_over,
    names_of,
)
from ..operators.state.portrait import active_inverted, active_portrait, has_photo
from . import job_list, preset_menus
from .doubts import draw_doubts
from .face_list import draw_faces


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = strings.TAB


class PORTRAIT_MANIFOLDS_PT_photo(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_PHOTO

    def draw(self, context):
        layout = self.layout
        job_list.draw_problems(layout, context)
        layout.operator("portrait_manifolds.import_portrait", icon="IMAGE_DATA")
        draw_findings(layout, health.scene_findings(context.scene))
        obj = active_portrait(context)
        if obj is None:
            column = layout.column(align=True)
            for line in strings.PANEL_HELP:
                column.label(text=line)
            return
        settings = obj.portrait_manifolds
        draw_findings(layout, health.findings(obj))
        icon = crops.preview_icon(obj)
        if icon:
            layout.template_icon(icon_value=icon, scale=5.5)
        name = obj.name if not settings.photo_path else os.path.basename(settings.photo_path.replace("\\", "/"))
        width, height = (int(value) for value in settings.photo_size)
        column = layout.column(align=True)
        column.label(text=strings.PHOTO_NUMBERS.format(name=name, width=width, height=height), icon="USER")
        if not len(settings.faces) and not settings.portrait_path:
            column.label(text=strings.NO_FACE_LABEL, icon="ERROR")
        else:
            yaw, pitch, roll = settings.pose
            text = strings.POSE_NUMBERS.format(yaw=yaw, pitch=pitch, roll=roll)
            column.label(text=text, icon="ORIENTATION_GIMBAL")
        draw_doubts(layout, context, doubts_of(settings))
        draw_faces(layout, settings)
        layout.template_ID(settings, "matte", open="image.open", text=strings.MATTE.label)


class PORTRAIT_MANIFOLDS_PT_crop(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_CROP
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return has_photo(context)

    def draw_header(self, context):
        self.layout.prop(active_portrait(context).portrait_manifolds, "use_crop", text="")

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        settings = active_portrait(context).portrait_manifolds
        layout.operator("portrait_manifolds.adjust_crop", icon="SELECT_SET")
        column = layout.column(align=True)
        column.enabled = settings.use_crop
        column.prop(settings, "crop_centre")
        column.prop(settings, "crop_size")
        column.prop(settings, "crop_roll")
        layout.operator("portrait_manifolds.update_crop", icon="FILE_REFRESH")


class PORTRAIT_MANIFOLDS_PT_pose(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_POSE
    bl_parent_id = "PORTRAIT_MANIFOLDS_PT_crop"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        settings = active_portrait(context).portrait_manifolds
        column = layout.column(heading=strings.BY_HAND)
        column.prop(settings, "use_landmarks", text=strings.LANDMARKS)
        column.prop(settings, "use_pose", text=strings.POSE.label)
        column = layout.column(align=True)
        column.enabled = settings.use_pose
        column.prop(settings, "yaw")
        column.prop(settings, "pitch")


class PORTRAIT_MANIFOLDS_PT_files(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_FILES
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return active_portrait(context) is not None

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        settings = active_portrait(context).portrait_manifolds
        column = layout.column(align=True)
        column.enabled = settings.packed is None
        column.prop(settings, "portrait_path")
        column.prop(settings, "photo_path")
        if settings.packed is not None:
            layout.label(text=strings.PACKED_LABEL, icon="PACKAGE")
        layout.prop(context.scene.portrait_manifolds, "pack")
        row = layout.row(align=True)
        row.operator("portrait_manifolds.pack", icon="PACKAGE")
        row.operator("portrait_manifolds.unpack", icon="UGLYPACKAGE")
        layout.operator("portrait_manifolds.relink", icon="LIBRARY_DATA_BROKEN")
        layout.operator("portrait_manifolds.copy_settings", icon="PASTEDOWN")


class PORTRAIT_MANIFOLDS_PT_invert(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_INVERT

    def draw_header_preset(self, context):
        preset_menus.PORTRAIT_MANIFOLDS_PT_invert_presets.draw_panel_header(self.layout)

    @classmethod
    def poll(cls, context):
        return active_portrait(context) is not None or context.window_manager.portrait_manifolds_job.running

    def draw(self, context):
        layout = self.layout
        job_list.draw_jobs(layout, context)
        row = layout.row()
        row.scale_y = 1.5
        obj = active_portrait(context)
        row.enabled = obj is not None and bool(obj.portrait_manifolds.photo_path)
        row.operator("portrait_manifolds.invert", icon="PLAY")
        obj = active_inverted(context)
        if obj is not None:
            layout.operator("portrait_manifolds.refine", icon="FILE_REFRESH")
        if obj is not None:
            layout.label(text=strings.MODEL_LABEL.format(id=obj.portrait_manifolds.model_id), icon="CHECKMARK")


class PORTRAIT_MANIFOLDS_PT_view(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_VIEW

    @classmethod
    def poll(cls, context):
        return active_inverted(context) is not None

    def draw(self, context):
        layout = self.layout
        obj, settings = active_inverted(context), context.scene.portrait_manifolds
        layout.operator("portrait_manifolds.show", icon="HIDE_OFF")
        layout.operator("portrait_manifolds.compare", icon="IMAGE_REFERENCE")
        row = layout.row(align=True)
        row.operator("portrait_manifolds.add_camera", icon="CAMERA_DATA").whole_photo = False
        row.operator("portrait_manifolds.add_camera", text=strings.WHOLE_PHOTO.label).whole_photo = True
        row = layout.row(align=True)
        row.operator("portrait_manifolds.match_photo", icon="OUTLINER_OB_CAMERA")
        row.operator("portrait_manifolds.edit_photo", icon="TPAINT_HLT")
        if obj.portrait_manifolds.edit is not None:
            layout.operator("portrait_manifolds.apply_edit", icon="CHECKMARK")
        row = layout.row(align=True)
        row.operator("portrait_manifolds.add_turntable", icon="CON_ROTLIKE")
        row.operator("portrait_manifolds.add_dolly_zoom")
        row = layout.row()
        row.prop(obj.portrait_manifolds, "show_background")
        row.prop(obj.portrait_manifolds, "show_proxy")
        layout.prop(settings, "view_path")
        row = layout.row(align=True)
        button = row.operator("portrait_manifolds.render_view", icon="RENDER_STILL")
        button.background, button.filepath = background_of(obj), settings.view_path
        together = renders_with_scene(context)
        if together:
            row.operator("portrait_manifolds.render_alone", text=strings.WITHOUT_SCENE, icon="NODE_COMPOSITING")
        else:
            row.operator("portrait_manifolds.render_with_scene", text=strings.WITH_SCENE, icon="NODE_COMPOSITING")
        column = layout.column(align=True)
        if context.scene.render.engine != "PORTRAIT_MANIFOLDS" and not together:
            column.label(text=strings.USE_ENGINE)
            column.prop(context.scene.render, "engine", text="")
        if context.scene.view_settings.view_transform not in ("Standard", "Raw"):
            column.label(text=strings.STANDARD_HINT, icon="INFO")
            column.prop(context.scene.view_settings, "view_transform", text="")


class PORTRAIT_MANIFOLDS_PT_edit(_Panel, bpy.types.Panel):
    """Beside the picture that is painted on."""

    bl_label = strings.PANEL_EDIT
    bl_space_type = "IMAGE_EDITOR"

    @classmethod
    def poll(cls, context):
        return active_inverted(context) is not None

    def draw(self, context):
        layout = self.layout
        job_list.draw_problems(layout, context)
        job_list.draw_jobs(layout, context)
        layout.operator("portrait_manifolds.edit_photo", icon="TPAINT_HLT")
        layout.template_ID(active_inverted(context).portrait_manifolds, "edit", open="image.open")
        layout.operator("portrait_manifolds.apply_edit", icon="CHECKMARK")


class PORTRAIT_MANIFOLDS_PT_layers(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_LAYERS
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return active_inverted(context) is not None

    def draw(self, context):
        layout = self.layout
        settings = context.scene.portrait_manifolds
        layout.use_property_split = True
        column = layout.column(align=True)
        column.row(align=True).prop(settings, "layer_look", expand=True)
        column.prop(settings, "layer_delit")
        column.row(align=True).prop(settings, "layer_count", expand=True)
        column.prop(settings, "layer_triangles")
        button = layout.operator("portrait_manifolds.add_layers", icon="RENDERLAYERS")
        hand_over(settings, LayerOptions, "layer_", button)

    def draw_header_preset(self, context):
        preset_menus.PORTRAIT_MANIFOLDS_PT_layer_presets.draw_panel_header(self.layout)


class PORTRAIT_MANIFOLDS_PT_mesh(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_MESH

    @classmethod
    def poll(cls, context):
        return active_inverted(context) is not None

    def draw(self, context):
        layout = self.layout
        settings = context.scene.portrait_manifolds
        layout.use_property_split = True
        column = layout.column(align=True)
        column.row(align=True).prop(settings, "mesh_topology", expand=True)
        _mesh_options(column, settings, [name for name in names_of(MeshOptions, "mesh_") if name not in LOOK])
        button = layout.operator("portrait_manifolds.extract_mesh", icon="MESH_DATA")
        hand_over(settings, MeshOptions, "mesh_", button)
        if switches(context):
            layout.operator("portrait_manifolds.toggle_light", icon="LIGHT")

    def draw_header_preset(self, context):
        preset_menus.PORTRAIT_MANIFOLDS_PT_mesh_presets.draw_panel_header(self.layout)


class PORTRAIT_MANIFOLDS_PT_mesh_look(_Panel, bpy.types.Panel):
    bl_label = strings.PANEL_MESH_LOOK
    bl_parent_id = "PORTRAIT_MANIFOLDS_PT_mesh"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        self.layout.use_property_split = True
        _mesh_options(self.layout.column(align=True), context.scene.portrait_manifolds, LOOK)


def _mesh_options(column, settings, names):
    """Those of some options that the chosen topology has."""
    other = SURFACE_ONLY if settings.mesh_topology == HEAD else HEAD_ONLY
    for name in names:
        if name not in ("mesh_topology", *other):
            column.prop(settings, name)


class PORTRAIT_MANIFOLDS_PT_elsewhere(_Panel, bpy.types.Panel):
    """What of a portrait goes into other files and programs."""

    bl_label = strings.PANEL_ELSEWHERE
    bl_parent_id = "PORTRAIT_MANIFOLDS_PT_mesh"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        button = layout.operator("portrait_manifolds.extract_lods", icon="MOD_DECIM")
        hand_over(context.scene.portrait_manifolds, LodOptions, "mesh_", button)
        layout.operator("portrait_manifolds.mark_asset", icon="ASSET_MANAGER")
        layout.operator("portrait_manifolds.export_splats", icon="EXPORT")


class PORTRAIT_MANIFOLDS_PT_sampling(bpy.types.Panel):
    bl_label = strings.PANEL_SAMPLING
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    COMPAT_ENGINES = {"PORTRAIT_MANIFOLDS"}

    @classmethod
    def poll(cls, context):
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context):
        self.layout.use_property_split = True
        self.layout.prop(context.scene.portrait_manifolds, "samples")
        self.layout.prop(context.scene.portrait_manifolds, "blur_samples")
        self.layout.prop(context.scene.portrait_manifolds, "device")
        self.layout.prop(context.scene.render, "film_transparent")
        if context.scene.render.use_multiview:
            self.layout.label(text=strings.STEREO_HINT, icon="ERROR")


class PORTRAIT_MANIFOLDS_PT_motion_blur(bpy.types.Panel):
    bl_label = strings.PANEL_MOTION_BLUR
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options = {"DEFAULT_CLOSED"}
    COMPAT_ENGINES = {"PORTRAIT_MANIFOLDS"}

    @classmethod
    def poll(cls, context):
        return context.engine in cls.COMPAT_ENGINES

    def draw_header(self, context):
        self.layout.prop(context.scene.render, "use_motion_blur", text="")

    def draw(self, context):
        layout, render = self.layout, context.scene.render
        layout.use_property_split = True
        column = layout.column()
        column.active = render.use_motion_blur
        column.prop(render, "motion_blur_position")
        column.prop(render, "motion_blur_shutter")
        column.template_curve_mapping(render, "motion_blur_shutter_curve")


class PORTRAIT_MANIFOLDS_PT_passes(bpy.types.Panel):
    bl_label = strings.PANEL_PASSES
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "view_layer"
    COMPAT_ENGINES = {"PORTRAIT_MANIFOLDS"}

    @classmethod
    def poll(cls, context):
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context):
        self.layout.use_property_split = True
        column = self.layout.column(heading=strings.PASSES_DATA)
        column.prop(context.view_layer, "use_pass_z", text=strings.PASS_DEPTH)
        column.prop(context.view_layer.portrait_manifolds, "use_pass_alpha")


def draw_findings(layout, findings):
    """What is wrong with a portrait or its scene, and the buttons that mend it."""
    for finding in findings:
        column = layout.box().column(align=True)
        column.label(text=finding.text, icon="INFO" if finding.kind == "model" else "ERROR")
        if finding.help:
            column.label(text=finding.help)
        column.operator(finding.operator)


CLASSES = (
    PORTRAIT_MANIFOLDS_PT_photo,
    PORTRAIT_MANIFOLDS_PT_crop,
    PORTRAIT_MANIFOLDS_PT_pose,
    PORTRAIT_MANIFOLDS_PT_invert,
    PORTRAIT_MANIFOLDS_PT_view,
    PORTRAIT_MANIFOLDS_PT_edit,
    PORTRAIT_MANIFOLDS_PT_layers,
    PORTRAIT_MANIFOLDS_PT_mesh,
    PORTRAIT_MANIFOLDS_PT_mesh_look,
    PORTRAIT_MANIFOLDS_PT_elsewhere,
    PORTRAIT_MANIFOLDS_PT_files,
    PORTRAIT_MANIFOLDS_PT_sampling,
    PORTRAIT_MANIFOLDS_PT_motion_blur,
    PORTRAIT_MANIFOLDS_PT_passes,
)
