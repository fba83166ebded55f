"""Pictures for the documentation: a row per photo with the photo, the portrait from five sides, and the mesh.

    .venv/bin/python scripts/make_pictures.py                             # docs/images/astronaut.png
    .venv/bin/python scripts/make_pictures.py PHOTO PHOTO ... --out sheet.jpg

Needs `.venv` (made by the demo or the tests): the mesh is rendered by its Blender module.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

YAWS = (-30, -15, 15, 30)
TITLES = ("photo", "reconstruction", *(f"{yaw:+d}°" for yaw in YAWS), "mesh")
MESH_YAW = 25
BACKDROP = (236, 236, 234)  # sRGB
GAP = 4  # pixels


def row_of(photo: Path, model, side: int) -> list[Image.Image]:
    """Pictures of one photo, in the order of TITLES, each side x side."""
    from inference.geometry.cameras import orbit_camera
    from inference.mesh.extract import extract_mesh
    from inference.pipeline import invert_photo
    from inference.view.render import render_view

    portrait = invert_photo(photo, model).portrait
    large = 2 * side  # and halved below: smooth edges
    cameras = [portrait.camera.resized(large, large)]
    cameras += [orbit_camera(yaw, 0.0, width=large, height=large) for yaw in YAWS]
    backdrop = tuple(channel / 255 for channel in BACKDROP)
    views = [np.rint(255 * render_view(portrait, camera, backdrop).color).astype(np.uint8) for camera in cameras]
    pictures = [
        Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS) for pixels in (portrait.crop, *views)
    ]
    return [*pictures, mesh_picture(extract_mesh(portrait), side)]


def mesh_picture(mesh, side: int) -> Image.Image:
    """The mesh, lit from the upper left, through the orbit camera at MESH_YAW; rendered by Cycles."""
    import tempfile

    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    data = bpy.data.meshes.new("head")
    data.from_pydata((mesh.vertices[:, [0, 2, 1]] * (1, -1, 1)).tolist(), [], mesh.faces.tolist())
    data.uv_layers.new().data.foreach_set("uv", mesh.uv[mesh.faces.ravel()].ravel())
    data.shade_smooth()
    texture = bpy.data.images.new("skin", *mesh.texture.shape[1::-1])
    pixels = np.ones((*mesh.texture.shape[:2], 4), np.float32)
    pixels[..., :3] = mesh.texture[::-1] / np.float32(255)
    texture.pixels.foreach_set(pixels.ravel())
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.7
    image = nodes.new("ShaderNodeTexImage")
    image.image = texture
    material.node_tree.links.new(image.outputs["Color"], shader.inputs["Base Color"])
    data.materials.append(material)

    # Portrait space (x, y, z) is (x, -z, y) in Blender; the camera stands at MESH_YAW, 1.6 m away, 12 degrees wide.
    lens = bpy.data.cameras.new("camera")
    lens.angle, lens.clip_start = math.radians(12), 0.1
    camera, turn = bpy.data.objects.new("camera", lens), math.radians(MESH_YAW)
    camera.location = (1.6 * math.sin(turn), -1.6 * math.cos(turn), 0)
    camera.rotation_euler = (math.radians(90), 0, turn)
    key = bpy.data.objects.new("key", bpy.data.lights.new("key", "SUN"))
    key.data.energy, key.data.angle = 2.2, 0.3
    key.rotation_euler = (math.radians(55), 0, math.radians(-45))
    for new in (bpy.data.objects.new("head", data), camera, key):
        scene.collection.objects.link(new)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.6, 0.6, 0.6, 1)
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 32, False
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "mesh.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(scene.render.filepath) as rendered:
            board = Image.new("RGBA", rendered.size, (*BACKDROP, 255))
            return Image.alpha_composite(board, rendered.convert("RGBA")).convert("RGB")


def sheet(rows: list[list[Image.Image]], side: int) -> Image.Image:
    """The rows below a line of titles."""
    head = 22
    size = len(TITLES) * (side + GAP) - GAP, head + len(rows) * (side + GAP) - GAP
    board = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(board)
    font = ImageFont.load_default(15)
    for column, title in enumerate(TITLES):
        draw.text((column * (side + GAP) + side // 2, head // 2), title, fill=(60, 60, 60), font=font, anchor="mm")
    for line, row in enumerate(rows):
        for column, picture in enumerate(row):
            board.paste(picture, (column * (side + GAP), head + line * (side + GAP)))
    return board


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*", help="default: scikit-image's astronaut")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "astronaut.png", metavar="PICTURE")
    parser.add_argument("--side", type=int, default=192, help="pixels of each picture")
    arguments = parser.parse_args()
    photos = arguments.photos
    if not photos:
        import skimage

        photos = [Path(skimage.__file__).parent / "data" / "astronaut.png"]
    from inference.networks.model import load_model

    model = load_model()
    rows = []
    for number, photo in enumerate(photos, 1):
        print(f"{number} of {len(photos)}: {photo.name}", flush=True)
        rows.append(row_of(photo, model, arguments.side))
    board = sheet(rows, arguments.side)
    if arguments.out.suffix == ".png":
        board = board.quantize(256, dither=Image.Dither.NONE)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    board.save(arguments.out, **({"quality": 88} if arguments.out.suffix in (".jpg", ".webp") else {"optimize": True}))
    print(f"{arguments.out}  {arguments.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
