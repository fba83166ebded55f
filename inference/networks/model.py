"""The embedded model: a folder with card.json, the ONNX networks it lists, and geometry.npz."""

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PortraitError
from ..files import PathLike
from ..log import log
from .onnx_check import check_onnx

if TYPE_CHECKING:
    import onnxruntime

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "models" / "default"
FORMAT_VERSION = 1
MAX_CARD_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 28
MAX_GEOMETRY_BYTES = 1 << 27  # unpacked
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
        self._sessions, self._on_cpu = {}, None
        self._lock = threading.Lock()

    @property
    def device(self) -> str:
        """ "cpu", "cuda", ...: where the networks run, as far as they have been loaded."""
        return self._devices[0]

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
                    data = path.read_bytes()
                except OSError as error:
                    if not optional:
                        raise PortraitError(
                            f"the network {path.name} cannot be read ({error.strerror}); install the program again"
                        ) from None
                    log.warning("%s is left out: %s", path.name, error.strerror)
                    self._sessions[path] = None
                else:
                    self._sessions[path] = self._start(data, path.name)
            return self._sessions[path]

    def _open(self, file):
        return self._start(_checked_bytes(self.folder, self.card["files"], file), file)

    def _start(self, data, file):
        import onnxruntime

        check_onnx(data, file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        while True:
            providers = list(dict.fromkeys([PROVIDERS[self.device], PROVIDERS["cpu"]]))
            try:
                session = onnxruntime.InferenceSession(data, options, providers=providers)
            except Exception as error:  # onnxruntime raises many types of its own
                reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
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
        with open(folder / "card.json", "rb") as stream:
            data = stream.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PortraitError(f"no model in {folder} ({reason}); point to a folder that holds card.json") from None
    try:
        if len(data) > MAX_CARD_BYTES:
            raise ValueError("it is too large")
        card = json.loads(data)
        if not isinstance(card, dict) or not isinstance(card.get("id"), str):
            raise ValueError("it names no id")
        if card.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"its format version is not {FORMAT_VERSION}")
        files = card.get("files")
        if not isinstance(files, dict) or "geometry.npz" not in files:
            raise ValueError("it lists no files")
        for name, entry in files.items():
            plain = name == os.path.basename(name) and "\\" not in name and name not in ("", ".", "..", "card.json")
            if not plain or not isinstance(entry, dict):
                raise ValueError("it lists a file with an odd name")
            if not isinstance(entry.get("bytes"), int) or not 0 < entry["bytes"] <= MAX_FILE_BYTES:
                raise ValueError(f"the size of {name} is wrong")
            if not isinstance(entry.get("sha256"), str) or len(entry["sha256"]) != 64:
                raise ValueError(f"the hash of {name} is wrong")
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PortraitError(f"the model card in {folder} cannot be used ({reason}); install the model again") from None
    return card


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
        with open(folder / file, "rb") as stream:
            data = stream.read(entry["bytes"] + 1)
    except OSError as error:
        raise PortraitError(f"cannot read the model file {file} ({error.strerror}); check its permissions") from None
    if len(data) != entry["bytes"] or hashlib.sha256(data).hexdigest() != entry["sha256"].lower():
        raise PortraitError(f"the model file {file} is damaged or was changed; install the model again")
    return data


def _read_geometry(data):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_GEOMETRY_BYTES:
                raise ValueError("it is too large")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            geometry = {name: archive[name] for name in archive.files}
        radii, landmarks = geometry["radii"], geometry["mean_landmarks"]
        if radii.ndim != 3 or radii.dtype != np.float32 or not np.isfinite(radii).all() or radii.min() <= 0.0:
            raise ValueError("its radii are wrong")
        if landmarks.shape != (468, 3):
            raise ValueError("its landmarks are wrong")
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, MemoryError, SyntaxError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PortraitError(f"the model's geometry.npz cannot be used ({reason}); install the model again") from None
    return geometry
