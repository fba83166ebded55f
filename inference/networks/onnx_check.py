"""The door for ONNX files: one self-contained file of harmless operators and bounded tensors, or an error."""

from ..errors import PortraitError
from . import contract
from .onnx_file import Refused, read_graph
from .onnx_shapes import tensor_shapes

MAX_BYTES = 1 << 28


def check_onnx(data: bytes, file: str, sizes: dict[str, int] | None = None) -> None:
    """Raise PortraitError when an ONNX file must not be run.

    data: the file's bytes. file: its name. sizes: what is known of the model's other networks, added to; see
    :mod:`inference.networks.contract`. Refused are local functions, operators without a rule in
    :mod:`inference.networks.onnx_shapes`, nested graphs, tensors kept in other files, weights that are not finite,
    tensors or work that are far too large, inputs and outputs other than the contract's, and anything that is not a
    well-formed ONNX model.
    """
    if len(data) > MAX_BYTES:
        raise PortraitError(f"{file} is larger than {MAX_BYTES >> 20} MB; use the model that belongs to this version")
    try:
        graph = read_graph(data)
        shapes = tensor_shapes(graph, contract.OPEN_SIZES)
        contract.check(file.removesuffix(".onnx"), graph, shapes, {} if sizes is None else sizes)
    except Refused as error:
        raise PortraitError(
            f"{file} {error}, which is not allowed; use the model that belongs to this version"
        ) from None
    except (IndexError, ValueError, MemoryError, OverflowError):
        raise PortraitError(f"{file} is not an ONNX model; install the model again") from None
