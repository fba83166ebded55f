"""Ablations: what each part of the method is worth, one table each.

    python -m training.ablate switches --heads HEADS                    # the exported model with parts switched off
    python -m training.ablate truth --heads HEADS                       # the exported model told the true surface and colours
    python -m training.ablate limits --heads HEADS                      # what one surface per column cannot show
    python -m training.ablate sheets --heads HEADS                      # how many sheets, dome or flat textures; no network
    python -m training.ablate training --heads HEADS --unseen HEADS --geometry geometry.npz --out runs --minutes 10

``switches`` takes parts away from a trained model: coarse manifolds alone, then the voxel's detail, the photo's
pixels, completion. ``truth`` puts a head's exact surface, then its exact colours too, in the place of what the networks say of its
columns: what is left is the engine's. ``limits`` says what views would gain if two kinds of pixels were as good as the rest: those
that show what lies behind the first surface of a column, and those that show what no column reaches (means, upper bounds).
``sheets`` renders the exact surfaces and colours of synthetic heads through
other numbers of sheets and other texture layouts, so its numbers are ceilings. ``training`` trains one short run per variant with the same budget and seed
(by ``python -m training.train --set ...``), exports and measures it; variants that are finished are not trained again.
Give the budget in ``--samples`` where other work shares the machine.
"""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
from tqdm import tqdm

from inference.files import write_atomically
from inference.networks.model import load_model
from training.errors import TrainingError, command
from training.evaluation import heads, report
from training.evaluation.checkpoints import unseen
from training.evaluation.limits import measure_limits
from training.evaluation.representation import LAYOUTS, PLACEMENTS, SHEET_COUNTS, measure_representation, model_sheets
from training.evaluation.switches import ANSWERS, SWITCHES, Switched, Told, exact_answers
from training.run.presets import PRESETS

COLUMNS = {  # measure: title and digits
    "depth_mm": ("depth mm", 2), "psnr": ("own view dB", 2), "silhouette": ("own IoU", 3), "novel_15": ("±15° dB", 2),
    "novel_30": ("±30° dB", 2), "novel_45": ("±45° dB", 2), "consistency": ("20° apart dB", 2),
    "prior_depth": ("away from coarse", 3), "prior_features": ("features unseen", 3),
    "prior_seen": ("seen reappears", 4), "prior_unseen": ("unseen as coarse", 4), "swap": ("swapped", 4),
    "surface": ("surface mm", 2), "unseen_colour": ("hidden colours", 3), "novel_perceptual": ("perceptual", 4), "novel_gram": ("gram", 5),
} | {
    f"{kind}{measure}_{centre}": (f"{text} ±{centre}°{unit}", 2)
    for kind, text in (("second", "second surface"), ("outside", "outside"))
    for centre in heads.YAW_BINS for measure, unit in (("_share", " %"), ("", " + dB"))
}  # fmt: skip


def table(results, of=np.median):
    """Lines of strings: a variant per line, medians of COLUMNS, or another middle. results: {variant: list of dicts}."""
    names = [name for name in COLUMNS if any(name in row for rows in results.values() for row in rows)]
    lines = [["variant", *(COLUMNS[name][0] for name in names)]]
    for variant, rows in results.items():
        found = [report.median(name, digits=COLUMNS[name][1], of=of)(rows) for name in names]
        lines.append([variant, *(value[1] if value else report.MISSING for value in found)])
    return lines


def switches(options):
    """{variant: rows} of one exported model with parts switched off."""
    shown = heads.read_heads(options.heads, options.limit)
    model = load_model(options.model, threads=options.threads)
    return {name: heads.evaluate_heads(Switched(model, parts), shown)[heads.OURS] for name, parts in SWITCHES.items()}


def truth(options):
    """{variant: rows} of one exported model that is told exact answers."""
    model = load_model(options.model, threads=options.threads)
    results = {name: [] for name in ANSWERS}
    for shard, row in tqdm(heads.places_of(options.heads, options.limit), leave=False):
        head, exact = heads.Head(shard, row), exact_answers(shard, row, model.geometry["radii"])
        for name, outputs in ANSWERS.items():
            portrait = heads.portrait_of(head, Told(model, {output: exact[output] for output in outputs}))
            results[name].append(heads.measure_head(portrait, head)[0])
    return results


def limits(options):
    """{variant: rows} of what one surface per column cannot show."""
    model, results = load_model(options.model, threads=options.threads), {}
    for shard, row in tqdm(heads.places_of(options.heads, options.limit), leave=False):
        for name, found in measure_limits(shard, row, model).items():
            results.setdefault(name, []).append(found)
    return results


def sheets(options):
    """{variant: rows} of exact heads on other sheets and textures."""
    radii = load_model(options.model).geometry["radii"]
    chosen = heads.places_of(options.heads, options.limit)
    def measured(*arguments):
        return [measure_representation(*head, radii, *arguments) for head in tqdm(chosen, leave=False)]

    results = {}
    for name, place in PLACEMENTS.items():
        results |= {f"{count + 1} sheets, {name}": measured(count, place) for count in SHEET_COUNTS}
    for texels in options.texels:
        results |= {f"{name} textures of {texels}², model's sheets": measured(len(radii), model_sheets, layout, texels)
                    for name, layout in LAYOUTS.items()}  # fmt: skip
    return results


def training_variants(preset):
    """{variant: list of name=value} for ``training.train --set``: the whole, and each loss of a preset switched off."""
    weights = PRESETS[preset].weights
    used = [field.name for field in dataclasses.fields(weights) if getattr(weights, field.name)]
    return {"whole": []} | {f"− {name.replace('_', ' ')}": [f"weights.{name}=0"] for name in used}


def run(module, *arguments):
    """One command of this project in a fresh interpreter; stops the ablation when it fails."""
    words = [sys.executable, "-m", module, *map(str, arguments)]
    print(" ".join(words), file=sys.stderr)
    if code := subprocess.run(words).returncode:
        raise TrainingError(f"{module} failed with exit code {code}; finished variants are kept, run the ablation again")


def train_variant(options, name, settings):
    """Train and export one variant unless that is done. Returns its folder, which holds ``last.pt`` and ``model``."""
    folder = options.out / "".join(c if c.isalnum() else "_" for c in name).strip("_")
    if (folder / "model" / "card.json").exists():
        return folder
    more = ["--real", options.real] if options.real else []
    more += ["--samples", options.samples] if options.samples else ["--minutes", options.minutes]
    more += ["--resume", folder / "last.pt"] if (folder / "last.pt").exists() else []
    more += ["--start-from", options.start] if options.start else []
    if settings := [*options.settings, *settings]:
        more += ["--set", *settings]
    run("training.train", "--preset", options.preset, "--heads", *options.heads, "--geometry", options.geometry,
        "--seed", options.seed, "--threads", options.threads or 1, "--out", folder, *more)  # fmt: skip
    run("training.export", "--checkpoint", folder / "last.pt", "--geometry", options.geometry, "--out", folder / "model",
        "--name", folder.name)  # fmt: skip
    return folder


def training(options):
    """{variant: rows} of short runs with the same budget and seed."""
    variants = training_variants(options.preset)
    if options.variant:
        variants = {name: settings for name, *settings in options.variant}
    if options.only:
        if unknown := set(options.only) - set(variants):
            raise TrainingError(f"there is no variant {', '.join(sorted(unknown))}; there are: {', '.join(variants)}")
        variants = {name: value for name, value in variants.items() if name in options.only}
    shown, results = heads.read_heads(options.unseen, options.limit), {}
    for name, settings in variants.items():
        folder = train_variant(options, name, settings)
        model = load_model(folder / "model", threads=options.threads)
        results[name] = heads.evaluate_heads(model, shown)[heads.OURS]
        limit = {"limit": options.limit} if options.limit else {}
        results[name].append(unseen(folder / "last.pt", options.unseen, options.unseen_photos, **limit)[0])
        print(report.as_text(table(results)), flush=True)
    return results


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--limit", type=int, help="at most so many heads per shard, and photos")
    common.add_argument("--threads", type=int, default=0)
    common.add_argument("--json", type=pathlib.Path, help="JSON to write: every row of every variant")
    common.add_argument("--markdown", type=pathlib.Path, help="Markdown table to write")
    for name, text in (("switches", "parts of one model switched off"), ("truth", "exact answers in its networks' place"),
                       ("limits", "what one surface per column cannot show"),
                       ("sheets", "number of sheets and texture layouts")):  # fmt: skip
        kind = kinds.add_parser(name, parents=[common], help=text)
        kind.add_argument("--heads", type=pathlib.Path, required=True, help="unseen synthetic shards")
        kind.add_argument("--model", type=pathlib.Path, help="folder of an exported model; the embedded one by default")
        kind.add_argument("--texels", type=int, nargs="+", default=[40, 80], help="texture sizes to compare layouts at")
    kind = kinds.add_parser("training", parents=[common], help="one short run per variant")
    kind.add_argument("--heads", type=pathlib.Path, nargs="+", required=True, help="shards to train on")
    kind.add_argument("--unseen", type=pathlib.Path, required=True, help="shards to measure on")
    kind.add_argument("--real", type=pathlib.Path, help="aligned portraits of training.align_photos")
    kind.add_argument("--unseen-photos", type=pathlib.Path, help="aligned portraits to measure the coarse priors and swapped views on")
    kind.add_argument("--geometry", type=pathlib.Path, required=True)
    kind.add_argument("--start-from", dest="start", type=pathlib.Path, help="model or checkpoint that every run goes on from")
    kind.add_argument("--preset", default="cpu")
    kind.add_argument("--minutes", type=float, default=10.0, help="length of each run")
    kind.add_argument("--samples", type=int, help="length of each run in examples instead")
    kind.add_argument("--seed", type=int, default=0)
    kind.add_argument("--only", nargs="+", help="names of variants to run, for example: whole '− level'")
    kind.add_argument("--variant", nargs="+", action="append", metavar=("NAME", "SETTING"),
                      help="own variants: a name and settings for --set; may be repeated")  # fmt: skip
    kind.add_argument("--set", nargs="+", action="extend", default=[], metavar="FIELD=VALUE", dest="settings",
                      help="fields of the preset that all variants change")  # fmt: skip
    kind.add_argument("--out", type=pathlib.Path, required=True, help="folder for the runs")
    options = parser.parse_args(arguments)
    kinds = {"switches": switches, "truth": truth, "limits": limits, "sheets": sheets, "training": training}
    results = kinds[options.kind](options)
    lines = table(results, np.mean if options.kind == "limits" else np.median)
    print(report.as_text(lines))
    if options.json:
        text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        write_atomically(options.json, lambda stream: stream.write(text.encode()))
    if options.markdown:
        write_atomically(options.markdown, lambda stream: stream.write(report.as_markdown(lines).encode()))
    return 0


if __name__ == "__main__":
    command(main)
