"""Running a model's networks: what they give is finite, or the model is refused."""

import numpy as np

from ..errors import ModelUnusable, PortraitError
from ..files import one_line
from ..limits import out_of_memory
from .model import Model


def run_network(model: Model, name: str, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of one of the model's own networks. Raises ModelUnusable when they are not finite numbers, or when
    the network does not run, MemoryError when memory is what it lacks; what stops a run on purpose passes through."""
    session = model.session(name)
    try:
        outputs = session.run(None, inputs)
    except PortraitError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime") or model.device != "cpu":
            raise  # on another device the processor is asked next
        reason = one_line(str(error).strip(), 160) or type(error).__name__
        if out_of_memory(error):
            raise MemoryError(f"{name}: {reason}") from None
        raise ModelUnusable(f"the network {name} of the model {model.id} fails ({reason}); use another model") from None
    if not all(np.isfinite(output).all() for output in outputs):
        raise ModelUnusable(
            f"the network {name} of the model {model.id} gives numbers that are not finite; use another model"
        )
    return outputs
