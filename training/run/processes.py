"""One training run on several processes (``torchrun --nproc-per-node N -m training.train ...``), or on one.

Every process holds the whole model and evaluates its share of a step's chunks; gradients are summed. The chunks and
their random numbers do not depend on the number of processes, so the learning curve is the same up to the order in
which floating-point numbers are added. Gradients travel as one array: for networks of ten million parameters that
takes a millisecond between GPUs, and the views' losses, which use parts of the model, need no wrapper.
"""

import os

import torch
import torch.distributed as dist

from training.errors import TrainingError


class Group:
    """The processes of one run. device: ``cpu`` or ``cuda``; torchrun's environment says how many there are."""

    def __init__(self, device="cpu"):
        self.size, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        if device == "cuda":
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
            torch.cuda.set_device(device)
        self.device = torch.device(device)
        if self.size > 1:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def check(self, preset):
        """Raise TrainingError unless every process gets the same number of a step's chunks."""
        chunks = preset.batch // preset.chunk
        if chunks % self.size:
            raise TrainingError(f"{self.size} processes cannot share {chunks} chunks a step: set batch and chunk "
                                "so that batch / chunk is a multiple of the number of processes")  # fmt: skip

    def share(self, items):
        """This process's part of a sequence."""
        return items[self.rank :: self.size]

    def add(self, tensors):
        """Sum tensors over the processes, in place."""
        if self.size > 1 and tensors:
            flat = torch.cat([t.detach().reshape(-1) for t in tensors])
            dist.all_reduce(flat)
            for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors])):
                tensor.copy_(part.view(tensor.shape))

    def agree(self, progress, stop):
        """The first process's progress in [0, 1], and whether any process wants to stop."""
        if self.size == 1:
            return progress, stop
        values = torch.tensor([progress if self.rank == 0 else 0.0, float(stop)], dtype=torch.float64, device=self.device)
        dist.all_reduce(values, dist.ReduceOp.MAX)
        return float(values[0]), bool(values[1])

    def first(self, value):
        """The first process's value, any picklable object."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, device=self.device)
        return values[0]

    def close(self):
        if self.size > 1:
            dist.destroy_process_group()
