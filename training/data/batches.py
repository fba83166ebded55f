"""The order of training examples: a function of seed and step alone, so that a run can be resumed exactly.

A step is made of chunks of a fixed number of synthetic heads and real portraits. Which examples a chunk holds, and the
random numbers of their augmentation, follow from the seed and the chunk's number; neither the number of processes and
workers nor an interruption changes them. Folders may grow while a run goes on: an :class:`Opening` says which shards
are in use and since which step.
"""

import dataclasses
import itertools
import pathlib
import signal
import sys

import numpy as np
import torch

from training.data.backdrops import NOWHERE, read_places
from training.data.examples import RealPortraits, SyntheticHeads
from training.data.resident import ResidentExamples
from training.data.shards import open_shards
from training.errors import TrainingError


@dataclasses.dataclass(frozen=True)
class Opening:
    """The shards in use since a step: ``(number of the folder, name of the shard)`` of each."""

    step: int
    shards: tuple

    def heads(self, folders, geometry, **how):
        """SyntheticHeads of exactly these shards. Raises TrainingError when one of them is gone."""
        heads = SyntheticHeads(folders, geometry, **how)
        there = dict(zip(shard_names(folders, heads.shards), heads.shards))
        gone = [name for name in self.shards if name not in there]
        if gone:
            folder, name = gone[0]
            where = folders[folder] if folder < len(folders) else "a folder that --heads does not name"
            raise TrainingError(f"{name} is missing in {where}, and {len(gone) - 1} more: restore them, or add "
                                "--fresh-data to go on with the shards that are there")  # fmt: skip
        heads.shards = [there[name] for name in self.shards]
        heads.starts = np.cumsum([0] + [len(shard) for shard in heads.shards])
        return heads


def shard_names(folders, shards):
    """``(number of the folder, name)`` of open shards."""
    numbers = {pathlib.Path(folder): number for number, folder in reversed(list(enumerate(folders)))}
    return tuple((numbers[shard.folder.parent], shard.folder.name) for shard in shards)


def look(folders, step):
    """An Opening of all finished shards that the folders hold now."""
    return Opening(step, shard_names(folders, open_shards(folders)))


class Shuffle:
    """Endless shuffled indices below count: ``self[position]``, every index once per epoch."""

    def __init__(self, count, seed):
        self.count, self.seed, self.epoch = count, seed, None

    def __getitem__(self, position):
        epoch, place = divmod(position, self.count)
        if epoch != self.epoch:
            self.epoch, self.order = epoch, np.random.default_rng([*self.seed, epoch]).permutation(self.count)
        return int(self.order[place])


class Mixed(torch.utils.data.Dataset):
    """Heads, real portraits and fresh heads behind one index ``(which of them, index, draw)``; the draw seeds the augmentation."""

    def __init__(self, heads, real, fresh=None):
        self.heads, self.real, self.fresh = heads, real, fresh

    def __getitem__(self, key):
        source, index, draw = key
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(draw)
            return getattr(self, source)[index]


class Chunks:
    """Endless lists of keys for :class:`Mixed`, from a step on: those of one process, in the order of the steps."""

    def __init__(self, preset, opening, dataset, seed, first, share, fresh=None):
        self.preset, self.opening, self.first, self.share = preset, opening, first, share
        self.real = round(preset.chunk * preset.real_share) if dataset.real else 0
        self.synthetic, self.fresh = preset.chunk - self.real, fresh
        self.rendered = 0 if fresh is None else fresh.count or self.synthetic
        self.heads = self.synthetic - self.rendered
        self.head_order = Shuffle(len(dataset.heads), [seed, 1, opening.step])
        self.real_order = Shuffle(len(dataset.real), [seed, 2]) if dataset.real else None

    def __iter__(self):
        per_step = self.preset.batch // self.preset.chunk
        for step in itertools.count(self.first):
            for number in self.share(range(per_step)):
                chunk = step * per_step + number
                since = chunk - self.opening.step * per_step
                draw = chunk * self.preset.chunk
                keys = [("heads", self.head_order[since * self.heads + i]) for i in range(self.heads)]
                if self.fresh:
                    keys += [("fresh", index) for index in self.fresh.keys(chunk * self.rendered, self.rendered)]
                keys += [("real", self.real_order[chunk * self.real + i]) for i in range(self.real)]
                yield [(*key, draw + i) for i, key in enumerate(keys)]


class Batches:
    """Endless chunks of one process from a step on. ``open`` again when the views start or new shards came.

    fresh: :class:`~training.data.fresh_heads.FreshHeads` that take the place of some or all heads of the shards.
    resident: torch.device in whose memory all examples lie and are made, see :mod:`training.data.resident`; None has
    workers make them. places: folder of pictures of real places for the backdrops of resident examples, or None.
    """

    def __init__(self, preset, folders, real, geometry, seed, workers, share, fresh=None, resident=None, places=None):
        self.preset, self.folders, self.geometry, self.seed = preset, folders, geometry, seed
        self.workers, self.share, self.opening, self.iterator, self.fresh = workers, share, None, None, fresh
        self.real = open_portraits(real, seed) if real else None
        self.resident = None
        if resident is not None:
            self.resident = ResidentExamples(geometry, resident, seed, self.real, read_places(places) if places else NOWHERE)
        self.backdrops = self.real.backdrops() if real and not self.resident else ()

    def open(self, opening, step, view):
        """Read on from a step with the shards of an opening; view adds another view of every head."""
        self.close()
        how = {"seed": self.seed, "backgrounds": self.backdrops, "dye": not view}
        how["view"] = view or bool(self.real)  # real portraits bring empty ones
        heads = opening.heads(self.folders, self.geometry, **how)
        dataset = Mixed(heads, self.real, self.fresh.heads(self.geometry, **how) if self.fresh else None)
        chunks = Chunks(self.preset, opening, dataset, self.seed, step, self.share, self.fresh)
        if chunks.synthetic < 1:
            raise TrainingError(f"real_share={self.preset.real_share} leaves no synthetic head in a chunk of {self.preset.chunk}")
        if chunks.heads < 0:
            raise TrainingError(f"a chunk of {self.preset.chunk} has {chunks.synthetic} synthetic heads, fewer than --fresh-heads")
        if self.resident:
            self.resident.load(heads, view)
            self.opening, self.iterator = opening, map(self.resident.chunk, iter(chunks))
            return
        start = self.fresh.start_method() if self.fresh and self.workers else None
        loader = torch.utils.data.DataLoader(dataset, batch_sampler=chunks, num_workers=self.workers,
                                             pin_memory=torch.cuda.is_available(),
                                             worker_init_fn=leave_signals, multiprocessing_context=start)  # fmt: skip
        self.opening, self.iterator = opening, iter(loader)

    def close(self):
        """Let the workers go."""
        self.iterator = None

    def __next__(self):
        try:
            return next(self.iterator)
        except (OSError, KeyError, ValueError, RuntimeError) as error:  # workers wrap what they raise
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise TrainingError(f"training data cannot be read: {lines[-1]}") from error


def leave_signals(worker):
    """Ctrl-C, torchrun and schedulers signal a whole process group: what that means is the training process's to decide."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def open_portraits(path, seed, augment=True):
    """RealPortraits of a file. Raises TrainingError when it cannot be read."""
    try:
        return RealPortraits(path, seed, augment)
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise TrainingError(f"{path} cannot be read ({str(error).splitlines()[0]}): make it with training.align_photos") from None


def newer(folders, opening, step):
    """An Opening with the shards that came since, or the same one. A broken newcomer is named and left out."""
    try:
        found = look(folders, step)
    except TrainingError as error:
        print(f"new shards are left out for now: {error}", file=sys.stderr)
        return opening
    return found if len(found.shards) > len(opening.shards) else opening
