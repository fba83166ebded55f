"""Train the completion network of a model: ``python -m training.completion --columns DIR ... --model models/default --minutes 45``.

``--write HEADS`` first: what the network sees of the heads of a folder of shards, as the engine with the model's other networks
finds it and with a surface as wrong as on photos of the world (a second a head), goes into a folder per shard under ``--columns``. Heads that the model was trained on
would teach it errors that are too small. The network, which is small, then learns on the processor; the average of its weights goes
into the model's folder as completion.onnx, and the card names it.
"""

import argparse
import functools
import pathlib

import torch

from inference.inversion.completion import COMPLETION
from inference.networks.model import load_model
from training.completing.columns import Engine, HeadColumns, column_folders, write_all
from training.completing.loop import Schedule, measure, train
from training.errors import command
from training.model.completion import untrained
from training.weights.card import add_network


def main(arguments=None):
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=pathlib.Path, required=True, help="folder of what the network sees, a folder per shard")
    parser.add_argument("--write", type=pathlib.Path, nargs="*", default=[], metavar="HEADS", help="folders of shards to see first")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("models/default"), help="model that is completed")
    parser.add_argument("--minutes", type=float, default=45.0, help="length of the training; 0 only writes columns")
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--start-from", dest="start", type=pathlib.Path, help="checkpoint (completion.pt) whose weights to start from")
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
    network = untrained(model.geometry["radii"])
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    heads = HeadColumns(folders)
    count = 2 * min(options.held_out, len(heads.places) // 4)  # each head twice
    held, heads.places = HeadColumns(folders, mirrored=False), heads.places[count:]
    held.places = held.places[:count]
    print(f"{len(heads.places) // 2} heads; held out, before: {measure(network, held)}", flush=True)
    schedule = Schedule(options.minutes, options.batch, options.seed)
    average = train(network, heads, schedule, lambda line, weights: print(f"{line}; {measure(weights, held)}", flush=True),
                    options.checkpoint or options.columns / "completion.pt")  # fmt: skip
    planes = heads[0][0][None]
    add_network(options.model, COMPLETION, average, {"columns": planes}, ("radius", "occupied", "completed"), options.name)
    print(f"held out, after: {measure(average, held)}")
    return 0


if __name__ == "__main__":
    command(main)
