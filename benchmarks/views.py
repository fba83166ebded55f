"""One view from the manifolds beside its floor, and the plain way: every sheet looked up for every pixel.

floor: look-ups of all sheets with cv2.remap and their composite, coordinates given. view: everything, for a camera
never seen before. plain: the same look-ups through an ONNX Runtime GridSample graph where the onnx package is
installed, by numpy where not; coordinates given as well.
"""

import numpy as np

from inference.geometry.cameras import orbit_camera
from inference.view.render import finish, intersections, render_layers

from .inversion import sample_plainly
from .timing import Row, in_turn

RATIO = 3.0


def composite(planes, colour, transmittance, weight, product):
    """Front to back, planar, in place; planes: (red, green, blue, alpha) of one sheet, in levels."""
    red, green, blue, alpha = planes
    np.multiply(alpha, transmittance, out=weight)
    weight *= np.float32(1 / 255)
    transmittance -= weight
    for plane, values in zip(colour, (red, green, blue), strict=True):
        plane += np.multiply(values, weight, out=product)


class Floor:
    """What no view can do without: memory reserved once, coordinates known. size: (width, height) pixels."""

    def __init__(self, textures, size):
        width, height = size
        self.textures = textures
        across = np.linspace(0, textures.shape[2] - 1, width, dtype=np.float32)
        down = np.linspace(0, textures.shape[1] - 1, height, dtype=np.float32)
        self.maps = np.tile(across, (height, 1)), np.tile(down[:, None], (1, width))
        self.colour = np.ones((3, height, width), np.float32)
        self.planes = [np.ones((height, width), np.float32) for _ in range(3)]
        self.rgba = np.ones((height, width, 4), np.uint8)

    def __call__(self):
        import cv2

        self._clear()
        for texture in self.textures:
            cv2.remap(texture, *self.maps, cv2.INTER_LINEAR, self.rgba, cv2.BORDER_REPLICATE)
            composite(cv2.split(self.rgba), self.colour, *self.planes)

    def plain(self, threads):
        """Function that does the same with the first look-up that comes to mind."""
        try:
            session = grid_sample_session(threads)
        except ImportError:
            return self._by_numpy
        sheets, (height, width) = len(self.textures), self.textures.shape[1:3]
        scaled = [2.0 * (places + 0.5) / side - 1.0 for places, side in zip(self.maps, (width, height), strict=True)]
        feed = {
            "x": np.ascontiguousarray(self.textures.transpose(0, 3, 1, 2), np.float32),
            "grid": np.tile(np.stack(scaled, -1)[None].astype(np.float32), (sheets, 1, 1, 1)),
        }

        def by_graph():
            self._clear()
            for planes in session.run(None, feed)[0]:
                composite(planes, self.colour, *self.planes)

        return by_graph

    def _by_numpy(self):
        self._clear()
        for texture in self.textures:
            found = sample_plainly(texture, *(places + 0.5 for places in self.maps))
            composite(np.moveaxis(found, -1, 0), self.colour, *self.planes)

    def _clear(self):
        self.colour.fill(0.0)
        self.planes[0].fill(1.0)


def grid_sample_session(threads):
    """An ONNX Runtime session with one GridSample node. Raises ImportError without the onnx package."""
    import onnx
    import onnxruntime

    helper = onnx.helper
    node = helper.make_node("GridSample", ["x", "grid"], ["y"], mode="bilinear", padding_mode="border")
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 4) for name in ("x", "grid", "y")]
    graph = helper.make_graph([node], "grid", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def rows(portrait, threads, runs, sizes):
    """portrait: :class:`inference.portrait.Portrait`."""
    textures = portrait.textures
    for size in sizes:
        floor = Floor(portrait.textures, (size, size))
        yaws = iter(np.linspace(-35.0, 35.0, runs + 1))

        def view(size=size, yaws=yaws):
            camera = orbit_camera(next(yaws), 5.0, width=size, height=size)
            look = portrait.detail, portrait.rim
            finish(render_layers(textures, intersections(portrait.radii, camera), threads, False, *look))

        times = in_turn({"view": view, "floor": floor}, runs)
        found, plain = times["view"], in_turn({"plain": floor.plain(threads)}, 1, warm=0)["plain"]
        yield Row(
            "views", f"{size} x {size}", found.wall, floor=times["floor"].wall,
            floor_is="remap and composite of all sheets", plain=plain.wall, plain_is="look-ups by GridSample or numpy",
            bar=RATIO, cpu=found.cpu, floor_cpu=times["floor"].cpu, spread=found.spread,
        )  # fmt: skip
