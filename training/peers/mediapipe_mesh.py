"""MediaPipe's face mesh as a peer in depth.

The lower half is a script for an interpreter that has MediaPipe 0.10.21 (see training/aligner/label_photos.py), which
need not be the one that evaluates: ``python mediapipe_mesh.py IN.npz OUT.npz``. It uses nothing else of this project.
"""

import sys

import numpy as np

CORNERS = (33, 133, 263, 362)  # of the eyes


def face_meshes(photos, python=None):
    """Meshes of photos (n, h, w, 3) uint8 as :class:`training.peers.meshes.FaceMeshes`.

    python: interpreter with MediaPipe, None for this one. Raises PeerError.
    """
    from training.peers.meshes import run_peer

    return run_peer(__file__, python, {"photos": photos})


def find_meshes(photos, enlarge=2):
    """Landmarks (n, 468, 3) float32 in pixels, nan where no face was found; depth in pixels, away from the viewer."""
    import cv2
    import mediapipe as mp

    points = np.full((len(photos), 468, 3), np.nan, np.float32)
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, min_detection_confidence=0.3) as mesher:
        for row, photo in zip(points, photos):
            large = cv2.resize(photo, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC)
            found = mesher.process(large).multi_face_landmarks
            if found:  # its depth has the scale of x
                scale = (photo.shape[1], photo.shape[0], photo.shape[1])
                row[:] = np.array([(p.x, p.y, p.z) for p in found[0].landmark[:468]]) * scale
    return points


def mesh_triangles(edges):
    """Triangles (t, 3) of a mesh given by its edges: all triples that are joined pairwise."""
    neighbours = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return np.array(sorted((a, b, c) for a in neighbours for b in neighbours[a] if b > a
                           for c in neighbours[a] & neighbours[b] if c > b))  # fmt: skip


def main(given, made):
    try:
        from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION
    except ImportError:
        sys.exit("MediaPipe is missing: pip install mediapipe==0.10.21, in Python 3.12 or older")
    with np.load(given, allow_pickle=False) as data:
        points = find_meshes(data["photos"])
    np.savez(made, points=points, triangles=mesh_triangles(FACEMESH_TESSELATION), corners=np.array(CORNERS))


if __name__ == "__main__":
    main(*sys.argv[1:])
