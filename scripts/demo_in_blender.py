"""Blender's side of the demo: install the extension zip, import a photo, invert it, see it, mesh it, save it.

Runs in any Python that has the bpy module (`python demo_in_blender.py ZIP PHOTO --out DIR`); tests run it in every
supported Blender. Nothing here is special to the demo: these are the operators that the panel's buttons call.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import bpy

PACKAGE = "portrait_manifolds"
MODULE = f"bl_ext.user_default.{PACKAGE}"
BACKDROP = (46, 49, 55)  # sRGB, behind the animated turntable


def install(archive: Path) -> None:
    """Install and enable the zip, as Preferences > Get Extensions > Install from Disk does."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)
    if MODULE not in bpy.context.preferences.addons:
        sys.exit(f"error: {archive.name} was not enabled; Blender's messages above say why")


def uninstall() -> None:
    """Disable the extension, then remove it with its wheels."""
    bpy.ops.preferences.addon_disable(module=MODULE)
    if MODULE in bpy.context.preferences.addons or hasattr(bpy.types.Scene, PACKAGE):
        sys.exit("error: the extension left something registered")
    modules = [repository.module for repository in bpy.context.preferences.extensions.repos]
    bpy.ops.extensions.package_uninstall(repo_index=modules.index("user_default"), pkg_id=PACKAGE)


def side_camera(portrait, degrees: float, lens: float = 85.0):
    """A camera that frames the head, on a pivot at its centre turned `degrees` to the subject's left."""
    pivot = bpy.data.objects.new("Pivot", None)
    pivot.parent = portrait
    pivot.rotation_euler.z = math.radians(degrees)
    data = bpy.data.cameras.new(f"{lens:.0f} mm")
    data.lens, data.clip_start = lens, 0.01
    camera = bpy.data.objects.new(data.name, data)
    camera.parent = pivot
    # The 256 pixel crop shows 0.336 m at the head; an AUTO sensor spans its 36 mm over the larger image side.
    camera.location = (0.0, -0.336 * lens / data.sensor_width - 0.05, 0.0)
    camera.rotation_euler = (math.radians(90), 0.0, 0.0)
    for new in (pivot, camera):
        bpy.context.scene.collection.objects.link(new)
    bpy.context.scene.camera = camera
    return pivot


def render(path: Path, size: int, engine: str = "PORTRAIT_MANIFOLDS") -> None:
    """F12 through the scene's camera."""
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def turntable(pivot, output: Path, frames: int, size: int, swing: float = 30.0) -> None:
    """Render a swing of the pivot to output/turntable/*.png and join the frames to output/turntable.webp."""
    from PIL import Image

    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    for frame in range(1, frames + 1):
        pivot.rotation_euler.z = math.radians(swing) * math.sin(2 * math.pi * (frame - 1) / frames)
        pivot.keyframe_insert("rotation_euler", index=2, frame=frame)
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.filepath = str(output / "turntable" / "frame_")
    bpy.ops.render.render(animation=True)

    pictures = []
    for file in sorted((output / "turntable").glob("frame_*.png"))[:frames]:
        with Image.open(file) as picture:
            picture = picture.convert("RGBA")
        pictures.append(
            Image.alpha_composite(Image.new("RGBA", picture.size, (*BACKDROP, 255)), picture).convert("RGB")
        )
    pictures[0].save(
        output / "turntable.webp",
        save_all=True,
        append_images=pictures[1:],
        duration=1600 // frames,
        loop=0,
        quality=82,
    )


def light_mesh() -> None:
    """A key light from the upper left and a soft world, for the mesh's picture."""
    scene = bpy.context.scene
    key = bpy.data.objects.new("Key", bpy.data.lights.new("Key", "SUN"))
    key.data.energy, key.data.angle = 2.5, 0.4
    key.rotation_euler = (math.radians(50), math.radians(-15), math.radians(-35))
    scene.collection.objects.link(key)
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 6.0


def main_job(photo: Path, output: Path, frames: int, size: int) -> dict:
    """Everything the demo shows. Returns the seconds each stage took."""
    operators = bpy.ops.portrait_manifolds
    seconds, last = {}, time.perf_counter()

    def stage(name):
        nonlocal last
        seconds[name] = round(time.perf_counter() - last, 2)
        print(f"{name}: {seconds[name]} s", flush=True)
        last = time.perf_counter()

    bpy.ops.wm.save_as_mainfile(filepath=str(output / f"{photo.stem}.blend"))  # so that paths in it are relative
    operators.import_portrait(filepath=str(photo))
    portrait = bpy.context.view_layer.objects.active
    stage("import")
    operators.invert()
    stage("invert")
    operators.render_view(filepath=str(output / "photo_camera.png"))
    stage("view")

    pivot = side_camera(portrait, degrees=25)
    render(output / "lens_85mm.png", 2 * size)
    stage("side view")
    turntable(pivot, output, frames, size)
    stage(f"turntable of {frames} frames")

    bpy.context.view_layer.objects.active = portrait
    operators.extract_mesh()
    mesh = bpy.context.view_layer.objects.active
    stage("mesh")
    bpy.ops.object.select_all(action="DESELECT")
    mesh.select_set(True)
    bpy.ops.export_scene.gltf(filepath=str(output / f"{photo.stem}.glb"), export_format="GLB", use_selection=True)
    stage("glb")
    light_mesh()
    bpy.context.scene.frame_set(frames // 8 + 1)
    bpy.context.scene.cycles.samples = 24
    render(output / "mesh.png", size, engine="CYCLES")
    stage("mesh by Cycles")
    mesh.hide_render = True
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.03, location=(0.1, -0.2, 0.0))
    ball = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = portrait
    operators.render_with_scene()
    render(output / "with_scene.png", size, engine="CYCLES")
    operators.render_alone()
    bpy.data.objects.remove(ball)
    stage("with a ball, by Cycles")
    bpy.context.scene.render.engine = "PORTRAIT_MANIFOLDS"
    bpy.ops.wm.save_mainfile()
    stage("save")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--frames", type=int, default=24, help="of the turntable")
    parser.add_argument("--size", type=int, default=384, help="pixels, of the turntable")
    parser.add_argument("--uninstall", action="store_true", help="disable and remove the extension at the end")
    arguments = parser.parse_args()
    output = arguments.out.resolve()
    output.mkdir(parents=True, exist_ok=True)
    install(arguments.zip.resolve())
    loaded = [name for name in ("onnxruntime", "cv2", "skimage", "trimesh", "PIL") if name in sys.modules]
    seconds = main_job(arguments.photo.resolve(), output, arguments.frames, arguments.size)
    if arguments.uninstall:
        uninstall()
    record = {"blender": bpy.app.version_string, "seconds": seconds, "loaded_by_enabling": loaded}
    (output / "demo.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    print(f"Blender {bpy.app.version_string}: all done", flush=True)


if __name__ == "__main__":
    main()
