"""Export the trained networks to ONNX and check them against torch.

    python -m training.aligner.export --detector detector.pt --landmarks landmarks.pt --out models/default

Batch normalisation is folded into the convolutions and the large weights are stored as float16 (the graph casts them
back, so that everything is computed in float32): both files together stay below 3 MB.
"""

import argparse
import json
import os
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch

from training.errors import command
from training.weights.stored_weights import store

from .networks import FaceDetector, FaceLandmarks

GRAPHS = {
    "face_detector": (FaceDetector, "photo", ["maps"], (1, 3, 256, 256), {}),
    "face_landmarks": (FaceLandmarks, "crop", ["points", "score"], (1, 3, 128, 128), {0: "n"}),
}


def export(name, checkpoint, folder):
    """Write folder/name.onnx; returns a dict of its size in bytes, parameters and differences to torch."""
    build, source, outputs, shape, dynamic = GRAPHS[name]
    network = build().eval()
    network.load_state_dict(torch.load(checkpoint, weights_only=True)["state"])
    random = np.random.default_rng(0)
    example = torch.from_numpy(random.random(shape, dtype=np.float32))
    path = pathlib.Path(folder) / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.onnx.export(
        network,
        (example,),
        str(temporary),
        input_names=[source],
        output_names=outputs,
        dynamic_axes={key: dynamic for key in (source, *outputs)} if dynamic else None,
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(temporary)
    store(model.graph, "float16")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, temporary)
    session = onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
    worst = 0.0
    for _ in range(8):
        batch = random.random(shape, dtype=np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(batch))
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(session.run(None, {source: batch}), expected, strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    os.replace(temporary, path)
    return {
        "bytes": path.stat().st_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "largest_difference": worst,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", help="checkpoint of training.aligner.train detector")
    parser.add_argument("--landmarks", help="checkpoint of training.aligner.train landmarks")
    parser.add_argument("--out", required=True, help="folder of the model")
    arguments = parser.parse_args(arguments)
    for name, checkpoint in (("face_detector", arguments.detector), ("face_landmarks", arguments.landmarks)):
        if checkpoint:
            print(name, json.dumps(export(name, checkpoint, arguments.out)))


if __name__ == "__main__":
    command(main)
