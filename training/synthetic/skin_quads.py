"""Which of MakeHuman's quads are skin of the head's base: the head, and some rings of the bust below it."""

import numpy as np

from inference.mesh.topology import connected_components

RINGS = 9  # of quads round the neck, each closed; what comes next parts at the shoulders


def skin_quads(base):
    """(m,) bool of all of MakeHuman's faces. base: arrays of :class:`training.synthetic.assets.AssetPack`.

    The head is what the UV island of the bust, the widest one, does not have for itself. The border that is left is one
    loop along the quads' edges.
    """
    whole = np.flatnonzero(base["quad_bust"])
    faces, face_uv = base["faces"][whole], base["faces_uv"][whole]
    edges = np.concatenate([face_uv[:, [a, (a + 1) % 4]] for a in range(4)])
    island = connected_components(len(base["uv"]), edges)[face_uv[:, 0]]
    x = base["verts"][faces][..., 0]
    widest = max(np.unique(island), key=lambda label: np.ptp(x[island == label]))
    below = np.zeros(len(base["verts"]), bool)
    below[faces[island == widest]] = True
    below[faces[island != widest]] = False
    chosen = ~below[faces].any(1)
    for _ in range(RINGS):
        reached = np.zeros(len(base["verts"]), bool)
        reached[faces[chosen]] = True
        chosen |= reached[faces].any(1)
    found = np.zeros(len(base["faces"]), bool)
    found[whole[chosen]] = True
    return found
