"""Training, export and evaluation of the face detector and the landmark network."""
