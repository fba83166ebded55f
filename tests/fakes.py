"""Stand-ins for the trained model, so that pipeline, command line and batch are tested without networks."""

import hashlib
import io
import json

import numpy as np

from inference.alignment.align import Alignment
from inference.alignment.detection import Face
from inference.geometry.cameras import CROP_SIZE, orbit_camera
from inference.networks.model import Model
from tests.portraits import analytic_portrait, sheet_radii


def fake_model(folder=None):
    """A Model whose networks must never be asked for."""
    card = {"id": "fake", "format_version": 1, "files": {"geometry.npz": {"sha256": "0" * 64, "bytes": 1}}}
    geometry = {"radii": sheet_radii(), "mean_landmarks": np.zeros((468, 3), np.float32)}
    return Model(folder, card, geometry, ["cpu"], 1)


def fake_stages(monkeypatch, faces=1, fail_on=()):
    """Replace the network stages. faces: how many are found. fail_on: photo widths that make the inversion crash."""
    textures = analytic_portrait(texture=64).textures

    def find_faces(photo, model):
        height, width = photo.shape[:2]
        boxes = [(0.1 * width + k, 0.1 * height, 0.5 * width + k, 0.5 * height) for k in range(faces)]
        return [Face(box, 0.9, np.zeros((468, 2), np.float32)) for box in boxes]

    def align(photo, face, model, yaw=None, pitch=None):
        return alignment(photo, face.box[0])

    def align_manually(photo, centre_xy, size_px, roll_degrees=0.0, model=None, landmarks=None, yaw=None, pitch=None):
        return alignment(photo, centre_xy[0], roll_degrees)

    def alignment(photo, shift, roll=0.0):
        crop = np.resize(photo[:CROP_SIZE, :CROP_SIZE], (CROP_SIZE, CROP_SIZE, 3)).astype(np.uint8)
        affine = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
        return Alignment(crop, affine, orbit_camera(5.0, 2.0), np.zeros((468, 2), np.float32), 5.0, 2.0, roll)

    def invert_crop(alignment, model, progress=None, matte=None, doubted=None, fine_matte=None):
        progress(0.5, "half")
        if alignment.crop_to_photo[0, 2] in fail_on:
            raise RuntimeError("boom")
        return textures, sheet_radii(), None, None, None

    monkeypatch.setattr("inference.alignment.align.find_faces", find_faces)
    monkeypatch.setattr("inference.alignment.align.align", align)
    monkeypatch.setattr("inference.alignment.align.align_manually", align_manually)
    monkeypatch.setattr("inference.inversion.invert.invert_crop", invert_crop)


class Here:
    """Works for a batch in this process, where the stand-ins are: in place of inference.batch.process.Process."""

    def __init__(self, settings):
        self._settings = settings

    def is_ready(self):
        return True

    def run(self, job, progress):
        from inference.batch.job import run_job
        from inference.networks import model

        return run_job(job, model.load_model(self._settings["model"]), progress)

    def close(self):
        pass


def write_model(folder, files=None, **changes):
    """A model folder with a valid card. files: name -> bytes beside geometry.npz."""
    packed = io.BytesIO()
    np.savez(packed, radii=sheet_radii(), mean_landmarks=np.zeros((468, 3), np.float32))
    files = {"geometry.npz": packed.getvalue()} | (files or {})
    table = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in files.items()
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    card = {"id": "test", "format_version": 1, "files": table} | changes
    (folder / "card.json").write_text(json.dumps(card))
    return folder
