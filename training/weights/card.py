"""The card of an exported model: its files with sizes and SHA-256, and what it says of itself."""

import hashlib
import json
import os
import pathlib
import tempfile

from inference.files import write_atomically
from training.weights.to_onnx import export_network


def file_entry(path):
    """What a card says of a file: {"sha256", "bytes"}."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def write_card(folder, card):
    """Write a model's card.json, a dictionary, in one go."""
    text = json.dumps(card, indent=2) + "\n"
    write_atomically(folder / "card.json", lambda file: file.write(text.encode()))


def add_network(folder, name, module, inputs, outputs, model_id=None, weights="int8"):
    """Put one more network into the folder of an exported model, or another in its place, and into its card, which comes last.

    module, inputs and outputs as of :func:`training.weights.to_onnx.export_network`; model_id: the model's new name.
    """
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as temporary:
        work = export_network(name, module, inputs, outputs, None, pathlib.Path(temporary), weights)
        path = folder / f"{name}.onnx"
        os.replace(pathlib.Path(temporary) / path.name, path)
    card["files"] = dict(sorted((card["files"] | {path.name: file_entry(path)}).items()))
    card["gmac"] = card.get("gmac", {}) | {name: round(work, 3)}
    card["gmac_total"] = round(sum(card["gmac"].values()), 2)
    card["id"] = model_id or card["id"]
    write_card(folder, card)
