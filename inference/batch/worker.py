"""What a process of a batch does: it loads the model once and makes portraits of one photo after another."""

from ..apart import serve
from ..progress import Progress


class Worker:
    """A loaded model, and what it makes of one photo after another. settings: as of :class:`..process.Process`."""

    def __init__(self, settings: dict) -> None:
        self._settings, self._model = settings, None

    def run(self, job: dict, progress: Progress) -> tuple[str, str]:
        """Returns ("", "") or one line saying why not, and the name of the error's class if it is one of FATAL."""
        from ..errors import FolderFull, MachineExhausted, PortraitError
        from ..limits import out_of_files

        try:
            from ..networks.model import load_model
            from .job import run_job

            if self._model is None:
                keys = ("model", "device", "threads")
                self._model = load_model(*(self._settings[key] for key in keys))
            return run_job(job, self._model, progress), ""
        except (FolderFull, MachineExhausted) as error:
            return str(error), type(error).__name__
        except PortraitError as error:
            return str(error), ""
        except (OSError, ImportError) as error:
            if not out_of_files(error):
                raise
            return "too many files are open; allow more (ulimit -n) and start again", MachineExhausted.__name__


if __name__ == "__main__":
    serve(Worker)
