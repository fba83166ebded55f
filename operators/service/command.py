"""`blender --command portrait_manifolds …`: the engine's command line inside Blender."""

import sys

import bpy

from ..work.operator import library_text

_command = None


def run(arguments):
    """Same subcommands, flags and exit codes as `python -m inference`."""
    from ...inference.__main__ import main

    try:
        return int(main(list(arguments)) or 0)
    except ImportError as error:
        print(library_text(error), file=sys.stderr)
        return 1
    except SystemExit as error:  # argparse: --help, or unknown flags
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 2


def register():
    global _command
    _command = bpy.utils.register_cli_command("portrait_manifolds", run)


def unregister():
    global _command
    if _command is not None:
        bpy.utils.unregister_cli_command(_command)
        _command = None
