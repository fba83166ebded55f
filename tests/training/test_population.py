"""Averages of a population: colours of skin, hair and cloth."""

import numpy as np

from training.model.geometry import for_grid, part_colours


def test_part_colours_are_means_of_heads_and_mirror_images():
    """Skin on the left of every dome and hair on the right: both are known everywhere, since heads are mirrored, and
    their brightness runs as it does on the heads. Nobody wears cloth at the crown: it is continued from below."""
    size, heads = 160, 8
    label, rgba = np.zeros((heads, size, size, 3), np.uint8), np.full((heads, size, size, 4), 255, np.uint8)
    down = np.linspace(100, 200, size)[:, None]
    label[:, :120, : size // 2, 0] = label[:, :120, size // 2 :, 1] = label[:, 120:, :, 2] = 255
    for head in range(heads):
        rgba[head, :, : size // 2, :3] = (down + 2 * head)[..., None] * (1.0, 0.5, 0.25)
        rgba[head, :, size // 2 :, :3] = (0.0, 60.0, 0.0)
        rgba[head, 120:, :, :3] = (10, 20, 200)
    shards = [{"dome_label": label[:5], "dome_rgba": rgba[:5]}, {"dome_label": label[5:], "dome_rgba": rgba[5:]}]
    found = part_colours(shards, heads)
    assert found.shape == (3, 3, size, size) and found.dtype == np.float32
    wanted = (down + 7.0) / 255.0
    for column in (20, 140):
        np.testing.assert_allclose(found[0, 0, 10:110, column], wanted[10:110, 0], atol=0.01)
        np.testing.assert_allclose(found[1, :, 10:110, column].T - np.array([0, 60, 0]) / 255, 0.0, atol=0.01)
    np.testing.assert_allclose(found[2, :, 20, 80], np.array([10, 20, 200]) / 255, atol=0.02)
    np.testing.assert_allclose(part_colours(shards, 5)[0, 0, 60, 20], (down[60, 0] + 4.0) / 255, atol=0.01)


def test_means_follow_the_grid():
    geometry = {"mean_level": np.ones((80, 80)), "mean_colour": np.ones((3, 160, 160))}
    found = for_grid(geometry | {"part_colour": np.ones((3, 3, 160, 160))}, 40)
    assert found["mean_level"].shape == (40, 40) and found["part_colour"].shape == (3, 3, 80, 80)
