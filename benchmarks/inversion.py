"""Photo to manifolds: the whole beside its networks run once more, and every network beside its multiplications."""

import numpy as np

from inference.inversion import decoding
from inference.networks.model import load_model
from inference.pipeline import invert_photo

from . import machine
from .timing import Row, in_turn

RATIO = 2.0  # the whole by its networks


class Recorder:
    """A session that keeps what it was given."""

    def __init__(self, name, session, kept):
        self.name, self.session, self.kept = name, session, kept

    def run(self, outputs, inputs):
        self.kept.append((self.name, self.session, inputs))
        return self.session.run(outputs, inputs)

    def __getattr__(self, name):
        return getattr(self.session, name)


def networks_of(photo, model):
    """[(name, session, inputs)] of all calls of networks that one inversion makes."""
    kept, session, companion = [], model.session, model.companion
    model.session = lambda name: Recorder(name, session(name), kept)
    model.companion = lambda name, **options: Recorder(name, companion(name, **options), kept)
    try:
        invert_photo(photo, model)
    finally:
        model.session, model.companion = session, companion
    return kept


def sample_plainly(image, x, y):
    """Twin of :func:`inference.geometry.sampling.sample_image` in numpy alone."""
    height, width = image.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    column, row = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
    right, down = (x - column)[..., None], (y - row)[..., None]
    image = image.reshape(height, width, -1)
    top = image[row, column] * (1 - right) + image[row, column + 1] * right
    bottom = image[row + 1, column] * (1 - right) + image[row + 1, column + 1] * right
    return (top * (1 - down) + bottom * down).astype(image.dtype)


def rows(photo, threads, runs):
    """photo: path, or (H, W, 3) uint8."""
    model = load_model(device="cpu", threads=threads)
    calls = networks_of(photo, model)

    def again(name=None):
        for called, session, inputs in calls:
            if name in (None, called):
                session.run(None, inputs)

    def plainly():
        quick, decoding.sample_image = decoding.sample_image, sample_plainly
        try:
            invert_photo(photo, model)
        finally:
            decoding.sample_image = quick

    names = list(dict.fromkeys(name for name, *_ in calls))
    stages, inversion = [], {}

    def whole():
        inversion["report"] = invert_photo(photo, model).report
        stages.append(inversion["report"]["timings_ms"])

    ways = {"whole": whole, "networks": again, "plain": plainly}
    times = in_turn(ways | {name: lambda name=name: again(name) for name in names}, runs)
    found = times["whole"]
    yield Row(
        "inversion", "photo to portrait", found.wall, floor=times["networks"].wall, floor_is="its networks, run again",
        plain=times["plain"].wall, plain_is="look-ups of the textures by numpy", bar=RATIO, cpu=found.cpu,
        floor_cpu=times["networks"].cpu, spread=found.spread,
    )  # fmt: skip
    for stage in stages[0]:
        if stage != "total":
            yield Row("inversion", f"of it: {stage}", float(np.median([one[stage] for one in stages])))
    gemm, macs = machine.measured()["gemm"], model.card["gmac"]
    for name in names:
        floor = 1e9 * macs[name] / gemm if name in macs else None
        yield Row(
            "networks", name, times[name].wall, floor=floor, floor_is="multiply-adds at the machine's best",
            cpu=times[name].cpu, spread=times[name].spread,
        )  # fmt: skip
