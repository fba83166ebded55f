"""Tables that come with the program: what was learnt beside the networks."""

import zipfile
from pathlib import Path

import numpy as np

from .errors import PortraitError

MODELS = Path(__file__).resolve().parents[1] / "models"


def own_arrays(*path: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file in the program's folder ``models``, by name. Raises PortraitError."""
    file = MODELS.joinpath(*path)
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        name = "/".join(path)
        raise PortraitError(f"the file {name} cannot be read ({reason}); install the program again") from None
