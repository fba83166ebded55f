"""The weights of smaller networks inside larger ones that compute the same (Net2Net, Chen et al., 2016, with zeros in place of
copies): training goes on from where it was, with more room.

New channels start at random, and nothing old hears them yet.
"""

from training.model.networks import SQUEEZED, SQUEEZED_CELLS, DetailManifolds, EncoderW, UNetUp

LANDMARK_WIDTH = 256  # of E_w's landmark branch, the last that its head hears
COLOURS = 3  # the last that the finest block of E_detail's manifolds hears


def widened(model, tensors):
    """The named tensors of a model as those of a larger ``model``, as far as they fit into it."""
    wanted, last = dict(model.named_parameters()), last_inputs(model)
    return {
        name: embedded(wanted[name].detach(), value.to(wanted[name]), *last(name, value, wanted[name]))
        for name, value in tensors.items()
        if name in wanted and fits(value.shape, wanted[name].shape)
    }


def fits(small, large):
    """Whether the shape of a weight (outputs, inputs, ...) or bias (outputs,) lies within another's, of equal kernels."""
    return len(small) == len(large) and small[2:] == large[2:] and all(a <= b for a, b in zip(small, large))


def last_inputs(model):
    """A function of a weight's name, old and new value: how many inputs at the end of the old one, and of the new one, follow
    on others whose number depends on a width."""
    fixed, skips = {}, set()
    for name, module in model.named_modules():
        if isinstance(module, UNetUp):
            skips.add(f"{name}.merge.weight")
        elif isinstance(module, EncoderW):
            fixed[f"{name}.head.0.weight"] = SQUEEZED * SQUEEZED_CELLS + LANDMARK_WIDTH
        elif isinstance(module, DetailManifolds):
            fixed[f"{name}.fine.0.weight"] = COLOURS

    def last(name, old, new):
        return (len(old), len(new)) if name in skips else (fixed.get(name, 0),) * 2  # skips have as many channels as come out

    return last


def embedded(fresh, old, last, last_fresh):
    """A fresh weight (O, I, ...) or bias (O,) with an old one (o, i, ...) or (o,) in place of its first outputs, which hear
    no new inputs; last, last_fresh: as of :func:`last_inputs`."""
    out, outputs = fresh.clone(), len(old)
    if fresh.shape == old.shape or old.dim() == 1:
        out[:outputs] = old
        return out
    first, start = old.shape[1] - last, fresh.shape[1] - last_fresh
    out[:outputs] = 0.0
    out[:outputs, :first] = old[:, :first]
    out[:outputs, start : start + last] = old[:, first:]
    return out
