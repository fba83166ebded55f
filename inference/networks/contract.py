"""What the networks of a model take and give: the names and shapes that inversion relies on.

A size that is a word is the model's own choice: the same word means the same size in all of its networks.
"""

from .onnx_file import Graph, Refused

OPEN_SIZES = {"points": 320 * 320, "n": 1}  # of inputs that take any number: texels of a sheet; photos at a time
_COARSE = {
    "level": (1, 1, "grid", "grid"),
    "occupancy": (1, 1, "grid", "grid"),
    "colour": (1, 3, "fine", "fine"),
    "sheets": (1, "sheets", "grid", "grid"),
    "hidden": (1, "hidden", "grid", "grid"),
}
_CODES = {"w_plus": (1, "layers", "code"), "shape": (1, 1, "shape", "shape")}
# network -> (inputs, outputs), {name: shape}, the outputs in this order
NETWORKS = {
    "encoder_w": (
        {
            "photo": (1, 3, 256, 256),
            "landmark_offsets": (1, 936),
            "matte": (1, 1, 256, 256),
            "camera": (1, 4, 4),
        },
        _CODES,
    ),
    "efficient_gram": (_CODES, _COARSE),
    "detail_encoder": (
        {"photo": (1, 3, 256, 256)},
        {"voxel": (1, "voxel", "voxel_side", "voxel_side"), "maps": (1, "maps", 256, 256), "parts": (1, 3, 256, 256)},
    ),
    "detail_manifolds": (
        {"lifted": (1, "lifted", "grid", "grid")} | _COARSE,
        {
            "fused_level": (1, 1, "fine", "fine"),
            "fused_occupancy": (1, 1, "fine", "fine"),
            "fused_colour": (1, 3, "fine", "fine"),
            "features": (1, "manifolds", "features", "grid", "grid"),
            "fused_parts": (1, 3, "fine", "fine"),
        },
    ),
    "decoder": (
        {"points": (1, "inputs", 1, OPEN_SIZES["points"])},
        {"rgb": (1, 3, 1, OPEN_SIZES["points"])},
    ),
    "completion": (
        {"columns": (1, 25, "fine", "fine")},
        {"radius": (1, 1, "fine", "fine"), "occupied": (1, 1, "fine", "fine"), "completed": (1, 3, "fine", "fine")},
    ),
}
OPTIONAL = ("completion",)  # what a model may lack
VOXEL_SLICES = 8  # of the frustum voxel, see inference.inversion.lifting


def check(name: str, graph: Graph, shapes: dict[str, tuple], sizes: dict[str, int]) -> None:
    """Raise Refused when a network of this name does not take and give what it must. Other names are left alone.

    shapes: of its tensors by name. sizes: the model's own sizes as far as they are known, those of its geometry
    ("grid", "lift_sheets") included; what this network says of others is added.
    """
    if name not in NETWORKS:
        return
    inputs, outputs = NETWORKS[name]
    if set(graph.inputs) != set(inputs):
        raise Refused(f"takes {_listed(graph.inputs)} instead of {_listed(inputs)}")
    if graph.outputs != tuple(outputs):
        raise Refused(f"gives {_listed(graph.outputs)} instead of {_listed(outputs)}")
    for tensor, wanted in {**inputs, **outputs}.items():
        found = shapes[tensor]
        if len(found) != len(wanted):
            raise Refused(f"has a {tensor} of {len(found)} dimensions instead of {len(wanted)}")
        for size, meant in zip(found, wanted):
            if size != (sizes.setdefault(meant, size) if isinstance(meant, str) else meant):
                raise Refused(f"has a {tensor} of the shape {found}, which does not fit")
    _check_sums(sizes)


def _check_sums(sizes):
    """What inversion puts together has the number of channels that the next network takes."""
    if {"voxel", "lifted", "lift_sheets"} <= sizes.keys():
        channels = sizes["voxel"] // VOXEL_SLICES + 4  # of the photo's colours and matte
        if sizes["voxel"] % VOXEL_SLICES or sizes["lifted"] != sizes["lift_sheets"] * channels:
            raise Refused("does not fit the other networks of its model")
    if {"inputs", "features", "maps"} <= sizes.keys() and sizes["inputs"] != sizes["features"] + sizes["maps"] + 9:
        raise Refused("does not fit the other networks of its model")


def _listed(names):
    return ", ".join("".join(c if c.isprintable() else "?" for c in name)[:40] for name in sorted(names)[:8]) or "none"
