"""The photos of a folder, and what is known of each."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import PortraitError
from ..files import PathLike
from ..photo.open import SUFFIXES
from ..report import warnings_in
from .journal import Journal

STATES = ("waiting", "working", "done", "skipped", "failed")
ENDED = ("done", "skipped", "failed")


@dataclasses.dataclass
class Item:
    """One photo of a batch.

    status: one of STATES, "skipped" if it was complete; error: one line or ""; warnings: [{"code", "text"}] of its
    report.
    """

    name: str
    folder: str
    status: str = "waiting"
    error: str = ""
    seconds: float = 0.0
    warnings: list = dataclasses.field(default_factory=list)


def find_photos(folder: PathLike) -> list[Path]:
    """Photos of a folder, sorted by name. Raises PortraitError when there are none."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise PortraitError(f"cannot read the folder {folder} ({error.strerror}); check the path") from None
    photos = [Path(folder) / name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    photos = [photo for photo in photos if photo.is_file()]
    if not photos:
        raise PortraitError(f"there are no photos in {folder}; it needs {', '.join(SUFFIXES)} files")
    return photos


def folder_names(photos: Sequence[Path]) -> list[str]:
    """One folder name per photo: its stem, or stem and suffix where several photos share the stem."""
    stems = [photo.stem.casefold() for photo in photos]
    count = {}
    for stem in stems:
        count[stem] = count.get(stem, 0) + 1
    return [
        photo.stem if count[stem] == 1 else photo.name.replace(".", "_")
        for photo, stem in zip(photos, stems, strict=True)
    ]


def list_photos(folder: PathLike, out: PathLike) -> list[Item]:
    """The photos of a folder as :class:`Item`, with what the journal in `out` says of them. Raises PortraitError."""
    known = {item.name: item for item in map(item_of, Journal(Path(out)).news()) if item is not None}
    items = []
    for photo, name in zip(photos := find_photos(folder), folder_names(photos), strict=True):
        item = known.get(photo.name)
        items.append(item if item is not None and item.folder == name else Item(photo.name, name))
    return items


def item_of(entry: dict) -> Item | None:
    """The Item of a journal's entry; None where it is none."""
    try:
        item = Item(**{field.name: entry[field.name] for field in dataclasses.fields(Item)})
    except KeyError:
        return None
    item.warnings = warnings_in({"warnings": item.warnings})
    texts = isinstance(item.name, str) and isinstance(item.folder, str) and isinstance(item.error, str)
    return item if texts and item.status in ENDED and is_number(item.seconds) else None


def is_number(value: object) -> bool:
    """Whether a value of a file is a number that can be shown."""
    return isinstance(value, (int, float)) and abs(value) < 1e9  # NaN is not
