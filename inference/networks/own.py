"""Small networks that come with the program and belong to no model of a portrait."""

import functools

import numpy as np

from ..errors import PortraitError
from ..limits import out_of_memory
from ..own_arrays import MODELS


def run_own(inputs: dict[str, np.ndarray], *path: str) -> list[np.ndarray]:
    """The outputs of a network in the program's folder ``models``, on the processor. Raises PortraitError when it
    cannot be read, MemoryError when memory is what it lacks."""
    try:
        return _session(path).run(None, inputs)
    except Exception as error:
        if out_of_memory(error):
            raise MemoryError("/".join(path)) from None
        name, reason = "/".join(path), getattr(error, "strerror", None) or type(error).__name__
        raise PortraitError(f"the file {name} cannot be read ({reason}); install the program again") from None


@functools.cache
def _session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(MODELS.joinpath(*path).read_bytes(), options, ["CPUExecutionProvider"])
