"""Runs inside a Blender with a window: the proxy, a head with shape keys, a closed mesh, its light, and assets.

    blender --enable-event-simulate --python drive_meshes.py -- PHOTO FOLDER

Writes FOLDER/*.png and FOLDER/result.json.
"""

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from driver import (  # noqa: E402
    FOLDER,
    PHOTO,
    area,
    click_button,
    coloured,
    drive,
    job,
    middle,
    move,
    override,
    picture,
    portrait,
    press,
    seen,
    show_tab,
    step,
    wait,
    wait_for_job,
)  # fmt: skip

PRESETS = "PORTRAIT_MANIFOLDS_MT_mesh_presets"


def changed(before, after):
    """Share of the viewport's pixels that look otherwise."""
    return round(float(np.mean(np.abs(after - before).max(-1) > 0.1)), 3)


def plain_view():
    """Solid shading with textures, without lines, from the front."""
    space = area().spaces.active
    space.shading.type, space.shading.color_type, space.shading.light = "SOLID", "TEXTURE", "STUDIO"
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = overlay.show_outline_selected = False
    overlay.show_cursor = overlay.show_relationship_lines = overlay.show_extras = False


def look_at_the_portrait():
    """From the front, half from the left, as near as the head allows."""
    with override():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.45, type="ORBITLEFT")
    area().spaces.active.region_3d.view_distance = 0.62
    area().spaces.active.region_3d.view_location = portrait().matrix_world.translation


def preset(name):
    """Choose one of the mesh presets that come with the extension, by the path Blender's menu hands over."""
    paths = [Path(folder) / f"{name}.py" for folder in bpy.utils.preset_paths("portrait_manifolds/mesh")]
    with override():
        bpy.ops.script.execute_preset(filepath=str(next(filter(Path.exists, paths))), menu_idname=PRESETS)


def extract():
    """Generator: click the button and wait for what it makes."""
    before = set(bpy.data.objects.keys())
    yield from click_button("portrait_manifolds.extract_mesh")
    yield from wait(lambda: job().running or set(bpy.data.objects.keys()) - before, "the click did not start the mesh")
    yield from wait_for_job()
    yield 1.0


def proxy():
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with override():
        bpy.ops.portrait_manifolds.invert("EXEC_DEFAULT", filepath=PHOTO)
    yield from show_tab()
    plain_view()
    look_at_the_portrait()
    yield 2.0
    shown = seen()
    picture("proxy")
    with override():
        bpy.ops.object.select_all(action="DESELECT")
    yield from press("LEFTMOUSE", middle())
    yield 0.5
    step("proxy", coloured=coloured(shown), clicked=portrait().select_get())


def head():
    preset("Head_Game")
    yield from extract()
    skin = bpy.context.view_layer.objects.active
    names = [block.name for block in skin.data.shape_keys.key_blocks]
    move(middle())
    yield 1.0
    shown = seen()
    picture("head")
    step("head", name=skin.name, keys=len(names), photo="photo" in names, coloured=coloured(shown))
    blocks = skin.data.shape_keys.key_blocks
    blocks["photo"].value, blocks["jawOpen"].value, blocks["browInnerUp"].value = 0.0, 0.8, 1.0
    area("PROPERTIES").spaces.active.context = "DATA"
    yield 2.0
    posed = seen()
    picture("posed")
    step("posed", changed=changed(shown, posed))

    path = FOLDER.parent / "head.glb"
    pieces = [obj for obj in bpy.data.objects if obj.parent == portrait() and obj.type == "MESH"]
    with override():
        bpy.ops.object.select_all(action="DESELECT")
        for obj in pieces:
            obj.select_set(True)
        bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True, export_morph=True)
        before = set(bpy.data.objects)
        bpy.ops.import_scene.gltf(filepath=str(path))
    back = [obj for obj in set(bpy.data.objects) - before if obj.type == "MESH"]
    twin = max(back, key=lambda obj: len(obj.data.shape_keys.key_blocks) if obj.data.shape_keys else 0)
    step("round trip", pieces=len(back) == len(pieces), keys=len(twin.data.shape_keys.key_blocks))
    for obj in (*back, *pieces):
        bpy.data.objects.remove(obj)
    with override():
        bpy.context.view_layer.objects.active = portrait()
        portrait().select_set(True)
    yield 0.5


def closed_mesh():
    preset("Print")
    yield from extract()
    mesh = bpy.context.view_layer.objects.active
    move(middle())
    yield 1.0
    picture("closed")
    edges = np.zeros(len(mesh.data.edges), int)
    np.add.at(edges, [index for polygon in mesh.data.polygons for index in
                      (mesh.data.loops[loop].edge_index for loop in polygon.loop_indices)], 1)  # fmt: skip
    step("closed", watertight=bool((edges == 2).all()), groups=sorted(group.name for group in mesh.vertex_groups))

    area().spaces.active.shading.type = "MATERIAL"
    yield from wait(lambda: coloured(seen()) > 0.02, "the material's preview does not show the texture")
    yield 2.0
    lit = seen()
    picture("lit")
    yield from click_button("portrait_manifolds.toggle_light")
    move(middle())
    yield 4.0
    unlit = seen()
    picture("unlit")
    step("light", changed=changed(lit, unlit))
    with override():
        bpy.ops.portrait_manifolds.mark_asset()
    step("asset", marked=mesh.asset_data is not None, preview=list(mesh.preview.image_size))


def session():
    for part in (proxy, head, closed_mesh):
        yield from part()


drive(session)
