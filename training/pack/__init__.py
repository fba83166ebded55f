"""The data pack: where it lies, and what belongs to it."""
