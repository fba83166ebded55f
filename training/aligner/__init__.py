"""Labels by MediaPipe, and what the engine's own alignment is held against."""
