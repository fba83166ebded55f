"""Reader of the synthetic shards that :mod:`training.synthetic.generate` writes."""

import pathlib

import numpy as np


class Shard:
    """One folder of memory-mapped arrays, each with the heads along its first axis."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.arrays = {p.stem: np.load(p, mmap_mode="r", allow_pickle=False) for p in self.folder.glob("*.npy")}

    def __getitem__(self, name):
        return self.arrays[name]

    def __len__(self):
        return len(self.arrays["photo"])

    def mean_landmarks(self):
        """(468, 3) metres, portrait space: landmarks of the mean head."""
        return np.load(self.folder.parent / "mean_landmarks.npy", allow_pickle=False)


def open_shards(folders):
    """All finished shards of several folders. Raises FileNotFoundError when there are none."""
    shards = [Shard(p) for folder in folders for p in sorted(pathlib.Path(folder).glob("shard_*")) if p.is_dir()]
    if not shards:
        names = ", ".join(map(str, folders))
        raise FileNotFoundError(f"no shards in {names}: run python -m training.synthetic.generate first")
    return shards
