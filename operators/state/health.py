"""Is everything a portrait needs at hand? What is not, in words, with the operator that repairs it."""

import collections
import json
import os
import time

from ...inference.errors import PortraitError
from ...inference.networks.model import MAX_CARD_BYTES, table_hash
from ..language import strings
from ..language.translate import locale
from . import packed_portraits
from .layers import cuts_rays_short, has_layers
from .options import model_folder
from .portrait_files import file_of, photo_of

# kind: missing, newer, damaged, photo, model, scene
Finding = collections.namedtuple("Finding", "kind text help operator")

_AGE = 1.0  # seconds for which a look at the files is good enough for the panel
_findings = {}  # {what the portrait says of itself: (time, findings)}
_versions = {}  # {(path, time, size): format version, 0 for a damaged file}
_models = {}  # {(card, time): (id, sha256) or None}


def findings(obj):
    """What is wrong with a portrait object's files, worst first; an empty list when nothing is. Cheap, never raises."""
    settings = obj.portrait_manifolds
    packed = settings.packed.name_full if settings.packed is not None else ""
    key = obj.session_uid, locale(), packed, settings.portrait_path, settings.photo_path, settings.model_sha256
    now = time.monotonic()
    if key not in _findings or now - _findings[key][0] > _AGE:
        if len(_findings) > 256:
            _findings.clear()
        _findings[key] = now, _look(obj)
    return _findings[key][1]


def scene_findings(scene):
    """What in a scene spoils the layers it shows, as :func:`findings`."""
    if scene.render.engine != "CYCLES" or not cuts_rays_short(scene) or not has_layers(scene):
        return []
    text, hint = strings.PROBLEM_BOUNCES, strings.PROBLEM_BOUNCES_HELP
    return [Finding("scene", text, hint, "portrait_manifolds.prepare_scene")]


def forget():
    """Look again."""
    for table in (_findings, _versions, _models):
        table.clear()


def _look(obj):
    settings, found = obj.portrait_manifolds, []
    if settings.portrait_path:
        found += _look_at_portrait(obj)
    if settings.photo_path:
        photo = _path_or_none(photo_of, obj)
        if photo is not None and not os.path.isfile(photo):
            found.append(_relink("photo", strings.PROBLEM_PHOTO, os.path.basename(photo)))
    installed = installed_model()
    if settings.model_sha256 and installed and installed[1] != settings.model_sha256:
        text = strings.PROBLEM_MODEL.format(id=settings.model_id)
        hint = strings.PROBLEM_MODEL_HELP.format(id=installed[0])
        found.append(Finding("model", text, hint, "portrait_manifolds.relink_model"))
    return found


def _look_at_portrait(obj):
    from ...inference.portrait import FORMAT_VERSION

    packed = obj.portrait_manifolds.packed
    if packed is not None and isinstance(packed.get("format"), int) and packed["format"] > packed_portraits.FORMAT:
        return [_relink("newer", strings.PROBLEM_NEWER, packed.name, strings.UPDATE_HELP)]
    path = _path_or_none(file_of, obj)
    if path is None:
        return [_relink("damaged", strings.PROBLEM_DAMAGED, obj.name)]
    version = _version(path)
    if version is None:
        return [_relink("missing", strings.PROBLEM_MISSING, os.path.basename(path))]
    if version > FORMAT_VERSION:
        return [_relink("newer", strings.PROBLEM_NEWER, os.path.basename(path), strings.UPDATE_HELP)]
    return [] if version > 0 else [_relink("damaged", strings.PROBLEM_DAMAGED, os.path.basename(path))]


def _relink(kind, text, name, hint=""):
    return Finding(kind, text.format(name=name), hint, "portrait_manifolds.relink")


def _path_or_none(function, obj):
    try:
        return function(obj)
    except PortraitError:  # what is packed is damaged
        return None


def _version(path):
    """Format version of a portrait file: None when it is missing, 0 when it is damaged. Only its head is read."""
    from ...inference.archives import open_archive, read_member
    from ...inference.files import open_regular
    from ...inference.portrait import MAX_JSON_BYTES

    try:
        info = os.stat(path)
    except OSError:
        return None
    key = path, info.st_mtime_ns, info.st_size
    if key not in _versions:
        try:
            with open_regular(path) as stream, open_archive(stream) as archive:
                version = json.loads(read_member(archive, "portrait.json", MAX_JSON_BYTES)).get("format_version")
            _versions[key] = version if isinstance(version, int) and version > 0 else 0
        except Exception:  # a hostile file can raise nearly anything
            _versions[key] = 0
    return _versions[key]


def installed_model(folder=None):
    """(id, sha256) of the model in a folder, by default of the one in use; None when there is none. Reads its card."""
    card = os.path.join(folder or model_folder(), "card.json")
    try:
        key = card, os.stat(card).st_mtime_ns
        if key not in _models:
            with open(card, "rb") as stream:
                parsed = json.loads(stream.read(MAX_CARD_BYTES))
            _models[key] = str(parsed["id"]), table_hash(parsed["files"])
        return _models[key]
    except Exception:  # missing, or not a card; loading the model says what is wrong
        return None
