"""Exported models, as they are measured."""

from inference.errors import PortraitError
from inference.networks.model import load_model
from training.errors import TrainingError


def open_model(folder=None, threads=0):
    """An exported model, the embedded one by default. Raises TrainingError."""
    try:
        return load_model(folder, threads=threads)
    except PortraitError as error:
        raise TrainingError(str(error)) from None
