"""The two exceptions that cross the engine's border."""


class PortraitError(ValueError):
    """Bad input. The message is one line that says what happened and what to do about it."""


class Cancelled(Exception):
    """Raised by a progress callback to stop long work; nothing half-written stays behind."""
