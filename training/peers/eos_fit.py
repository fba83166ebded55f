"""The Surrey face model, fitted by eos to 68 landmarks, as a peer in depth.

``pip install eos-py numpy`` brings the fitting alone. The model lies in the folder ``share`` of eos's source repository
(research use only) and has to be fetched by hand. The lower half is a script for an interpreter that has eos, which
need not be the one that evaluates: ``python eos_fit.py IN.npz OUT.npz SHARE``. It uses nothing else of this project.
"""

import sys
from pathlib import Path

import numpy as np

MODEL, EXPRESSIONS = "sfm_shape_3448.bin", "expression_blendshapes_3448.bin"
MAPPING, EDGES, CONTOURS = "ibug_to_sfm.txt", "sfm_3448_edge_topology.json", "sfm_model_contours.json"
FILES = (MODEL, EXPRESSIONS, MAPPING, EDGES, CONTOURS)
CORNERS = ("37", "40", "46", "43")  # of the eyes in the 68 landmarks, counted from 1


def face_meshes(landmarks, size, share, python=None):
    """Meshes fitted to landmarks (n, 68, 2) px of images of size (width, height).

    share: folder with ``FILES``. python: interpreter with eos, None for this one. Raises PeerError.
    Returns :class:`training.peers.meshes.FaceMeshes`.
    """
    from training.peers.meshes import PeerError, run_peer

    if missing := [name for name in FILES if not (Path(share) / name).is_file()]:
        raise PeerError(f"the Surrey face model is not in {share}: {', '.join(missing)} missing")
    return run_peer(__file__, python, {"landmarks": landmarks, "size": np.array(size)}, Path(share).resolve())


def fit_meshes(landmarks, size, share):
    """Vertices (n, v, 3) in pixels with depth away from the viewer, triangles (t, 3) and the vertices at the eyes."""
    import eos

    share, (width, height) = Path(share), map(int, size)
    shape = eos.morphablemodel.load_model(str(share / MODEL)).get_shape_model()
    expressions = eos.morphablemodel.load_blendshapes(str(share / EXPRESSIONS))
    model = eos.morphablemodel.MorphableModel(shape, expressions, eos.morphablemodel.PcaModel())
    mapper = eos.core.LandmarkMapper(str(share / MAPPING))
    edges = eos.morphablemodel.load_edge_topology(str(share / EDGES))
    contour = eos.fitting.ContourLandmarks.load(str(share / MAPPING)), eos.fitting.ModelContour.load(str(share / CONTOURS))
    points = []
    for face in np.asarray(landmarks, np.float32):
        named = [eos.core.Landmark(str(i), [float(x), float(y)]) for i, (x, y) in enumerate(face, 1)]
        mesh, pose, *_ = eos.fitting.fit_shape_and_pose(model, named, mapper, width, height, edges, *contour)
        points.append(to_pixels(np.array(mesh.vertices), pose.get_modelview(), pose.get_projection(), width, height))
    corners = [int(mapper.convert(name)) for name in CORNERS]
    return np.stack(points), np.array(mesh.tvi), np.array(corners)


def to_pixels(vertices, modelview, projection, width, height):
    """Vertices (v, 3 or more) through an orthographic OpenGL camera: (v, 3) pixels, depth in pixels too."""
    local = vertices[:, :3] @ np.asarray(modelview)[:3, :3].T + np.asarray(modelview)[:3, 3]
    projection = np.asarray(projection)
    clip = local @ projection[:3, :3].T + projection[:3, 3]
    scale = 0.5 * width * projection[0, 0]  # pixels per unit
    return np.stack([(clip[:, 0] + 1) * width / 2, (1 - clip[:, 1]) * height / 2, -local[:, 2] * scale], -1)


def main(given, made, share):
    try:
        import eos  # noqa: F401
    except ImportError:
        sys.exit("eos is missing: pip install eos-py numpy")
    with np.load(given, allow_pickle=False) as data:
        points, triangles, corners = fit_meshes(data["landmarks"], data["size"], share)
    np.savez(made, points=points, triangles=triangles, corners=corners)


if __name__ == "__main__":
    main(*sys.argv[1:])
