"""A sheet of meshes: each from all round, as clay, with its texture, as wires; its UVs; its shape keys at 1.

    .venv/bin/python scripts/mesh_sheet.py HEAD.glb HEAD.glb ... --out sheet.webp
    .venv/bin/python scripts/mesh_sheet.py HEAD.glb --looks clay wires --keys jawOpen eyeBlinkLeft --out sheet.webp

Reads what ``python -m inference mesh`` wrote, with Blender's own importer; Cycles renders it. Needs `.venv` (made by
the demo or the tests).
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

YAWS = (0, 45, 90, 180, -90, -45)  # degrees, from the front; positive towards the head's left
LOOKS = ("textured", "clay", "wires", "uv")
CLAY, WIRE = (0.55, 0.52, 0.5, 1.0), 0.0003  # linear; metres
GAP, HEAD = 4, 22  # pixels
SAMPLES = 16


def load(path: Path, side: int) -> list[bpy.types.Object]:
    """An empty scene with the pieces of a .glb, a camera, a sun from the upper left and grey light all round."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    scene = bpy.context.scene
    pieces = [obj for obj in scene.objects if obj.type == "MESH"]
    lens = bpy.data.cameras.new("camera")
    lens.angle, lens.clip_start = math.radians(12.5), 0.1
    scene.camera = bpy.data.objects.new("camera", lens)
    key = bpy.data.objects.new("key", bpy.data.lights.new("key", "SUN"))
    key.data.energy, key.data.angle = 2.2, 0.3
    for new in (scene.camera, key):
        scene.collection.objects.link(new)
    key.parent = scene.camera  # the light goes round with the camera
    key.rotation_euler = (math.radians(-35), math.radians(-35), 0)
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.6, 0.6, 0.6, 1)
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, False
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.view_settings.view_transform = "Standard"
    return pieces


def dress(pieces: list[bpy.types.Object], look: str) -> None:
    """Give the pieces their looks: one of LOOKS but the last."""
    if look == "textured":
        return
    clay = bpy.data.materials.new("clay")
    clay.use_nodes = True
    shader = clay.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value, shader.inputs["Roughness"].default_value = CLAY, 0.6
    for obj in pieces:
        obj.data.materials.clear()
        obj.data.materials.append(clay)
        if look == "wires":
            dark = bpy.data.materials.new("wire")
            dark.use_nodes = True
            dark.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.01, 0.01, 0.02, 1.0)
            obj.data.materials.append(dark)
            wires = obj.modifiers.new("wires", "WIREFRAME")
            wires.thickness, wires.use_replace, wires.material_offset = WIRE, False, 1


def view(yaw: float) -> Image.Image:
    """The scene from an angle in degrees."""
    scene, turn = bpy.context.scene, math.radians(yaw)
    scene.camera.location = (1.6 * math.sin(turn), -1.6 * math.cos(turn), 0)
    scene.camera.rotation_euler = (math.radians(90), 0, turn)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "view.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(scene.render.filepath) as picture:
            return picture.convert("RGB")


def keys_of(pieces: list[bpy.types.Object], name: str) -> list[bpy.types.ShapeKey]:
    """The shape keys of a name."""
    with_keys = [obj.data.shape_keys.key_blocks for obj in pieces if obj.data.shape_keys]
    return [blocks[name] for blocks in with_keys if name in blocks]


def unwrapped(pieces: list[bpy.types.Object], side: int) -> Image.Image:
    """The first piece's texture with its UVs drawn over it."""
    mesh = pieces[0].data
    images = [node.image for node in mesh.materials[0].node_tree.nodes if node.type == "TEX_IMAGE"]
    width, height = images[0].size
    pixels = np.array(images[0].pixels[:], np.float32).reshape(height, width, -1)[::-1, :, :3]
    picture = Image.fromarray((255 * pixels + 0.5).astype(np.uint8)).resize((side, side), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture, "RGBA")
    uv = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    uv = uv.reshape(-1, 2) * (side, -side) + (0, side)
    for polygon in mesh.polygons:
        ring = [tuple(uv[loop]) for loop in polygon.loop_indices]
        draw.line([*ring, ring[0]], fill=(0, 0, 0, 70))
    return picture


def row_of(path: Path, look: str, side: int, yaws: list[float]) -> list[tuple[str, Image.Image]]:
    """Titled pictures of one mesh in one look."""
    pieces = load(path, side)
    if look == "uv":
        return [("uv", unwrapped(pieces, side))]
    dress(pieces, look)
    return [(f"{look} {yaw:+.0f}°", view(yaw)) for yaw in yaws]


def expressions(path: Path, names: list[str], side: int) -> list[tuple[str, Image.Image]]:
    """Titled pictures of one mesh with each of some shape keys at 1, the others at 0."""
    pieces = load(path, side)
    pictures = []
    for name in names:
        for obj in pieces:
            for block in obj.data.shape_keys.key_blocks if obj.data.shape_keys else ():
                block.value = 0.0
        for block in keys_of(pieces, name):
            block.value = 1.0
        pictures.append((name, view(15.0)))
    return pictures


def board_of(rows: list[list[tuple[str, Image.Image]]], side: int) -> Image.Image:
    """Rows of titled pictures on one board."""
    widest = max(map(len, rows))
    board = Image.new("RGB", (widest * (side + GAP) - GAP, len(rows) * (side + HEAD)), "white")
    draw, font = ImageDraw.Draw(board), ImageFont.load_default(13)
    for line, row in enumerate(rows):
        for column, (title, picture) in enumerate(row):
            x, y = column * (side + GAP), line * (side + HEAD)
            draw.text((x + side // 2, y + HEAD // 2), title, fill=(60, 60, 60), font=font, anchor="mm")
            board.paste(picture, (x, y + HEAD))
    return board


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path, nargs="+", help=".glb files")
    parser.add_argument("--out", type=Path, required=True, metavar="PICTURE")
    parser.add_argument("--side", type=int, default=256, help="pixels of each picture")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, default=["textured", "clay"])
    parser.add_argument("--yaws", nargs="+", type=float, default=YAWS, metavar="DEG")
    parser.add_argument("--keys", nargs="+", default=[], metavar="NAME", help="also these shape keys, each at 1")
    parser.add_argument("--one-row", action="store_true", help="all pictures of a mesh in one row")
    arguments = parser.parse_args()
    rows = []
    for mesh in arguments.meshes:
        found = [row_of(mesh, look, arguments.side, arguments.yaws) for look in arguments.looks]
        if arguments.keys:
            found.append(expressions(mesh, arguments.keys, arguments.side))
        rows += [sum(found, [])] if arguments.one_row else found
    board_of(rows, arguments.side).save(arguments.out, quality=88)


if __name__ == "__main__":
    main()
