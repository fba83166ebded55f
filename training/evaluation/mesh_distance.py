"""How far meshes lie from the exact surface of synthetic heads, by region, and how their normals differ.

Any mesh in portrait space can be measured, whole or in part: every sample of the exact surface looks for the nearest
point of the mesh, and samples that lie beyond an open mesh's border are left out and counted. Skin is sampled at the vertices of the exact mesh, front and back, hair and cloth where the columns
of the dome meet them.
"""

import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from inference.geometry import domes
from inference.mesh.topology import border_edges

from .exact_mesh import BACK, EAR, FACE, NECK, dense_points, exact_mesh
from .true_heads import is_bare

REGIONS = ("face", "ears", "neck", "hair", "cloth", "back", "nape")
COVERED = 0.003  # metres below the outermost surface from where on skin is not seen
SPACING = 0.002  # metres between the points that stand for a mesh in the search for the nearest triangle
LEAST = 0.1  # of a region's area: what covers less of it says nothing about it
BEHIND, MIDDLE = -0.03, 0.03  # metres; what lies behind this z, and as near to the middle, is the back
LABELS = {"hair": 1, "cloth": 2}  # channels of dome_label


@dataclasses.dataclass(frozen=True)
class Samples:
    """Points (n, 3) metres of the exact surface, unit normals (n, 3) or None, and the area (n,) each one stands for."""

    points: np.ndarray
    normals: np.ndarray | None
    area: np.ndarray


def exact_samples(shard, index, pack):
    """{region: :class:`Samples`} of a head; regions that are covered or not there are left out."""
    mesh = exact_mesh(shard, index, pack)
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    cross = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack([np.bincount(mesh.triangles.ravel(), np.repeat(cross[:, k], 3), len(mesh.vertices)) for k in range(3)], -1)
    area = np.bincount(mesh.triangles.ravel(), np.repeat(np.linalg.norm(cross, axis=1) / 3, 3), len(mesh.vertices))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    points = mesh.vertices.astype(np.float64)
    radius = np.array(shard["dome_radius"][index]).astype(np.float64)
    size = len(radius)
    u, v, own = domes.dome_coordinates(points)
    row, column = (np.clip((at * size).astype(int), 0, size - 1) for at in (v, u))
    seen = (np.abs(u - 0.5) < 0.5) & (v > 0.0) & (v < 1.0) & (np.abs(radius[row, column] - own) < COVERED)
    bare = is_bare(shard, index)
    chosen = {name: seen & (mesh.part == part) for name, part in (("face", FACE), ("ears", EAR), ("neck", NECK))}
    if bare:
        behind = (points[:, 2] < BEHIND) & (normals[:, 2] < 0.0)
        chosen |= {"back": behind & (mesh.part == BACK), "nape": behind & (mesh.part == NECK) & (np.abs(points[:, 0]) < MIDDLE)}
    found = {name: Samples(points[at], normals[at], area[at]) for name, at in chosen.items() if at.sum() > 20}
    label = np.array(shard["dome_label"][index])
    u, v = domes.texel_centres(size, size)
    for name, channel in LABELS.items():
        at = (label[..., channel] > 127) & (radius > 0)
        if at.sum() > 200:
            there = domes.dome_points(u[at], v[at], radius[at])
            found[name] = Samples(there, None, np.ones(len(there)))
    return found


def nearest(vertices, triangles, points):
    """Distance in metres (n,) from points (n, 3) to the nearest point of a mesh, and the triangle (n,) it is on."""
    corners = vertices[triangles].astype(np.float64)
    places, owner = dense_points(vertices, triangles, SPACING)
    _, at = cKDTree(places).query(points)
    triangle = owner[at]
    a, b, c = corners[triangle].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
    offset = points - places[at]
    flat = offset - (offset * normal).sum(1, keepdims=True) * normal
    # within a sample's own patch the nearest point is straight below, else the sample is
    straight = np.linalg.norm(flat, axis=1) < SPACING
    return np.where(straight, np.abs((offset * normal).sum(1)), np.linalg.norm(offset, axis=1)), triangle


def beyond(vertices, triangles, points, distance):
    """Which points (n,) bool lie beside an open mesh: nothing of it, at that distance (n,) metres, is nearer than its border."""
    edges = border_edges(triangles)
    if not len(edges):
        return np.zeros(len(points), bool)
    a, b = vertices[edges].astype(np.float64).transpose(1, 0, 2)
    steps = int(np.ceil(np.linalg.norm(b - a, axis=1).max() / SPACING)) + 1
    along = np.linspace(0.0, 1.0, steps)[:, None, None]
    return cKDTree((a + along * (b - a)).reshape(-1, 3)).query(points)[0] < distance + 0.25 * SPACING


def distances(vertices, triangles, samples):
    """{region: {"mm": mean distance, "degrees": mean angle of normals or nan, "covered": share}} of a mesh; means over
    the area that the mesh covers, the share of all; regions of which it covers less than a tenth are left out.

    vertices (n, 3) metres, portrait space; triangles (m, 3); samples as of :func:`exact_samples`. The mesh's normals are
    its vertices', interpolated to the middle of the triangle: what a shader shows.
    """
    corners = vertices[triangles].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    smooth = np.stack([np.bincount(triangles.ravel(), np.repeat(cross[:, k], 3), len(vertices)) for k in range(3)], -1)
    shown = smooth[triangles].sum(1)
    shown /= np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-15)
    rows = {}
    for name, there in samples.items():
        distance, triangle = nearest(vertices, triangles, there.points)
        area = np.where(beyond(vertices, triangles, there.points, distance), 0.0, there.area)
        covered = float(area.sum() / there.area.sum())
        if covered < LEAST:
            continue
        rows[name] = {"mm": float(1e3 * np.average(distance, weights=area)), "degrees": float("nan"), "covered": covered}
        if there.normals is not None:
            cosine = (shown[triangle] * there.normals).sum(1)
            angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
            rows[name]["degrees"] = float(np.average(angle, weights=area))
    return rows


def table(rows):
    """Lines of text: the medians over heads of {mesh: [rows of :func:`distances`]}; with a share where a mesh covers less
    than all of a region."""
    lines = [f"{'':24s}" + "".join(f"{name:>21s}" for name in REGIONS)]
    for mesh, heads in rows.items():
        cells = []
        for name in REGIONS:
            found = [row[name] for row in heads if name in row]
            if not found:
                cells.append("")
                continue
            mm, degrees, covered = (np.median([row[unit] for row in found]) for unit in ("mm", "degrees", "covered"))
            angle = f" {degrees:5.1f}°" if np.isfinite(degrees) else ""
            cells.append(f"{mm:.2f}{angle}" + (f" ({100 * covered:.0f} %)" if covered < 0.995 else ""))
        lines.append(f"{mesh:24s}" + "".join(f"{cell:>21s}" for cell in cells))
    return "\n".join(lines)
