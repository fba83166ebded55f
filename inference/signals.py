"""Signals end the command line in one line, whatever it is doing, libraries being imported too."""

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
LATER = 0.02  # seconds until a signal that came in the middle of an import is looked at again
_received = 0


def received() -> int:
    """The number of the signal that is ending this process, 0 while there is none."""
    return _received


def end_at_once() -> None:
    """From now on a signal ends the process where it is. For the time of the first imports, when nothing is begun."""
    _handle(_end)


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """While the context lasts, a signal raises KeyboardInterrupt in the main thread, once: the cleaning up that follows
    is not cut short. It waits for the end of an import: there libraries print the exception, or Python, where it passes
    through their exec(), dies of the signal in the end."""
    global _received
    _received, before = 0, _handle(_interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(handler):
    """Have a handler for the signals. Returns {number: handler before}."""
    before = {}
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):  # nohup, or a handler of C
            continue
        try:
            before[number] = signal.signal(number, handler)
        except ValueError:  # not the main thread: signals are its owner's
            break
    return before


def _end(number, frame):
    os.write(sys.__stderr__.fileno(), b"cancelled\n")
    os._exit(128 + number)


def _interrupt(number, frame):
    global _received
    if _received:
        return
    if importing(frame):
        again = threading.Timer(LATER, _thread.interrupt_main, (number,))
        again.daemon = True
        again.start()
        return
    _received = number
    raise KeyboardInterrupt


def importing(frame: FrameType | None) -> bool:
    """Whether a frame runs within an import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
