"""A portrait: the textures of all manifolds, the sheets they lie on, and the photo's camera.

The file ``portrait.manifolds`` is a zip; docs/portrait-file.md describes it. Files are treated as hostile:
every size is checked before memory is reserved, and no path inside them is ever used.
"""

import dataclasses
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .archives import open_archive, read_member
from .errors import PortraitError
from .files import PathLike, one_line, open_regular, write_atomically
from .geometry.cameras import Camera, camera_from_json
from .geometry.rims import LEAST_DEPTH, Rim
from .older_portraits import on_todays_domes
from .threads import in_parallel

FORMAT = "portrait.manifolds"
FORMAT_VERSION = 3  # since 2 there may be a detail map and a rim, since 3 domes reach a quarter turn
MAX_SHEETS = 64  # manifolds in one file
MAX_TEXTURE = 2048  # texels along one side
MAX_TEXTURE_BYTES = 1 << 28  # all textures of one file together, unpacked
MIN_TEXTURE = 16  # a head of fewer texels has no surface to speak of
MAX_GRID = 256  # radii along one side; those that are written have 161
RADII = (0.005, 1.0)  # metres; those that are written lie between 0.02 and 0.28
MAX_JSON_BYTES = 1 << 20
MAX_CROP = 2048  # pixels, also of the camera's picture
MAX_DETAIL = 2048  # texels of the detail map along one side, and pixels of the rim
MAX_PLACES = 256  # cells of the rim's places along one side
MAX_PARTS = 512  # texels of the parts along one side; those that are written have 160
PARTS = "skin", "hair", "cloth"  # what columns may belong to
MAX_LANDMARKS = 4096
MAX_PHOTO = 1 << 20  # pixels of the photo along one side
MAX_TEXT = 300  # characters of a name
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same portrait gives the same bytes


@dataclasses.dataclass(frozen=True, eq=False)
class Portrait:
    """One inverted photo.

    textures: (24, h, w, 4) uint8, sRGB with straight alpha, row 0 at v = 0 (crown); the last is the background.
    radii: (23, n, n) float32, metres, dome radius of each sheet at the grid corners, outermost sheet first.
    camera: the crop's camera in portrait space.
    crop: (s, s, 3) uint8 sRGB, the aligned photo.
    crop_to_photo: (2, 3) float64, affine map of crop pixels to photo pixels (pixel corners at integers).
    photo_size: (width, height) of the upright photo in pixels.
    photo_name: file name of the photo, without folders.
    model_id, model_sha256: which model made it.
    settings: plain dictionary of what the user chose. pose: {"yaw", "pitch", "roll"} in degrees.
    landmarks: (468, 2) float32, pixels of the crop, by which the photo was aligned; None where the file lacks them.
    detail: (s, s, 3) uint8, what the photo shows of the surface at (u, v) beyond the textures, as of
        :mod:`inference.geometry.detail_maps`; None where it shows no more.
    rim: the subject's edge as the photo shows it; None in files of earlier versions. Its camera is the portrait's.
    parts: (n, m, 3) uint8, chances of :data:`PARTS` times 255 over the same (u, v) as the textures; None where the file
        lacks them.
    """

    textures: np.ndarray
    radii: np.ndarray
    camera: Camera
    crop: np.ndarray
    crop_to_photo: np.ndarray
    photo_size: tuple
    photo_name: str = ""
    model_id: str = ""
    model_sha256: str = ""
    settings: dict = dataclasses.field(default_factory=dict)
    pose: dict = dataclasses.field(default_factory=dict)
    detail: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    rim: Rim | None = None
    parts: np.ndarray | None = None

    def __post_init__(self):
        sheets, height, width, channels = self.textures.shape
        if self.textures.dtype != np.uint8 or channels != 4:
            raise ValueError("textures must be (manifolds, height, width, 4) uint8")
        if self.radii.ndim != 3 or len(self.radii) != sheets - 1 or min(self.radii.shape[1:]) < 2:
            raise ValueError("radii must be (manifolds - 1, n, n)")
        if self.crop.ndim != 3 or self.crop.shape[2] != 3 or self.crop.dtype != np.uint8:
            raise ValueError("crop must be (height, width, 3) uint8")
        if self.detail is not None and (self.detail.shape[2:] != (3,) or self.detail.dtype != np.uint8):
            raise ValueError("detail must be (height, width, 3) uint8")
        if self.parts is not None and (self.parts.shape[2:] != (3,) or self.parts.dtype != np.uint8):
            raise ValueError("parts must be (height, width, 3) uint8")


def save_portrait(portrait: Portrait, path: PathLike) -> None:
    """Write a portrait file; the file appears complete or not at all. Raises PortraitError."""
    write_atomically(path, lambda stream: _write(portrait, stream))


def load_portrait(path: PathLike) -> Portrait:
    """Read a portrait file. Raises PortraitError when it is missing, damaged, hostile or too new."""
    path = Path(path)
    try:
        stream = open_regular(path)
    except FileNotFoundError:
        raise PortraitError(f"there is no portrait file {path}; check the path") from None
    except IsADirectoryError:
        raise PortraitError(f"{path} is a folder; give the portrait.manifolds file inside it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PortraitError(f"cannot read {path} ({reason}); check its permissions") from None
    try:
        with stream, open_archive(stream) as archive:
            return _read(archive, path)
    except PortraitError:
        raise
    except MemoryError:
        raise PortraitError(f"{path} does not fit into memory; close other programs and try again") from None
    except RecursionError:
        raise _damaged(path, "its portrait.json is nested too deeply") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise _damaged(path, "it is not a complete zip file") from None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, SyntaxError, struct.error) as error:
        raise _damaged(path, one_line(str(error), MAX_TEXT) or type(error).__name__) from None


def _damaged(path, reason):
    return PortraitError(f"{path} is not a readable portrait file ({reason}); invert the photo again")


def _write(portrait, stream):
    from PIL import Image

    sheets, height, width, _ = portrait.textures.shape
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "textures": [sheets, height, width, 4],
        "radii": list(portrait.radii.shape),
        "crop": list(portrait.crop.shape),
        "camera": portrait.camera.to_json(),
        "crop_to_photo": np.asarray(portrait.crop_to_photo, np.float64).tolist(),
        "photo": {"name": Path(portrait.photo_name).name, "size": [int(n) for n in portrait.photo_size]},
        "model": {"id": portrait.model_id, "sha256": portrait.model_sha256},
        "pose": portrait.pose,
        "settings": portrait.settings,
    }
    if portrait.detail is not None:
        header["detail"] = list(portrait.detail.shape)
    if portrait.parts is not None:
        header["parts"] = list(portrait.parts.shape)
    if portrait.landmarks is not None:
        header["landmarks"] = np.round(np.asarray(portrait.landmarks, np.float64), 3).tolist()
    if portrait.rim is not None:
        header["rim"] = list(portrait.rim.picture.shape)
        header["rim_places"] = list(portrait.rim.places.shape)

    def png(pixels):
        packed = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(packed, "PNG", compress_level=3)
        return packed.getvalue()

    with zipfile.ZipFile(stream, "w") as archive:

        def add(name, data, compression=zipfile.ZIP_STORED):
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, data, compression)

        add("portrait.json", json.dumps(header, indent=1, sort_keys=True, allow_nan=False), zipfile.ZIP_DEFLATED)
        add("radii.f32", np.ascontiguousarray(portrait.radii, "<f4").tobytes(), zipfile.ZIP_DEFLATED)
        add("crop.png", png(portrait.crop))
        if portrait.detail is not None:
            add("detail.png", png(portrait.detail))
        if portrait.parts is not None:
            add("parts.png", png(portrait.parts))
        if portrait.rim is not None:
            add("rim.png", png(portrait.rim.picture))
            add("rim.f32", np.ascontiguousarray(portrait.rim.places, "<f4").tobytes(), zipfile.ZIP_DEFLATED)
        for index, texture in enumerate(portrait.textures):
            add(f"textures/{index:02d}.png", png(texture))


def _read(archive, path):
    header = _json(archive)
    if header.get("format") != FORMAT:
        raise ValueError("its portrait.json names another format")
    version = header.get("format_version")
    if type(version) is not int or not 1 <= version < 1000:
        raise ValueError("it names no format version")
    if version > FORMAT_VERSION:
        raise PortraitError(
            f"{path} was written by a newer version (file format {version}, this version reads up to "
            f"{FORMAT_VERSION}); update Portrait Manifolds to open it"
        )
    sheets, height, width, _ = shape = _shape(header, "textures", (MAX_SHEETS, MAX_TEXTURE, MAX_TEXTURE, 4))
    if min(height, width) < MIN_TEXTURE:
        raise ValueError(f"its textures have fewer than {MIN_TEXTURE} texels along a side")
    grid = _shape(header, "radii", (MAX_SHEETS, MAX_GRID, MAX_GRID))
    crop_shape = _shape(header, "crop", (MAX_CROP, MAX_CROP, 3))
    if shape[3] != 4 or crop_shape[2] != 3 or grid[0] != sheets - 1 or min(grid[1:]) < 2:
        raise ValueError("its shapes do not fit together")
    if int(np.prod(shape, dtype=np.int64)) > MAX_TEXTURE_BYTES:
        raise ValueError("its textures are larger than this version accepts")

    radii = _floats(archive, "radii.f32", grid)
    if not (radii.min() >= RADII[0] and radii.max() <= RADII[1]):  # nor NaN
        raise ValueError("its sheets have impossible radii")
    crop = _png(archive, "crop.png", crop_shape)
    detail, parts = None, None
    if version > 1:
        detail = _map(archive, header, "detail", MAX_DETAIL)
        parts = _map(archive, header, "parts", MAX_PARTS)
    camera = camera_from_json(header["camera"])
    if max(camera.width, camera.height) > MAX_CROP:
        raise ValueError("its camera takes larger pictures than this version accepts")
    rim = _rim(archive, header, camera) if version > 1 and "rim" in header else None
    textures = np.empty(shape, np.uint8)

    def read(index):
        textures[index] = _png(archive, f"textures/{index:02d}.png", (height, width, 4))

    with in_parallel(0) as each:
        list(each(read, range(sheets)))
    if version < 3:
        textures, radii, detail, parts = on_todays_domes(textures, radii, detail, parts)

    photo, model = _mapping(header, "photo"), _mapping(header, "model")
    crop_to_photo = np.asarray(header["crop_to_photo"], np.float64)
    if crop_to_photo.shape != (2, 3) or not np.abs(crop_to_photo).max() <= MAX_PHOTO:
        raise ValueError("its crop transform is not a 2x3 matrix of pixels")
    if not abs(np.linalg.det(crop_to_photo[:, :2])) > 1e-6:  # a crop of a photo of 48 pixels has 0.03
        raise ValueError("its crop transform cannot be turned around")
    size = _shape({"photo size": photo.get("size")}, "photo size", (MAX_PHOTO, MAX_PHOTO))
    pose = _mapping(header, "pose")
    if not all(type(angle) in (int, float) and abs(angle) <= 360 for angle in pose.values()):
        raise ValueError("its pose is not in degrees")
    return Portrait(
        textures=textures,
        radii=radii,
        camera=camera,
        crop=crop,
        crop_to_photo=crop_to_photo,
        photo_size=size,
        photo_name=_text(photo, "name").replace("\\", "/").rsplit("/", 1)[-1],
        model_id=_text(model, "id"),
        model_sha256=_text(model, "sha256"),
        settings=_mapping(header, "settings"),
        pose=pose,
        detail=detail,
        landmarks=_landmarks(header),
        rim=rim,
        parts=parts,
    )


def _map(archive, header, key, limit):
    """A picture (h, w, 3) over (u, v), None where the header has no such key."""
    if key not in header:
        return None
    shape = _shape(header, key, (limit, limit, 3))
    if shape[2] != 3:
        raise ValueError("its shapes do not fit together")
    return _png(archive, f"{key}.png", shape)


def _rim(archive, header, camera):
    picture = _shape(header, "rim", (MAX_DETAIL, MAX_DETAIL, 4))
    places = _floats(archive, "rim.f32", _shape(header, "rim_places", (2, MAX_PLACES, MAX_PLACES)))
    if camera.ortho_width is not None or picture[2] != 4 or len(places) != 2:
        raise ValueError("its shapes do not fit together")
    depth, weight = places
    if not np.isfinite(places).all() or depth.min() < LEAST_DEPTH or weight.min() < 0.0 or weight.max() > 1.0:
        raise ValueError("its rim lies in impossible places")
    return Rim(_png(archive, "rim.png", picture), places, camera)


def _floats(archive, name, shape):
    """An array float32 of a shape, little-endian in its member."""
    size = 4 * int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(read_member(archive, name, size, exact=True), "<f4").reshape(shape).astype(np.float32)


def _json(archive):
    header = json.loads(read_member(archive, "portrait.json", MAX_JSON_BYTES).decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError("its portrait.json is not an object")
    return header


def _mapping(header, key):
    value = header.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"its {key} is not an object")
    return _printable(value)


def _printable(value):
    """JSON whose texts, keys included, are each one line that any console and Blender can show."""
    if isinstance(value, dict):
        return {one_line(key): _printable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_printable(one) for one in value]
    return one_line(value) if isinstance(value, str) else value


def _text(mapping, key):
    return one_line(str(mapping.get(key, "")))[:MAX_TEXT]


def _landmarks(header):
    if "landmarks" not in header:
        return None
    points = np.asarray(header["landmarks"], np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) > MAX_LANDMARKS or not np.isfinite(points).all():
        raise ValueError("its landmarks are no points")
    return points


def _shape(header, key, limits):
    shape = header.get(key)
    whole = isinstance(shape, list) and all(type(n) is int for n in shape)
    if not whole or len(shape) != len(limits) or not all(1 <= n <= m for n, m in zip(shape, limits, strict=True)):
        raise ValueError(f"its {key} have an impossible shape")
    return tuple(shape)


def _png(archive, name, shape):
    from PIL import Image

    height, width, channels = shape
    data = read_member(archive, name, height * width * channels * 2 + 65536)
    if data[12:24] != b"IHDR" + struct.pack(">2I", width, height):  # before Pillow counts the pixels of a bomb
        raise ValueError(f"{name} has the wrong shape")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size != (width, height) or image.mode != {3: "RGB", 4: "RGBA"}[channels]:
                raise ValueError(f"{name} has the wrong shape")
            return np.asarray(image)
    except Image.DecompressionBombError:  # a second header says so
        raise ValueError(f"{name} has the wrong shape") from None
