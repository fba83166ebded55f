"""Where the data pack lies: what a command is told, or what the environment says; never a place of our own choosing."""

import os
import pathlib

from training.errors import TrainingError

VARIABLE = "PORTRAIT_MANIFOLDS_DATA"
HELP = f"folder of the data pack; ${VARIABLE} by default"
FIRST = "heads/mh_base.npz"  # without it nothing can be built


def pack_folder(given=None):
    """Folder of the data pack as a Path. given: path of a command line, or None. Raises TrainingError."""
    place = given or os.environ.get(VARIABLE)
    if not place:
        raise TrainingError(f"the data pack is needed: give its folder with --data or in the variable {VARIABLE}")
    folder = pathlib.Path(place)
    if not (folder / FIRST).is_file():
        raise TrainingError(f"{folder} is not the data pack ({FIRST} is missing): give its folder with --data or in {VARIABLE}")
    return folder
