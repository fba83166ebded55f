"""Other ways from a photo to a face, measured beside ours on the same photos and heads.

mean_head: the photo projected onto the mean head; makes portraits. mediapipe_mesh: the face mesh of MediaPipe; depth.
eos_fit: the Surrey face model fitted by eos to 68 landmarks; depth. The last two run in interpreters of their own.
"""
