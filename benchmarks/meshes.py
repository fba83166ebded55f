"""A textured mesh, stage by stage, and marching cubes beside VTK's flying edges, or what the memory allows."""

import numpy as np

from inference.mesh.extract import extract_mesh
from inference.mesh.field import Dome, block, sample_field
from inference.mesh.surface import find_surface

from . import machine
from .timing import Row, in_turn

FACES, WHOLE, CUBES = 50_000, 2500.0, 4.0  # faces of the mesh; ms it may take at 256; marching cubes by flying edges


def stages(portrait, resolution):
    """[(what, ms)] of one extraction."""
    import time

    marks = []
    extract_mesh(
        portrait, resolution, FACES, closed=True, progress=lambda _, text: marks.append((text, time.perf_counter()))
    )
    return [(text, 1000.0 * (end - start)) for (text, start), (_, end) in zip(marks, marks[1:])]


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
    shape = Dome(surface.radius, True)
    for resolution in resolutions:
        found = in_turn({"mesh": lambda resolution=resolution: stages(portrait, resolution)}, runs)["mesh"]
        yield Row(
            "mesh", f"{resolution} voxels, {FACES:,} faces", found.wall, cpu=found.cpu, spread=found.spread,
            bar=WHOLE if resolution == 256 else None, of="value",
        )  # fmt: skip
        field = sample_field(shape, *block(shape, surface.opacity, resolution))
        edges, ways = flying_edges(field), {"cubes": lambda field=field: marching_cubes(field, 0.0)}
        times = in_turn(ways | ({"edges": edges} if edges else {}), runs)
        floor = times["edges"].wall if edges else field.nbytes / machine.measured()["copy"]
        yield Row(
            "mesh", f"marching cubes, {resolution} voxels", times["cubes"].wall, floor=floor,
            floor_is="VTK's flying edges" if edges else "the field read once", bar=CUBES if edges else None,
            cpu=times["cubes"].cpu, spread=times["cubes"].spread,
        )  # fmt: skip
    for text, ms in stages(portrait, resolutions[-1]):
        yield Row("mesh", f"of {resolutions[-1]} voxels: {text}", ms)
