"""What the data pack holds, and whether a folder is that pack.

    python -m training.data_pack list [--files]    # parts with origin and licence, or every file
    python -m training.data_pack check DATA        # exit code 0, or 2 and what is missing, different or foreign
    python -m training.data_pack record DATA       # for who changes the pack: writes its files into the manifest

The manifest, ``training/pack/manifest.json``, has size, SHA-256, origin and licence of every file.
"""

import argparse
import collections
import pathlib

from training.errors import TrainingError, command
from training.pack.manifest import MANIFEST, differences, files_of, read_manifest, record, write_manifest


def check(folder):
    """Print what is not as the manifest says, a line per file. Raises TrainingError if there is anything."""
    parts = read_manifest()
    wrong = differences(folder, parts)
    for path, verdict in wrong.items():
        print(f"{verdict:10} {path}")
    if wrong:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in collections.Counter(wrong.values()).items())
        raise TrainingError(f"{folder} is not the data pack of this version ({counts}): copy the released pack again, "
                            "and keep files of your own elsewhere")  # fmt: skip
    print(f"{folder} is the data pack of this version: {len(files_of(parts))} files")


def show(every_file):
    """Print the parts, or every file with its size, SHA-256 and part."""
    for part in read_manifest():
        if every_file:
            for path, (size, digest) in part["files"].items():
                print(f"{digest} {size:9} {path}  [{part['name']}]")
            continue
        total = sum(size for size, _ in part["files"].values())
        print(f"{part['name']}: {len(part['files'])} files, {total / 1e6:.1f} MB")
        for field in ("licence", "condition", "origin", "elsewhere"):
            if part[field]:
                print(f"    {field}: {part[field]}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kind = kinds.add_parser("list", help="what belongs to the pack")
    kind.add_argument("--files", action="store_true", help="every file instead of the parts")
    for name, text in (("check", "hold a folder against the manifest"), ("record", "write a folder's files into the manifest")):
        kind = kinds.add_parser(name, help=text)
        kind.add_argument("folder", type=pathlib.Path, help="folder of the data pack")
    options = parser.parse_args(arguments)
    if options.kind == "list":
        show(options.files)
    elif options.kind == "check":
        check(options.folder)
    else:
        write_manifest(record(options.folder, read_manifest()))
        print(f"{MANIFEST} is written: look at the difference before it is committed")
    return 0


if __name__ == "__main__":
    command(main)
