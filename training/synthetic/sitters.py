"""People drawn as for the shards, but without pictures: their heads, and where the aligner would find them in a photo."""

import dataclasses

import numpy as np

from inference.alignment.pose import landmark_weights, solve_pose
from inference.geometry.cameras import Camera
from training.synthetic.generate import noisy_landmarks, true_camera, warp_points
from training.synthetic.heads import Head, build_head, landmark_points, mean_landmarks, sample_person


@dataclasses.dataclass(frozen=True)
class Sitter:
    """head; camera: that took the photo; landmarks: (468, 2) pixels as a detector gives them; estimated: the camera that they tell."""

    head: Head
    camera: Camera
    landmarks: np.ndarray
    estimated: Camera

    def placed(self, points):
        """Points (..., 3) metres of the head in the portrait space of its photo."""
        return warp_points(points, self.camera, self.estimated)


class Sitters:
    """Who sits for photos. pack: an AssetPack; template: (468, 3) float64 metres, the mean face's landmarks."""

    def __init__(self, pack):
        self.pack, self.template = pack, mean_landmarks(pack).astype(np.float64)
        self._weights = landmark_weights(self.template)
        self._weights[~pack.landmarks["facemesh468_valid"]] = 0.0

    def head(self, rng):
        """A person's head."""
        return build_head(self.pack, sample_person(rng, self.pack), self.template, self._weights)

    def sitter(self, seed):
        """The :class:`Sitter` of a seed."""
        rng = np.random.default_rng(seed)
        head = self.head(rng)
        camera, _ = true_camera(rng)
        marks = camera.project(head.to_portrait(landmark_points(self.pack, head.posed)))[0]
        marks = noisy_landmarks(rng, marks, self.template, camera)
        return Sitter(head, camera, marks, solve_pose(marks, self.template))
