"""One process of a batch: jobs come as lines of JSON on standard input, answers go to standard output.

It ends when the input ends, so it never outlives the batch by more than one photo.
"""

import json
import os
import sys


def main() -> None:
    from ..errors import PortraitError
    from ..networks.model import load_model
    from .run import run_job

    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    model = None
    for line in sys.stdin:
        try:
            model = model or load_model(settings["model"], settings["device"], settings["threads"])
            error = run_job(json.loads(line), model)
        except PortraitError as problem:
            error = str(problem)
        print(json.dumps({"error": error}), file=answers, flush=True)


if __name__ == "__main__":
    main()
