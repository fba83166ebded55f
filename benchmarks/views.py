"""One view from the manifolds against its floor and against a direct GridSample graph.

    python benchmarks/views.py [PORTRAIT.manifolds] [--sizes 256 512 1024] [--threads 2] [--json FILE]

floor: 24 look-ups with cv2.remap and the composite, coordinates given. view: everything, for a camera never seen
before. again: the same camera once more, what it sees of the sheets' space known. grid: the look-ups through an
ONNX Runtime GridSample graph, then the same composite. All in this process, interleaved, medians.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from inference.geometry.cameras import orbit_camera  # noqa: E402
from inference.portrait import load_portrait  # noqa: E402
from inference.view.render import finish, intersections, render_layers  # noqa: E402
from tests.portraits import analytic_portrait  # noqa: E402


def composite(planes, colour, transmittance, weight, product):
    """Front to back, planar, in place; planes: (red, green, blue, alpha) uint8 of one sheet."""
    red, green, blue, alpha = planes
    np.multiply(alpha, transmittance, out=weight)
    weight *= np.float32(1 / 255)
    transmittance -= weight
    for plane, values in zip(colour, (red, green, blue)):
        plane += np.multiply(values, weight, out=product)


def floor(textures, maps, memory):
    colour, transmittance, weight, product, rgba = memory
    colour.fill(0.0)
    transmittance.fill(1.0)
    for texture in textures:
        cv2.remap(texture, *maps, cv2.INTER_LINEAR, rgba, cv2.BORDER_REPLICATE)
        composite(cv2.split(rgba), colour, transmittance, weight, product)


def grid_sample_session(threads):
    """An ONNX Runtime session with one GridSample node."""
    import onnx
    import onnxruntime

    helper = onnx.helper
    node = helper.make_node("GridSample", ["x", "grid"], ["y"], mode="bilinear", padding_mode="border")
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [24, None, None, None])
        for name in ("x", "grid", "y")
    ]
    graph = helper.make_graph([node], "grid", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def measure(portrait, size, threads, repeats):
    """Medians in ms of all ways at one size."""
    cv2.setNumThreads(threads)
    textures = portrait.textures
    ramp = np.linspace(0, textures.shape[2] - 1, size, dtype=np.float32)
    maps = np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size))
    memory = [np.empty((3, size, size), np.float32)]
    memory += [np.empty((size, size), np.float32) for _ in range(3)] + [np.empty((size, size, 4), np.uint8)]
    yaws = iter(np.linspace(-35, 35, 4 * repeats + 8))
    kept = intersections(portrait.radii, orbit_camera(20.0, width=size, height=size))

    def view():
        camera = orbit_camera(next(yaws), 5.0, width=size, height=size)
        finish(render_layers(textures, intersections(portrait.radii, camera), threads, detail=portrait.detail))

    ways = {
        "floor": lambda: floor(textures, maps, memory),
        "view": view,
        "again": lambda: finish(render_layers(textures, kept, threads, detail=portrait.detail)),
    }
    try:
        session = grid_sample_session(threads)
    except ImportError:
        print("onnx is not installed: the GridSample graph is left out", file=sys.stderr)
    else:
        feed = {
            "x": np.ascontiguousarray(textures.transpose(0, 3, 1, 2), np.float32),
            "grid": np.tile(np.stack(maps, -1)[None] / (textures.shape[2] - 1) * 2 - 1, (24, 1, 1, 1)),
        }

        def grid():
            sampled = session.run(None, feed)[0]
            memory[0].fill(0.0)
            memory[1].fill(1.0)
            for planes in sampled:
                composite(planes, *memory[:4])

        ways["grid"] = grid
    times = {name: [] for name in ways}
    for name in ways:
        ways[name]()
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(1000.0 * (time.perf_counter() - start))
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portrait", type=Path, nargs="?", help="default: the analytic subject of the tests")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    portrait = load_portrait(options.portrait) if options.portrait else analytic_portrait()
    print(f"{'size':>5} {'floor':>8} {'view':>8} {'again':>8} {'grid':>8}   view/floor  again/floor  grid/view")
    results = {}
    for size in options.sizes:
        found = measure(portrait, size, options.threads, options.repeats)
        ratios = [found["view"] / found["floor"], found["again"] / found["floor"]]
        ratios.append(found.get("grid", float("nan")) / found["view"])
        results[size] = found
        numbers = " ".join(f"{found.get(name, float('nan')):8.1f}" for name in ("floor", "view", "again", "grid"))
        print(f"{size:5d} {numbers}   {ratios[0]:10.2f}  {ratios[1]:11.2f}  {ratios[2]:9.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": options.threads, "ms": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
