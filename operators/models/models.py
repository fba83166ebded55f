"""The loaded model, and networks that stop in the middle of their work. Touches no bpy, so threads may use it."""

import threading

from ...inference.errors import Cancelled, ModelUnusable, PortraitError
from ...inference.networks.model import DEFAULT_FOLDER, load_model

_lock = threading.Lock()
_models = {}  # the last one loaded: {options: Model}
_tried = set()  # hashes of strangers' models that were tried out since Blender started


def load(**options):
    """`load_model` of these options, whose networks have not been run yet. Raises ModelUnusable."""
    try:
        return load_model(**options)
    except PortraitError as error:
        raise ModelUnusable(str(error)) from None


def model(options):
    """The loaded model for `preferences.engine_options()`; kept, since loading takes time. Raises ModelUnusable."""
    key = tuple(options.values())
    with _lock:
        if key not in _models:
            loaded = load(**options)
            _models.clear()
            _models[key] = loaded
        return _models[key]


def try_out(model, progress, anew=False):
    """Run a stranger's model in a process apart, with limits, before its networks run in Blender; once per session.

    progress: called with (fraction, text); may raise. anew: even if another copy passed, whose files may be the better
    ones. Raises ModelUnusable.
    """
    if anew or model.folder.resolve() != DEFAULT_FOLDER and model.sha256 not in _tried:
        from ...inference import trial

        trial.try_out(model, progress)
        _tried.add(model.sha256)


def device_in_use():
    """Where the loaded model runs, or "" while none is loaded."""
    return next((loaded.device for loaded in list(_models.values())), "")  # no lock: panels must not wait for a load


def forget():
    """Drop the loaded model."""
    with _lock:
        _models.clear()


class StoppableModel:
    """A model whose networks stop within milliseconds when the job is cancelled, not only between its steps.

    One that is not the extension's own is tried out before its networks run here.

    model: :class:`inference.networks.model.Model`. progress: :class:`jobs.Progress` of the job.
    """

    def __init__(self, model, progress):
        self._model, self._progress = model, progress

    def __getattr__(self, name):
        return getattr(self._model, name)

    def on_cpu(self):
        return StoppableModel(self._model.on_cpu(), self._progress)

    def session(self, name):
        try_out(self._model, lambda _, text: self._progress(self._progress.state[0], text))
        try:
            return _StoppableSession(self._model.session(name), self._progress)
        except PortraitError as error:
            raise ModelUnusable(str(error)) from None


class _StoppableSession:
    """An onnxruntime.InferenceSession that raises Cancelled once the job is cancelled."""

    def __init__(self, session, progress):
        self._session, self._progress = session, progress

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, names, inputs, run_options=None):
        import onnxruntime

        options = run_options or onnxruntime.RunOptions()

        def terminate():
            options.terminate = True

        with self._progress.when_stopped(terminate):
            try:
                return self._session.run(names, inputs, options)
            except Exception:
                if self._progress.stopped:
                    raise Cancelled from None
                raise
