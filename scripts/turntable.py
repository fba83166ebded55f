"""Heads that turn in a fixed light: a column per mesh, a row per render engine, as an animated picture.

    .venv/bin/python scripts/turntable.py HEAD.glb HEAD.glb ... --out turntable.webp

Reads what ``python -m inference mesh`` wrote, as scripts/mesh_sheet.py does. EEVEE needs OpenGL, and without a graphics
card minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy
from mesh_sheet import GAP, HEAD, load, view
from PIL import Image, ImageDraw, ImageFont

ENGINES = {"EEVEE": ("BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"), "Cycles": ("CYCLES",)}  # by Blender's version
TURN = 3.0  # seconds of a whole turn
SAMPLES = 16


def use(engine: str) -> None:
    """Choose an engine of ENGINES for the scene."""
    render = bpy.context.scene.render
    for name in ENGINES[engine]:
        try:
            render.engine = name
            break
        except TypeError:  # another version's name
            continue
    else:
        raise SystemExit(f"this Blender has no {engine}")
    bpy.context.scene.eevee.taa_render_samples = bpy.context.scene.cycles.samples = SAMPLES


def turns(path: Path, engine: str, frames: int, side: int) -> list[Image.Image]:
    """Pictures of one mesh, from the front on round its left."""
    load(path, side)
    use(engine)
    return [view(360.0 * frame / frames) for frame in range(frames)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", type=Path, nargs="+", help=".glb files")
    parser.add_argument("--out", type=Path, required=True, metavar="PICTURE", help="a .webp")
    parser.add_argument("--side", type=int, default=256, help="pixels of each picture")
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    side, font = arguments.side, ImageFont.load_default(13)
    width, height = len(arguments.meshes) * (side + GAP) - GAP, len(ENGINES) * (side + HEAD)
    boards = [Image.new("RGB", (width, height), "white") for _ in range(arguments.frames)]
    for row, engine in enumerate(ENGINES):
        top = row * (side + HEAD)
        for column, mesh in enumerate(arguments.meshes):
            for board, picture in zip(boards, turns(mesh, engine, arguments.frames, side), strict=True):
                board.paste(picture, (column * (side + GAP), top + HEAD))
        for board in boards:
            at = (width // 2, top + HEAD // 2)
            ImageDraw.Draw(board).text(at, engine, fill=(60, 60, 60), font=font, anchor="mm")
    duration = round(1000 * TURN / arguments.frames)
    boards[0].save(arguments.out, save_all=True, append_images=boards[1:], duration=duration, loop=0, quality=80)
    print(f"{arguments.out}  {arguments.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
