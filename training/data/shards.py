"""Reader of the synthetic shards that :mod:`training.synthetic.generate` writes."""

import functools
import json
import pathlib

import numpy as np

from inference.geometry.reach import REACH
from training.errors import TrainingError
from training.synthetic.beside import DOMES_FILE, PARAMETERS_FILE

NEEDED = ("photo", "camera", "landmarks", "dome_rgba", "dome_radius", "dome_label", "dome_seen", "photo_label", "skin_radius", "views", "view_cameras")


class Shard:
    """One folder of memory-mapped arrays, each with the heads along its first axis.

    Raises TrainingError when an array is missing, cut short or of another length than the rest.
    """

    def __init__(self, folder):
        self.folder, self.arrays = pathlib.Path(folder), {}
        for path in sorted(self.folder.glob("*.npy")):
            try:
                self.arrays[path.stem] = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise TrainingError(f"{path} is broken ({error}): remove its folder and generate the shard again") from None
        missing = [name for name in NEEDED if name not in self.arrays]
        if missing or len({len(array) for array in self.arrays.values()}) != 1:
            what = f"lacks {', '.join(missing)}.npy" if missing else "holds arrays of different lengths"
            raise TrainingError(f"{self.folder} {what}: remove it and generate the shard again")
        self._check_domes(self.folder.parent)

    def _check_domes(self, beside):
        if (beside / PARAMETERS_FILE).exists():
            said = json.loads((beside / DOMES_FILE).read_text()) if (beside / DOMES_FILE).exists() else None
            if said != list(REACH):
                raise TrainingError(f"the shards in {beside} are over domes of another reach: generate them again")

    def __getitem__(self, name):
        return self.arrays[name]

    def __len__(self):
        return len(self.arrays["photo"])

    def __reduce__(self):
        return Shard, (self.folder,)  # memory maps would travel to other processes as whole arrays

    def mean_landmarks(self):
        """(468, 3) metres, portrait space: landmarks of the mean head."""
        return np.load(self.folder.parent / "mean_landmarks.npy", allow_pickle=False)


@functools.cache
def _opened(folder, changed):
    """The Shard of a folder last changed at a time: runs that look for new shards open the old ones once."""
    return Shard(folder)


def open_shards(folders):
    """All finished shards of several folders. Raises TrainingError when there are none."""
    found = [p for folder in folders for p in sorted(pathlib.Path(folder).glob("shard_*")) if p.is_dir()]
    shards = [_opened(p, p.stat().st_mtime_ns) for p in found]
    if not shards:
        names = ", ".join(map(str, folders))
        raise TrainingError(f"no shards in {names}: run python -m training.synthetic.generate first")
    return shards
