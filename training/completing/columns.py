"""What completion sees of synthetic heads, as the engine with a model's other networks finds it, and what is true of them."""

import functools
import pathlib
import shutil
import types

import numpy as np
import torch
from tqdm import tqdm

from inference.inversion.columns import GRID
from inference.inversion.completion import COMPLETION, PLANES
from inference.inversion.invert import invert_crop
from inference.inversion.segmentation import subject_matte
from inference.networks.run import run_network
from training.completing.displaced import displaced
from training.data.examples import SyntheticHeads
from training.data.shards import Shard
from training.errors import TrainingError
from training.evaluation.heads import crop_camera, found_landmarks
from training.evaluation.metrics import iou

KINDS = "found", "displaced"  # of examples, one after the other of every head
TRUTH = 5  # planes of it: radius in metres, colour, occupied or not
GIVEN = 0.5  # share of the heads whose matte is the true one
RIGHT = 0.93  # intersection over union from which on the engine's own matte is right, not another subject


class Seen(Exception):
    """Ends an inversion; holds the planes."""


class Watched:
    """A model whose inversion ends with :class:`Seen` where it asks its completion network, which it need not have.

    changed: what the inversion takes for the surface that the networks found, a function of outputs of DetailManifolds.
    """

    def __init__(self, model, changed=lambda outputs: outputs):
        self.model, self.changed = model, changed

    def __getattr__(self, name):
        return getattr(self.model, name)

    def has(self, name):
        return name == COMPLETION or self.model.has(name)

    def session(self, name):
        if name == COMPLETION:
            return types.SimpleNamespace(run=_end)
        session = self.model.session(name)
        if name == "detail_manifolds":
            return types.SimpleNamespace(run=lambda names, inputs: self.changed(session.run(names, inputs)))
        return session


def _end(_names, inputs):
    raise Seen(inputs["columns"][0])


def planes_of(alignment, model, matte, rng=None):
    """Planes (PLANES, GRID, GRID) float32 of an alignment and its matte (256, 256) by a model; with a surface that is
    :func:`.displaced.displaced` where there is a generator of random numbers."""
    changed = {} if rng is None else {"changed": lambda outputs: displaced(outputs, model.geometry["radii"], rng)}
    try:
        invert_crop(alignment, Watched(model, **changed), matte=matte)
    except Seen as seen:
        return seen.args[0]
    raise AssertionError("inversion never asked for a completion")


class _Heads(SyntheticHeads):
    """Of one shard alone."""

    opened = staticmethod(lambda folders: [Shard(folder) for folder in folders])


class Photographed:
    """The heads of a shard as users' photos, each with its own faults and backdrop, for a model's engine."""

    def __init__(self, shard, model, seed=0):
        self.model, self.seed = model, seed
        self.examples = _Heads([shard], model.geometry, seed=seed)
        self.heads = len(self.examples) // 2  # it has each twice, the second time mirrored

    def photo(self, head):
        """A head's alignment, its matte (256, 256) float32, the example that both are of, and a generator of random numbers."""
        example = self.examples[2 * head]
        camera, alpha = crop_camera(example["camera"].numpy()), example["alpha"].numpy()[0]
        crop = np.rint(255.0 * example["photo"].numpy().transpose(1, 2, 0)).astype(np.uint8)
        landmarks = found_landmarks(example["landmarks"].numpy(), camera, self.model)
        alignment = types.SimpleNamespace(crop=crop, camera=camera, landmarks=landmarks, beyond=None, detail=None)
        rng = np.random.default_rng([self.seed, head])
        return alignment, alpha if rng.random() < GIVEN else self._matte(alignment, alpha), example, rng

    def _matte(self, alignment, alpha):
        """The engine's matte, or the true one where the engine takes something else for the subject."""
        photo = np.float32(alignment.crop.transpose(2, 0, 1)[None]) / 255.0
        maps = run_network(self.model, "detail_encoder", {"photo": photo})[1]
        matte = subject_matte(maps[0, 0], alignment.crop, alignment.landmarks, self.model)
        return matte if iou(matte > 0.5, alpha > 0.5) > RIGHT else alpha


class Engine(Photographed):
    """What a model's completion sees of the heads of a shard, and each head in each of KINDS: as the networks find it, and
    with a surface that is :func:`.displaced.displaced`."""

    counts = PLANES, TRUTH

    def __len__(self):
        return len(KINDS) * self.heads

    def __getitem__(self, index):
        """Planes (PLANES, GRID, GRID) float32 and truth (TRUTH, GRID, GRID) float32."""
        head, kind = divmod(index, len(KINDS))
        alignment, matte, example, rng = self.photo(head)
        planes = planes_of(alignment, self.model, matte, rng if KINDS[kind] == "displaced" else None)
        radius, covered = self.examples.truth(head)
        truth = np.concatenate([radius[None], example["dome"].numpy(), covered[None]])
        return planes, truth.astype(np.float32)


def write_columns(engine, out, report=lambda items: items):
    """Write planes.npy and truth.npy, float16, of what an :class:`Engine` sees into a new folder ``out``."""
    out.mkdir(parents=True)
    arrays = [np.lib.format.open_memmap(out / f"{name}.npy", "w+", np.float16, (len(engine), count, GRID, GRID))
              for name, count in zip(("planes", "truth"), engine.counts)]  # fmt: skip
    for index in report(range(len(engine))):
        for array, values in zip(arrays, engine[index]):
            array[index] = values


def write_all(heads, engine, out):
    """:func:`write_columns` of every shard of a folder that has none yet, by ``engine(shard)``, into a folder of its own in
    ``out``, which gets its name once it is whole."""
    for shard in sorted(path for path in heads.glob("shard_*") if path.is_dir()):
        folder = out / f"{heads.name}_{shard.name}"
        if folder.exists():
            continue
        partial = out / f".{folder.name}"
        shutil.rmtree(partial, ignore_errors=True)
        write_columns(engine(shard), partial, functools.partial(tqdm, desc=folder.name))
        partial.rename(folder)


def column_folders(out):
    """The whole folders of :func:`write_all`. Raises TrainingError when there are none."""
    folders = sorted(path for path in out.glob("*") if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise TrainingError(f"no columns in {out}: name folders of shards with --write")
    return folders


class HeadColumns(torch.utils.data.Dataset):
    """Planes and truth of folders of :func:`write_columns`; of twice as many heads with their mirror images."""

    def __init__(self, folders, mirrored=True, counts=Engine.counts):
        """counts: of planes, and of planes of truth."""
        self.arrays, self.mirrored = [_opened(pathlib.Path(folder), counts) for folder in folders], mirrored
        self.places = [(arrays, row) for arrays in self.arrays for row in range(len(arrays[0]))]

    def __len__(self):
        return len(self.places) * (2 if self.mirrored else 1)

    def __getitem__(self, index):
        (planes, truth), row = self.places[index // 2 if self.mirrored else index]
        found = [torch.from_numpy(np.array(array[row], np.float32)) for array in (planes, truth)]
        return [array.flip(2) for array in found] if self.mirrored and index % 2 else found


def _opened(folder, counts):
    try:
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("planes", "truth")]
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError(f"the columns in {folder} cannot be read ({error}): remove the folder and make them again") from None
    if [array.shape[1:] for array in arrays] != [(count, GRID, GRID) for count in counts] or len(arrays[0]) != len(arrays[1]):
        raise TrainingError(f"the columns in {folder} are of another version: remove the folder and make them again")
    return arrays
