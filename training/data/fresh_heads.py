"""Heads that are rendered while training runs: every one a new person, and a function of seed and number alone."""

import dataclasses
import functools

import numpy as np

from training.data.examples import SyntheticHeads
from training.errors import TrainingError
from training.pack.folder import pack_folder
from training.synthetic.generate import ARRAYS, Studio, renderer_class

NO_SHARD = 2**31  # stands for a shard's number in the seed, so that no shard of the same seed holds these people
ENDLESS = 2**40  # heads


@dataclasses.dataclass(frozen=True)
class FreshHeads:
    """What makes the heads. count: of every chunk's synthetic heads, None for all. device: of torch, renders them.
    data: the data pack's folder, as of :func:`training.pack.folder.pack_folder`."""

    count: int | None = None
    device: str = "cpu"
    data: object = None

    def keys(self, first, count):
        """Indices of the heads number ``first`` and following: each of them once, every other one as its mirror image."""
        return [2 * number + number % 2 for number in range(first, first + count)]

    def start_method(self):
        """How processes that render must start: CUDA does not survive a fork."""
        return "spawn" if self.device.startswith("cuda") else None

    def heads(self, geometry, seed, **how):
        """A dataset as SyntheticHeads: index 2 n is head n, 2 n + 1 its mirror image."""
        return RenderedHeads([RenderedShard(seed, self.device, self.data)], geometry, seed=seed, **how)


def fresh_heads(count, device, data):
    """FreshHeads of a command line: count, 0 for all; torch.device; folder or None. Raises TrainingError when it cannot be."""
    if count < 0:
        raise TrainingError(f"--fresh-heads {count}: give a number of heads, or nothing for all of a chunk")
    return FreshHeads(count or None, str(device), pack_folder(data))


@functools.cache
def studio(data, device):
    """This process's Studio that renders on a device."""
    return Studio(data, renderer_class("torch", device))


class RenderedShard:
    """Looks like a Shard with endlessly many heads: ``shard[name][row]`` renders head ``row``, and keeps the last one."""

    def __init__(self, seed, device, data):
        self.seed, self.device, self.data, self.last = seed, device, data, (None, None)

    def __getitem__(self, name):
        return _Column(self, name)

    def __len__(self):
        return ENDLESS

    def head(self, row):
        """Arrays of a head by name, in the types that shards have."""
        if self.last[0] != row:
            made = studio(self.data, self.device).make((self.seed, NO_SHARD, row))
            self.last = row, {name: np.asarray(made[name], dtype) for name, (_, dtype) in ARRAYS.items()}
        return self.last[1]


class _Column:
    """One array of a RenderedShard: its first index is the head."""

    def __init__(self, shard, name):
        self.shard, self.name = shard, name

    def __getitem__(self, key):
        row, *rest = key if isinstance(key, tuple) else (key,)
        return self.shard.head(int(row))[self.name][tuple(rest)]


class RenderedHeads(SyntheticHeads):
    """SyntheticHeads of RenderedShards in place of folders."""

    opened = staticmethod(list)
