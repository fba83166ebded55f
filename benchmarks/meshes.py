"""A textured mesh of 50,000 faces, stage by stage, and marching cubes against VTK's flying edges on the same field.

    python benchmarks/meshes.py [PORTRAIT.manifolds] [--resolutions 128 192 256] [--faces 50000] [--json FILE]

Flying edges are measured where the vtk package is installed.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from inference.mesh.extract import extract_mesh  # noqa: E402
from inference.mesh.field import Dome, block, sample_field  # noqa: E402
from inference.mesh.surface import find_surface  # noqa: E402
from inference.portrait import load_portrait  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402


def stages(portrait, resolution, faces, closed):
    """ms per stage of one extraction, and the number of faces."""
    marks = []
    mesh = extract_mesh(
        portrait, resolution, faces, closed=closed, progress=lambda _, text: marks.append((text, time.perf_counter()))
    )
    found = {text: 1000.0 * (end - start) for (text, start), (_, end) in zip(marks, marks[1:])}
    return found | {"all": sum(found.values())}, len(mesh.faces)


def flying_edges(portrait, resolution, closed):
    """ms of VTK's flying edges on the same block, or None."""
    try:
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D
    except ImportError:
        return None
    surface = find_surface(portrait.textures, portrait.radii)
    shape = Dome(surface.radius, closed)
    field = sample_field(shape, *block(shape, surface.opacity, resolution))
    image = vtkImageData()
    image.SetDimensions(*field.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field.ravel("F")), deep=True))
    times = []
    for _ in range(5):
        edges = vtkFlyingEdges3D()
        edges.SetInputData(image)
        edges.SetValue(0, 0.0)
        edges.ComputeNormalsOff()
        start = time.perf_counter()
        edges.Update()
        times.append(1000.0 * (time.perf_counter() - start))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portrait", type=Path, nargs="?", help="default: the analytic subject of the tests")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[128, 192, 256])
    parser.add_argument("--faces", type=int, default=50_000)
    parser.add_argument("--open", action="store_true", help="leave the back open")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    portrait = load_portrait(options.portrait) if options.portrait else analytic_portrait()
    results = {}
    for resolution in options.resolutions:
        stages(portrait, resolution, options.faces, not options.open)
        runs = [stages(portrait, resolution, options.faces, not options.open) for _ in range(options.repeats)]
        found = {name: round(statistics.median(run[name] for run, _ in runs), 1) for name in runs[0][0]}
        edges = flying_edges(portrait, resolution, not options.open)
        if edges is not None:
            found["flying edges"] = round(edges, 1)
        results[resolution] = found
        print(
            f"{resolution}: {runs[0][1]} faces; ms: " + ", ".join(f"{k} {v:.0f}" for k, v in found.items()), flush=True
        )
    if options.json:
        options.json.write_text(json.dumps({"faces": options.faces, "ms": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
