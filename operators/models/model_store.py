"""Models the user installed: copied into one folder, each through the engine's door. Touches no bpy."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from ...inference.archives import open_archive
from ...inference.errors import ModelUnusable, PortraitError
from ...inference.files import make_folder, open_regular, unwritable
from ...inference.networks.model import DEFAULT_FOLDER, MAX_CARD_BYTES, MAX_FILE_BYTES, table_hash
from ...inference.temporary import temporary_path
from ..language import strings
from .models import load, try_out

CARD = "card.json"


class Facts(NamedTuple):
    """What a model's card says. files: their names; error: why it cannot be read, or ""."""

    id: str
    name: str
    license: str
    sha256: str
    bytes: int
    files: tuple
    error: str = ""


_facts = {}  # {(card, mtime_ns): Facts}


def facts(folder):
    """:class:`Facts` of a model folder, without loading it; kept while the card does not change."""
    card = Path(folder) / CARD
    try:
        key = (str(card), card.stat().st_mtime_ns)
    except OSError:
        return Facts("", "", "", "", 0, (), strings.MODEL_NONE.format(folder=folder))
    if key not in _facts:
        _facts[key] = _read_facts(card)
    return _facts[key]


def _read_facts(card):
    try:
        found = _read_card(card.read_bytes())
        size = sum(int(entry["bytes"]) for entry in found["files"].values())
        words = [str(found.get(name) or "") for name in ("id", "name", "license")]
        return Facts(words[0], words[1] or words[0], words[2], table_hash(found["files"]), size, tuple(found["files"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Facts("", "", "", "", 0, (), strings.MODEL_NO_CARD.format(card=card, reason=type(error).__name__))


def installed(store):
    """Folders of installed models, sorted by name."""
    try:
        return sorted(path for path in Path(store).iterdir() if (path / CARD).is_file() and path.name[0] != ".")
    except OSError:
        return []


def install(source, store, progress):
    """Copy a model into the store, check it and try it out. Returns its new folder (Path).

    source: a .zip file, a folder, or the card.json of a folder. progress: called with (fraction, text); may raise.
    Nothing stays behind on any error. Raises ModelUnusable, FolderUnusable.
    """
    source, store = Path(source), make_folder(store)
    partial = temporary_path(store)
    try:
        partial.mkdir()
        progress(0.0, strings.MODEL_COPYING)
        try:
            if source.suffix.lower() == ".zip":
                _copy_zip(source, partial)
            else:
                _copy_folder(source.parent if source.name == CARD else source, partial)
        except OSError as error:
            raise unwritable(partial, error) from None
        model = load(path=partial, device="cpu")
        try_out(model, lambda fraction, text: progress(0.2 + 0.8 * fraction, text), anew=True)
        stem = re.sub(r"[^\w-]+", "_", model.id).strip("_")[:60] or "model"
        goal = store / f"{stem}-{model.sha256[:12]}"
        if goal.exists():  # the same files: put back what may have been damaged
            shutil.rmtree(goal)
        os.replace(partial, goal)
        return goal
    except OSError as error:
        raise unwritable(store, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove(folder, store):
    """Delete an installed model. Raises PortraitError for a folder that is not one of the store's."""
    folder = Path(folder)
    if folder not in installed(store):
        raise PortraitError(strings.MODEL_NOT_OURS.format(folder=folder))
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise unwritable(folder, error) from None


def is_built_in(folder):
    """True for the model that comes with the extension, also when no folder is chosen."""
    return not folder or Path(folder) == DEFAULT_FOLDER


def _read_card(data):
    if len(data) > MAX_CARD_BYTES:
        raise ValueError(strings.MODEL_CARD_LARGE)
    try:
        card = json.loads(data)
    except RecursionError:
        raise ValueError(strings.MODEL_CARD_LARGE) from None
    if not isinstance(card, dict) or not isinstance(card.get("files"), dict):
        raise ValueError(strings.MODEL_CARD_EMPTY)
    return card


def _copy_folder(folder, goal):
    def fetch(name, limit):
        try:
            with open_regular(folder / name) as stream:
                return stream.read(limit)
        except OSError as error:
            raise _missing(name, folder, error.strerror) from None

    _copy(fetch, folder, goal)


def _copy_zip(path, goal):
    try:
        with open_regular(path) as stream, open_archive(stream) as archive:
            cards = [name for name in archive.namelist() if name.rpartition("/")[2] == CARD]
            prefix = min(cards, key=len, default=CARD).removesuffix(CARD)

            def fetch(name, limit):
                try:
                    with archive.open(prefix + name) as stream:
                        return stream.read(limit)
                except KeyError:
                    raise _missing(name, path.name, strings.MODEL_NOT_IN_ZIP) from None

            _copy(fetch, path.name, goal)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zipfile.zlib.error) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise ModelUnusable(strings.MODEL_UNREADABLE.format(path=path, reason=reason)) from None


def _copy(fetch, source, goal):
    """Copy the card and the files it lists, and nothing else. fetch: function (name, most bytes to read) -> bytes."""
    data = fetch(CARD, MAX_CARD_BYTES + 1)
    try:
        files = _read_card(data)["files"]
    except ValueError as error:
        raise ModelUnusable(strings.MODEL_BAD_CARD.format(source=source, reason=error)) from None
    (goal / CARD).write_bytes(data)
    for name in files:
        if not re.fullmatch(r"[\w-][\w .-]*", name) or name == CARD:
            raise ModelUnusable(strings.MODEL_ODD_NAME.format(source=source))
        (goal / name).write_bytes(fetch(name, MAX_FILE_BYTES + 1))


def _missing(name, source, reason):
    return ModelUnusable(strings.MODEL_LACKS.format(source=source, name=name, reason=reason))
