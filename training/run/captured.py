"""A function of a batch that always does the same work on a GPU, recorded as a CUDA graph: one launch in place of thousands."""

import torch

WARM_UP = 3  # runs before the recording, in which cuDNN chooses its algorithms and the allocator its blocks


class Captured:
    """``compute(batch)``, which leaves gradients in parameters, as a CUDA graph for batches shaped like ``batch``.

    compute: returns a dict of tensors; it asks the host for nothing, and draws no random numbers. Raises RuntimeError
    where CUDA cannot record it.
    """

    def __init__(self, compute, parameters, batch):
        self.batch = {name: value.clone() for name, value in batch.items()}
        self.parameters = [p for p in parameters if p.requires_grad]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._forget()
                compute(self.batch)
        torch.cuda.current_stream().wait_stream(side)
        self._forget()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.found = compute(self.batch)
        self.gradients = [p.grad for p in self.parameters]

    def _forget(self):
        for parameter in self.parameters:
            parameter.grad = None

    def __call__(self, batch):
        """What compute returns, valid until the next call; the parameters' gradients are set."""
        torch._foreach_copy_(list(self.batch.values()), [batch[name] for name in self.batch])
        self.graph.replay()
        for parameter, gradient in zip(self.parameters, self.gradients):
            parameter.grad = gradient
        return self.found
