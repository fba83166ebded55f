"""The optimizer of a run: Muon for the inner convolutions, Adam for everything else.

Muon (Jordan et al., 2024) makes every step of a weight matrix orthogonal, so that all its directions move at the same pace;
scaled to the size of Adam's steps (Liu et al., "Muon is scalable", 2025) both share one learning rate. Outputs, inputs,
biases and linear layers are Adam's.
"""

import torch

NARROWEST = 16  # channels on either side from which on a convolution is an inner one


class Optimizer:
    """Both optimizers as one. inner: whether Muon takes the inner convolutions; all parameters are Adam's without it."""

    def __init__(self, model, rate, inner=True, betas=(0.9, 0.99)):
        parameters = list(model.parameters())
        self.matrices = {p: as_matrix(p) for p in parameters if inner and is_inner(p)}
        self.adam = torch.optim.Adam([p for p in parameters if p not in self.matrices], rate, betas=betas)
        self.muon = None
        if self.matrices:
            self.muon = torch.optim.Muon(self.matrices.values(), rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

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
