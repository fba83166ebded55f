"""The exceptions that cross the engine's border."""


class PortraitError(ValueError):
    """Bad input. The message is one line that says what happened and what to do about it."""


class PhotoUnusable(PortraitError):
    """The photo is missing, damaged or of a kind that is not read: another one is needed."""


class MatteUnusable(PortraitError):
    """The matte that was given is missing, damaged or not the photo's: another one is needed, or none."""


class FaceUnusable(PortraitError):
    """No face was found, or it cannot be aligned: the crop must be set by hand."""


class ModelUnusable(PortraitError):
    """The model or the device it should run on cannot be used: others must be chosen."""


class FolderUnusable(PortraitError):
    """A file cannot be written where it should go: another folder is needed."""


class FolderFull(FolderUnusable):
    """Nothing more can be written where the results go: there is no space, or the disk became read-only."""


class MachineExhausted(PortraitError):
    """The machine has no more of something that every photo needs."""


class Cancelled(Exception):
    """Raised by a progress callback to stop long work; nothing half-written stays behind."""
