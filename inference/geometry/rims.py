"""The rim: the subject's edge as the photo shows it, at the photo's own resolution, for views from near its camera.

Sheets hold a silhouette as fine as the networks saw it. Strands of hair are finer; and where rays graze the surface
or pass beside it, no texel of the dome stands where the photo's pixel is. So the rim stays a picture by the photo's
camera.
"""

import dataclasses

import numpy as np

from .cameras import Camera

DEPTH, WEIGHT = range(2)  # planes of a rim's places
LEAST_DEPTH = 0.1  # metres; nothing stands nearer to a photo's camera


@dataclasses.dataclass(frozen=True, eq=False)
class Rim:
    """The subject's edge in the square of the photo that the crop shows.

    picture: (s, s, 4) uint8, alpha, and sRGB values times alpha; s by the photo's resolution.
    places: (2, n, n) float32 over the same square. DEPTH: metres along the camera's view axis where the edge lies.
    WEIGHT: how far the picture, and not the sheets, tells what is seen, in [0, 1]; beyond the square it is 0.
    camera: of the crop.
    """

    picture: np.ndarray
    places: np.ndarray
    camera: Camera

    def __post_init__(self):
        if self.picture.ndim != 3 or self.picture.shape[2] != 4 or self.picture.dtype != np.uint8:
            raise ValueError("a rim's picture must be (height, width, 4) uint8")
        if self.places.ndim != 3 or len(self.places) != 2:
            raise ValueError("a rim's places must be (2, n, n)")

    def reduced(self, side: float) -> "Rim":
        """The picture averaged to so many pixels a side, so that small views do not sparkle; it is never enlarged."""
        import cv2

        side = max(1, round(side))
        if side >= max(self.picture.shape[:2]):
            return self
        picture = cv2.resize(self.picture, (side, side), interpolation=cv2.INTER_AREA)
        return dataclasses.replace(self, picture=picture)
