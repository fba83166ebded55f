"""A textured mesh, stage by stage, and marching cubes beside VTK's flying edges, or what the memory allows."""

import numpy as np

from inference.mesh.extract import FACES, extract_mesh
from inference.mesh.field import Field, block, sample_field
from inference.mesh.skin import skin_share
from inference.mesh.surface import find_surface
from inference.mesh.trim import subject_mask
from inference.mesh.whole import coarse, table_points, whole_head

from . import machine
from .timing import Row, in_turn

WHOLE, CUBES = 2500.0, 4.0  # ms a mesh of as many faces as unasked may take; marching cubes by flying edges
MOST = None  # faces: all that the resolution gives


def stages(portrait, resolution, faces):
    """[(what, ms)] of one extraction."""
    import time

    marks = []
    extract_mesh(
        portrait, resolution, faces, closed=True, progress=lambda _, text: marks.append((text, time.perf_counter()))
    )
    spent = {}
    for (text, start), (_, end) in zip(marks, marks[1:]):
        spent[text] = spent.get(text, 0.0) + 1000.0 * (end - start)
    return list(spent.items())


def flying_edges(field):
    """Function that extracts a field's surface by VTK, or None where the vtk package is not installed."""
    try:
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D
    except ImportError:
        return None
    image = vtkImageData()
    image.SetDimensions(*field.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field.ravel("F")), deep=True))

    def extract():
        edges = vtkFlyingEdges3D()
        edges.SetInputData(image)
        edges.SetValue(0, 0.0)
        edges.ComputeNormalsOff()
        edges.Update()

    return extract


def rows(portrait, runs, resolutions):
    """portrait: :class:`inference.portrait.Portrait`."""
    from skimage.measure import marching_cubes

    surface = find_surface(portrait.textures, portrait.radii)
    radius, _ = whole_head(surface.radius, subject_mask(surface.opacity), skin_share(portrait.textures, portrait.radii))
    points = table_points(coarse(radius)).reshape(-1, 3).astype(np.float64)
    found = in_turn({"mesh": lambda: stages(portrait, resolutions[-1], FACES)}, runs)["mesh"]
    yield Row("mesh", f"{FACES:,} faces", found.wall, cpu=found.cpu, spread=found.spread, bar=WHOLE, of="value")
    for resolution in resolutions:
        found = in_turn({"mesh": lambda resolution=resolution: stages(portrait, resolution, MOST)}, runs)["mesh"]
        yield Row("mesh", f"{resolution} voxels, all faces", found.wall, cpu=found.cpu, spread=found.spread)
        voxel = float(np.ptp(points, axis=0).max()) / resolution
        origin, counts = block(points, voxel)
        field = sample_field(Field(radius, True), origin, voxel, counts)
        edges, ways = flying_edges(field), {"cubes": lambda field=field: marching_cubes(field, 0.0)}
        times = in_turn(ways | ({"edges": edges} if edges else {}), runs)
        floor = times["edges"].wall if edges else field.nbytes / machine.measured()["copy"]
        yield Row(
            "mesh", f"marching cubes, {resolution} voxels", times["cubes"].wall, floor=floor,
            floor_is="VTK's flying edges" if edges else "the field read once", bar=CUBES if edges else None,
            cpu=times["cubes"].cpu, spread=times["cubes"].spread,
        )  # fmt: skip
    for text, ms in stages(portrait, resolutions[-1], FACES):
        yield Row("mesh", f"of {FACES:,} faces: {text}", ms)
