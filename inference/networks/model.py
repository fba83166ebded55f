"""The embedded model: a folder with card.json, the ONNX networks it lists, and geometry.npz."""

import functools
import hashlib
import io
import json
import re
import struct
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..archives import open_archive, read_member
from ..errors import PortraitError
from ..files import PathLike, one_line, open_regular
from ..geometry.reach import NARROW, Reach, respread
from ..limits import out_of_memory
from ..log import log

if TYPE_CHECKING:
    import onnxruntime

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "models" / "default"
FORMAT_VERSION = 1
MAX_CARD_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 28
MAX_ARRAY_BYTES = 1 << 24  # of one array of geometry.npz; the largest of the model that ships has 0.6 MB
GEOMETRY = {  # arrays of geometry.npz: their kind, and their shapes, of which None is any size
    "radii": ("f", (None, None, None)),
    "mean_landmarks": ("f", (468, 3)),
    "landmark_bias": ("f", (468, 3)),
    "lift_sheets": ("i", (None,)),
    "grid": ("i", ()),
    "reach": ("f", (2,)),
}
NEEDED = ("radii", "mean_landmarks")
RADII = (0.005, 1.0)  # metres, as in portrait files
GRIDS = (8, 256)  # sizes of the grids that sheets and networks have
MAX_FILES, MAX_ID, MAX_TEXT = 64, 100, 4000  # in a card: files, characters of its id and of any text
PROVIDERS = {  # in the order in which "accelerated" tries them, the processor last
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


class Model:
    """A checked model. Its networks are loaded when they are first asked for; all methods are thread-safe.

    card: dictionary of card.json. id: the model's name. sha256: hash of the card's file table, so of all files.
    geometry: dictionary of arrays, among them radii (23, n, n) float32 metres and mean_landmarks (468, 3) metres.
    folder: Path. devices: names of where the networks may run, the first that works is taken. threads: 0 for all.
    """

    def __init__(
        self, folder: Path, card: dict, geometry: dict[str, np.ndarray], devices: Sequence[str], threads: int
    ) -> None:
        self.folder, self.card, self.geometry, self.threads = folder, card, geometry, threads
        self._devices = [*devices]
        self.id = card["id"]
        self.sha256 = table_hash(card["files"])
        self._sessions, self._sizes, self._on_cpu = {}, _sizes(geometry), None
        self._lock = threading.Lock()

    @property
    def reach(self) -> Reach:
        """Of the domes whose columns the networks know; a portrait's may reach farther."""
        return Reach(*map(float, self.geometry["reach"])) if "reach" in self.geometry else NARROW

    @functools.cached_property
    def sheets(self) -> np.ndarray:
        """Radii (23, n, n) float32 metres of the model's sheets over a portrait's domes."""
        return respread(self.geometry["radii"], self.reach, corners=True)

    @property
    def device(self) -> str:
        """ "cpu", "cuda", ...: where the networks run, as far as they have been loaded."""
        return self._devices[0]

    def has(self, name: str) -> bool:
        """Whether the model has a network of this name, one of ``contract.OPTIONAL``."""
        return f"{name}.onnx" in self.card["files"]

    def session(self, name: str) -> "onnxruntime.InferenceSession":
        """The onnxruntime.InferenceSession of ``name``.onnx. Raises PortraitError when it is missing or refused."""
        with self._lock:
            if name not in self._sessions:
                self._sessions[name] = self._open(f"{name}.onnx")
            return self._sessions[name]

    def on_cpu(self) -> "Model":
        """The same model on the CPU, for when its device failed; always the same object."""
        with self._lock:
            if self._on_cpu is None:
                self._on_cpu = Model(self.folder, self.card, self.geometry, ["cpu"], self.threads)
            return self._on_cpu

    def companion(self, name: str, optional: bool = False) -> "onnxruntime.InferenceSession | None":
        """A network of the program's own beside the models, ``models/name/name.onnx``.

        It serves every model alike and is no part of their cards and hashes. Raises PortraitError when it is refused
        or missing; an optional one that is missing is None.
        """
        path = DEFAULT_FOLDER.parent / name / f"{name}.onnx"
        with self._lock:
            if path not in self._sessions:
                try:
                    with open_regular(path) as stream:
                        data = stream.read()
                except OSError as error:
                    if not optional:
                        raise PortraitError(
                            f"the network {path.name} cannot be read ({error.strerror}); install the program again"
                        ) from None
                    log.warning("%s is left out: %s", path.name, error.strerror)
                    self._sessions[path] = None
                else:
                    self._sessions[path] = self._start(data, path.name, None, own=True)
            return self._sessions[path]

    def _open(self, file):
        own = self.folder.resolve() == DEFAULT_FOLDER
        return self._start(_checked_bytes(self.folder, self.card["files"], file), file, self._sizes, own)

    def _start(self, data, file, sizes, own):
        """A session. sizes: of the model's other networks. own: whether the network is the program's own; of others
        nothing is computed before they are asked to."""
        import onnxruntime

        from .onnx_check import check_onnx  # quick to leave out while Blender starts

        check_onnx(data, file, sizes)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        folded = None if own else ["ConstantFolding"]
        while True:
            providers = list(dict.fromkeys([PROVIDERS[self.device], PROVIDERS["cpu"]]))
            try:
                session = onnxruntime.InferenceSession(data, options, providers=providers, disabled_optimizers=folded)
            except Exception as error:  # onnxruntime raises many types of its own
                reason = one_line(str(error).strip(), 160) or type(error).__name__
                if out_of_memory(error):
                    raise MemoryError(f"{file}: {reason}") from None
                if len(self._devices) == 1:
                    text = f"the network {file} does not load ({reason}); install the model again"
                    raise PortraitError(text) from None
            else:
                if session.get_providers()[0] == providers[0]:
                    return session
                reason = "ONNX Runtime falls back by itself"
            failed = self._devices.pop(0)
            log.warning("%s does not run on %s (%s); trying %s", file, failed, reason, self.device)


def load_model(path: PathLike | None = None, device: str = "auto", threads: int = 0) -> Model:
    """Open a model folder and check it.

    path: folder with card.json; None for the model that ships with the program.
    device: as of :func:`devices_for`. threads: 0 lets ONNX Runtime decide.
    Raises PortraitError when files are missing or changed, the card is wrong, or the device is not available.
    """
    folder = DEFAULT_FOLDER if path is None else Path(path)
    if folder.name == "card.json":
        folder = folder.parent
    card = _read_card(folder)
    for file, entry in card["files"].items():
        size = _size(folder / file, file)
        if size != entry["bytes"]:
            raise PortraitError(f"the model file {file} has {size} bytes instead of {entry['bytes']}; install it again")
    geometry = _read_geometry(_checked_bytes(folder, card["files"], "geometry.npz"))
    model = Model(folder, card, geometry, devices_for(device), max(int(threads), 0))
    log.info("model %s (%s) on %s", model.id, model.sha256[:12], model.device)
    return model


def devices_for(device: str) -> list[str]:
    """Names of the devices that are tried, the processor last.

    device: one of PROVIDERS, "auto" for CUDA where this onnxruntime has it, or "accelerated" for all that it has, in
    the order of PROVIDERS. Raises PortraitError when a device asked for by name is not available.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    have = [name for name, provider in PROVIDERS.items() if provider in available]
    if device == "auto":
        return [name for name in have if name in ("cuda", "cpu")]
    if device == "accelerated":
        if have == ["cpu"]:
            log.warning("this onnxruntime has no accelerator: the networks run on the processor")
        return have
    if device not in PROVIDERS:
        raise PortraitError(f"there is no device {device!r}; use auto, accelerated, {', '.join(PROVIDERS)}")
    if device not in have:
        have = ", ".join(have)
        raise PortraitError(f"the device {device} is not available in this onnxruntime; use auto or one of: {have}")
    return list(dict.fromkeys([device, "cpu"]))


def table_hash(files: dict) -> str:
    """SHA-256 over the sorted table of file names and hashes."""
    lines = "".join(f"{files[name]['sha256']}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _read_card(folder):
    try:
        with open_regular(folder / "card.json") as stream:
            data = stream.read(MAX_CARD_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PortraitError(f"no model in {folder} ({reason}); point to a folder that holds card.json") from None
    try:
        return check_card(data)
    except (ValueError, RecursionError) as error:
        reason = one_line(str(error), 160) or type(error).__name__
        raise PortraitError(f"the model card in {folder} cannot be used ({reason}); install the model again") from None


def check_card(data: bytes) -> dict:
    """The content of a card.json. Raises ValueError, RecursionError when anything of it is not what it must be."""
    if len(data) > MAX_CARD_BYTES:
        raise ValueError("it is too large")
    card = json.loads(data)
    if not isinstance(card, dict):
        raise ValueError("it is no object and names no id")
    if not isinstance(card.get("id"), str) or not 1 <= len(card["id"]) <= MAX_ID or not card["id"].isprintable():
        raise ValueError("it names no id, or an odd one")
    if type(card.get("format_version")) is not int or card["format_version"] != FORMAT_VERSION:
        raise ValueError(f"its format version is not {FORMAT_VERSION}")
    _check_texts({key: value for key, value in card.items() if key != "files"})
    files = card.get("files")
    if not isinstance(files, dict) or "geometry.npz" not in files or len(files) > MAX_FILES:
        raise ValueError("it lists no files, or too many")
    for name, entry in files.items():
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name) or name == "card.json":
            raise ValueError("it lists a file with an odd name")
        if not isinstance(entry, dict) or type(entry.get("bytes")) is not int:
            raise ValueError(f"the size of {name} is wrong")
        if not 0 < entry["bytes"] <= MAX_FILE_BYTES:
            raise ValueError(f"the size of {name} is wrong")
        if not isinstance(entry.get("sha256"), str) or not re.fullmatch(r"[0-9A-Fa-f]{64}", entry["sha256"]):
            raise ValueError(f"the hash of {name} is wrong")
    return card


def _check_texts(value):
    """Raise ValueError where JSON holds a text that no console and no panel can show."""
    if isinstance(value, str) and (len(value) > MAX_TEXT or not value.replace("\n", "").isprintable()):
        raise ValueError("it holds a text that cannot be shown")
    for one in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_texts(one)


def _size(path, file):
    try:
        return path.stat().st_size
    except OSError:
        raise PortraitError(f"the model file {file} is missing in {path.parent}; install the model again") from None


def _checked_bytes(folder, files, file):
    """Bytes of one file, compared with the card."""
    if file not in files:
        raise PortraitError(f"the model in {folder} has no {file}; install a complete model")
    entry = files[file]
    _size(folder / file, file)
    try:
        with open_regular(folder / file) as stream:
            data = stream.read(entry["bytes"] + 1)
    except OSError as error:
        raise PortraitError(f"cannot read the model file {file} ({error.strerror}); check its permissions") from None
    if len(data) != entry["bytes"] or hashlib.sha256(data).hexdigest() != entry["sha256"].lower():
        raise PortraitError(f"the model file {file} is damaged or was changed; install the model again")
    return data


def _read_geometry(data):
    try:
        with open_archive(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            geometry = {
                name: _array(read_member(archive, f"{name}.npy", MAX_ARRAY_BYTES), name)
                for name in GEOMETRY
                if name in NEEDED or f"{name}.npy" in names
            }
        radii, sheets, grid = geometry["radii"], geometry.get("lift_sheets", ()), geometry.get("grid", GRIDS[0])
        if radii.dtype != np.float32 or not (radii.min() >= RADII[0] and radii.max() <= RADII[1]):
            raise ValueError("its radii are wrong")
        if radii.shape[1] != radii.shape[2] or not 2 <= len(radii) <= 64 or not 2 <= radii.shape[1] <= GRIDS[1]:
            raise ValueError("its radii are wrong")
        if np.size(sheets) and not (np.min(sheets) >= 0 and np.max(sheets) < len(radii)):
            raise ValueError("its sheets to lift to are wrong")
        if not GRIDS[0] <= grid <= GRIDS[1]:
            raise ValueError("its grid is wrong")
    except (ValueError, KeyError, OSError, EOFError, NotImplementedError, RuntimeError, tokenize.TokenError) as error:
        raise _no_geometry(error) from None  # the last from numpy, over a header that it takes for Python 2's
    except (zipfile.BadZipFile, zlib.error, MemoryError, SyntaxError, struct.error, OverflowError, TypeError) as error:
        raise _no_geometry(error) from None
    return geometry


def _array(data, name):
    """One array of the file: of the right kind and shape, and finite."""
    kind, sizes = GEOMETRY[name]
    array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False, max_header_size=1000)
    fits = array.ndim == len(sizes) and all(size in (None, found) for size, found in zip(sizes, array.shape))
    if not fits or array.dtype.kind != kind or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"its {name} is wrong")
    return array


def _no_geometry(error):
    reason = one_line(str(error), 160) or type(error).__name__
    return PortraitError(f"the model's geometry.npz cannot be used ({reason}); install the model again")


def _sizes(geometry):
    """What the geometry says of the networks' sizes, for :mod:`inference.networks.contract`."""
    sizes = {"lift_sheets": len(geometry["lift_sheets"])} if "lift_sheets" in geometry else {}
    return sizes | ({"grid": int(geometry["grid"])} if "grid" in geometry else {})
