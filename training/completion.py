"""Train the completion network of a model: ``python -m training.completion --columns DIR ... --model models/default --minutes 45``.

``--write HEADS`` first: what the network sees of the heads of a folder of shards, as the engine with the model's other networks
finds it and with a surface as wrong as on photos of the world (a second a head), goes into a folder per shard under
``--columns``. Heads that the model was trained on would teach it errors that are too small. The network, which is small, then
learns on the processor; the average of its weights goes into the model's folder as completion.onnx, and the card names it.
"""

import argparse
import copy
import functools
import pathlib

import numpy as np
import torch

from inference.inversion.completion import COMPLETION
from inference.networks.model import load_model
from training.completing.columns import KINDS, Engine, HeadColumns, column_folders, write_all
from training.completing.loop import Schedule, measure, train
from training.errors import command
from training.model.completion import untrained
from training.weights.card import add_network
from training.weights.from_onnx import initializers


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=pathlib.Path, required=True, help="folder of what the network sees, a folder per shard")
    parser.add_argument("--write", type=pathlib.Path, nargs="*", default=[], metavar="HEADS", help="folders of shards to see first")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/default"), help="model that is completed")
    parser.add_argument("--minutes", type=float, default=45.0, help="length of the training; 0 only writes columns")
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--rate", type=float, default=Schedule.rate, help="learning rate at its peak")
    parser.add_argument("--start-from", dest="start", type=pathlib.Path, help="weights to start from: completion.pt or a model's completion.onnx")
    parser.add_argument("--keep", type=float, default=0.0, metavar="SHARE",
                        help="of the weights started from in the result, 0 to 1, so that it forgets less (Wortsman et al., CVPR 2022)")  # fmt: skip
    parser.add_argument("--held-out", type=int, default=96, help="heads, the first ones, that only measure")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="file of the weights, completion.pt in --columns by default")
    parser.add_argument("--name", help="the completed model's new name, for its card")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 for all cores")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    model = load_model(options.model, threads=1)
    for heads in options.write:
        write_all(heads, functools.partial(Engine, model=model, seed=options.seed), options.columns)
    if not options.minutes:
        return 0
    folders = column_folders(options.columns)
    network = untrained(model.sheets)
    if options.start:
        start_from(network, options.start)
    heads, kinds = HeadColumns(folders), len(KINDS)
    count = kinds * min(options.held_out, len(heads.places) // (2 * kinds))
    held = [HeadColumns(folders, mirrored=False) for _ in KINDS]
    for kind, one in enumerate(held):
        one.places = heads.places[kind:count:kinds]
    heads.places = heads.places[count:]

    def measured(weights):
        return "".join(f"\n  {name}: {measure(weights, one)}" for name, one in zip(KINDS, held))

    print(f"{len(heads.places) // kinds} heads; {len(held[0].places)} held out, before: {measured(network)}", flush=True)
    schedule = Schedule(options.minutes, options.batch, seed=options.seed, rate=options.rate)
    average = train(network, heads, schedule, lambda line, weights: print(f"{line}; {measured(weights)}", flush=True),
                    options.checkpoint or options.columns / "completion.pt")  # fmt: skip
    if options.start:
        keep(average, options.start, options.keep)
    planes = heads[0][0][None]
    add_network(options.model, COMPLETION, average, {"columns": planes}, ("radius", "occupied", "completed"), options.name)
    print(f"held out, after: {measured(average)}")
    return 0


def start_from(network, path):
    """Fill a network with the weights of a checkpoint, or of an exported network, however they are stored."""
    if path.suffix == ".onnx":
        stored = initializers(path)
        weights = {name: torch.from_numpy(np.array(stored[name])) for name in network.state_dict()}
    else:
        weights = torch.load(path, weights_only=True)
    network.load_state_dict(weights)


def keep(network, path, share):
    """Move a network's weights towards those of :func:`start_from` by a share."""
    before = copy.deepcopy(network)
    start_from(before, path)
    with torch.no_grad():
        for own, other in zip(network.parameters(), before.parameters()):
            own.lerp_(other, share)


if __name__ == "__main__":
    command(main)
