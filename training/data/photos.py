"""Folders of photos, as the commands are given them."""

from training.errors import TrainingError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def photos_in(folder):
    """Paths of a folder's photos, sorted. Raises TrainingError when there are none."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise TrainingError(f"cannot read {folder} ({error.strerror}); give a folder of photos") from None
    if not found:
        raise TrainingError(f"no photos ({', '.join(SUFFIXES)}) in {folder}; give a folder of photos")
    return found
