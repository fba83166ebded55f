"""The prior: a mapping from latents to everything that the coarse generator is given."""

from torch import nn

from training.model.networks import SHAPE_GRID, MappingNetwork


class Prior(nn.Module):
    """z (B, Z), standardised, to w+ and the linear guess of the shape."""

    def __init__(self, z_dim, config, styles):
        super().__init__()
        self.mapping = MappingNetwork(z_dim, config, styles)
        self.shape = nn.Linear(z_dim, SHAPE_GRID**2)

    def forward(self, z):
        """Returns w_plus (B, styles, w_dim) and shape (B, 1, 40, 40), as EncoderW does."""
        return self.mapping(z), self.shape(z).view(-1, 1, SHAPE_GRID, SHAPE_GRID)
