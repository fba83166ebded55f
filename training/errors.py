"""The one exception of the training commands that is meant for people."""

import sys

from inference.errors import PortraitError


class TrainingError(ValueError):
    """Training cannot start or go on. The message is one line that says what happened and what to do about it."""


def command(main):
    """Run a command's main function and leave with its exit code: 2 and one line for an error of ours or of the engine."""
    try:
        code = main()
    except (TrainingError, PortraitError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)
