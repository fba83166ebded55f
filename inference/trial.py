"""A stranger's model is tried out in a process apart, with limits, before its networks run anywhere else."""

import os

import numpy as np

from .apart import Apart, Died, TookTooLong, serve
from .errors import ModelUnusable, PortraitError
from .files import one_line
from .limits import out_of_memory
from .networks.model import Model
from .progress import Progress, silent

MEMORY = 2048  # MB of its own
SECONDS = 120.0
SIDE = 256  # pixels of the grey picture


def try_out(model: Model, progress: Progress = silent, memory: int = MEMORY, seconds: float = SECONDS) -> None:
    """Open every network of a model as inversion does, and invert a grey picture with it, on the CPU.

    memory: MB that it may take, on Linux. progress: called with (fraction, text); what it raises ends the process.
    Raises ModelUnusable.
    """
    apart = Apart("trial", {"memory": memory})
    try:
        refused = apart.ask({"folder": os.path.abspath(model.folder)}, progress, seconds)
    except TookTooLong:
        raise ModelUnusable(
            f"the model {model.id} was tried out for {seconds} seconds without an end; use another one"
        ) from None
    except Died:
        raise ModelUnusable(
            f"the process that tried out the model {model.id} died, perhaps for lack of memory; use another one"
        ) from None
    finally:
        apart.close()
    if refused:
        raise ModelUnusable(refused)


class Trial:
    """The process's side. settings: none of its own."""

    def __init__(self, settings: dict) -> None:
        pass

    def run(self, job: dict, progress: Progress) -> str:
        """job: folder of the model. Returns "" or one line saying why it cannot be used."""
        from .networks.model import load_model

        try:
            _use(load_model(job["folder"], "cpu"), progress)
        except PortraitError as error:
            return str(error)
        return ""


def _use(model, progress):
    """Whatever inversion does with a model. Raises PortraitError."""
    from .alignment.align import align_manually, find_faces
    from .inversion.invert import invert_crop
    from .networks.contract import NETWORKS, OPTIONAL

    files = {file.removesuffix(".onnx") for file in model.card["files"] if file.endswith(".onnx")}
    grey, middle = np.full((SIDE, SIDE, 3), 128, np.uint8), (SIDE / 2, SIDE / 2)
    try:
        for name in sorted(files.union(NETWORKS).difference(set(OPTIONAL) - files)):
            progress(0.0, "checking the networks")
            model.session(name)
        progress(0.4, "trying the model out")
        find_faces(grey, model)
        alignment = align_manually(grey, middle, SIDE, 0.0, model)
        invert_crop(alignment, model, lambda share, text: progress(0.4 + 0.6 * share, "trying the model out"))
    except PortraitError:
        raise
    except Exception as error:  # whatever wrong shapes and missing arrays lead to
        if out_of_memory(error):
            raise ModelUnusable(
                f"the model {model.id} needs more memory than a model may have; use another one"
            ) from None
        kind, reason = type(error).__name__, one_line(str(error), 160)
        raise ModelUnusable(
            f"the model {model.id} does not fit this version ({kind}: {reason}); use another one"
        ) from None


if __name__ == "__main__":
    serve(Trial)
