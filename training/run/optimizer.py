"""The optimizer of a run: Muon for the inner convolutions, Adam for everything else.

Muon (Jordan et al., 2024) makes every step of a weight matrix orthogonal, so that all its directions move at the same pace;
scaled to the size of Adam's steps (Liu et al., "Muon is scalable", 2025) both share one learning rate. Outputs, inputs,
biases and linear layers are Adam's.
"""

import math

import torch

NARROWEST = 16  # channels on either side from which on a convolution is an inner one
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # of Jordan's quintic iteration


def quick_type(device):
    """The type in which matrices are multiplied fastest: bfloat16, but float32 on CPUs that have no instructions for it."""
    slow = torch.device(device).type == "cpu" and not torch.cpu._is_avx512_bf16_supported()
    return torch.float32 if slow else torch.bfloat16


def orthogonal(matrices, steps=5):
    """Matrices (B, m, n) with all their singular values moved to about one, as float32."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.to(quick_type(matrices.device))
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """torch.optim.Muon with Nesterov's momentum and no weight decay, whose iteration runs in :func:`quick_type`, on all
    matrices of one shape at once: on a core without bfloat16 a step of the embedded model takes 0.2 s in place of 0.74."""

    def __init__(self, parameters, rate, momentum=0.95):
        super().__init__(parameters, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in shapes.items():
                gradients = [matrix.grad for matrix in matrices]
                buffers = [self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix.grad)) for matrix in matrices]
                torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
                updates = orthogonal(torch.stack(torch._foreach_lerp(gradients, buffers, group["momentum"])))
                torch._foreach_add_(matrices, list(updates.unbind()), alpha=-group["lr"] * 0.2 * math.sqrt(max(shape)))


class Optimizer:
    """Both optimizers as one. inner: whether Muon takes the inner convolutions; all parameters are Adam's without it."""

    def __init__(self, model, rate, inner=True, betas=(0.9, 0.99)):
        parameters = list(model.parameters())
        self.matrices = {p: as_matrix(p) for p in parameters if inner and is_inner(p)}
        self.adam = torch.optim.Adam([p for p in parameters if p not in self.matrices], rate, betas=betas)
        self.muon = None
        if self.matrices:
            self.muon = Muon(self.matrices.values(), rate)

    def set_rate(self, rate):
        for optimizer in filter(None, (self.adam, self.muon)):
            for group in optimizer.param_groups:
                group["lr"] = rate

    def zero_grad(self):
        for parameter in (*self.matrices, *self.adam.param_groups[0]["params"]):
            parameter.grad = None

    def step(self):
        """One step by the gradients that the model's parameters hold."""
        self.adam.step()
        if self.muon:
            for parameter, matrix in self.matrices.items():
                matrix.grad = None if parameter.grad is None else rows(parameter.grad, parameter)
            self.muon.step()

    def moments(self, parameter):
        """Momentum, second moment and number of steps of a parameter; the last two are None for Muon, all before a step."""
        if parameter in self.matrices:
            matrix = self.matrices[parameter]
            momentum = self.muon.state[matrix].get("momentum_buffer") if matrix in self.muon.state else None
            return momentum, None, None
        state = self.adam.state.get(parameter) or {}
        return state.get("exp_avg"), state.get("exp_avg_sq"), state.get("step")

    def restore(self, parameter, first, second, step):
        """Set what :meth:`moments` returns."""
        if parameter in self.matrices:
            self.muon.state[self.matrices[parameter]] = {"momentum_buffer": first}
        else:
            self.adam.state[parameter] = {"step": step, "exp_avg": first, "exp_avg_sq": second}


def is_inner(parameter):
    """Whether a parameter is the weight of a convolution between two hidden layers."""
    return parameter.dim() == 4 and parameter.shape[-1] > 1 and min(parameter.shape[:2]) >= NARROWEST


def as_matrix(parameter):
    """The same memory as a parameter of two dimensions."""
    matrix = rows(parameter.detach(), parameter)
    assert matrix.data_ptr() == parameter.data_ptr()
    return torch.nn.Parameter(matrix)


def rows(weight, parameter):
    """A convolution's weight or gradient (O, I, h, w) as a matrix (O, h w I) or (O, I h w), whichever needs no copy of the
    parameter. The order of the columns makes no difference to Muon."""
    last = parameter.is_contiguous(memory_format=torch.channels_last)
    return (weight.permute(0, 2, 3, 1) if last else weight).flatten(1)
