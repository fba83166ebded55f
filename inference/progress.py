"""How long work says how far it is, and how it is stopped."""

from collections.abc import Callable

Progress = Callable[[float, str], None]  # the share that is done, 0 to 1, and what is done next; may raise Cancelled


def silent(fraction: float, text: str) -> None:
    """A :data:`Progress` for nobody."""
