"""What of a face is its expression: people whom the map has not seen, and faces moved and turned."""

import numpy as np
import pytest

from inference.head.base import head_base
from inference.head.expression import moved_by_expression
from inference.head.shape import Shape, ShapeSpace, expression_in
from tests.data_pack import data_pack
from tests.head_portraits import ROTATION, SCALE, SHIFT, SMILE, landmarks_of, true_head

UNSEEN = 71  # seed of people; training.head_expression draws with 0


@pytest.fixture(scope="module")
def base():
    return head_base()


def millimetres(moved):
    return 1000.0 * np.linalg.norm(moved, axis=-1).mean()


def test_faces_of_unseen_people_lose_most_of_their_expression(base):
    pytest.importorskip("training.synthetic.heads")
    from training.head_expression import drawn_faces
    from training.synthetic.assets import AssetPack

    faces, moved, _ = drawn_faces(40, UNSEEN, AssetPack(data_pack()), base)
    left = [known - moved_by_expression(face) for face, known in zip(faces, moved, strict=True)]
    assert millimetres(moved) > 1.5 and millimetres(np.array(left)) < 0.35 * millimetres(moved)


def test_the_expression_goes_with_the_face(base):
    face = landmarks_of(base.vertices.astype(np.float64), base)
    smiling = face + sum(weight * landmarks_of(base.shapes[name], base) for name, weight in SMILE.items())
    found = moved_by_expression(smiling)
    assert millimetres(moved_by_expression(face)) < 0.3 * millimetres(smiling - face)
    assert millimetres(found - (smiling - face)) < 0.65 * millimetres(smiling - face)
    turned = moved_by_expression(SCALE * smiling @ ROTATION.T + SHIFT)
    np.testing.assert_allclose(turned, SCALE * found @ ROTATION.T, atol=1e-8)


def test_the_expression_of_one_side_is_that_sides(base):
    """A smile is as strong on both sides, and one of a side is not shared out between them."""
    space = ShapeSpace(base, np.ones(len(base.vertices)))
    still = Shape(SCALE, ROTATION, SHIFT, np.zeros(len(base.modes)), np.zeros(len(base.shapes)))
    names = list(base.shapes)
    for name, other in (("mouthSmileLeft", "mouthSmileRight"), ("mouthSmileRight", "mouthSmileLeft")):
        both, one = (
            expression_in(space, landmarks_of(true_head(base, expression), base), still)
            for expression in (SMILE, {name: 0.8})
        )
        assert min(both.min(), one.min()) >= 0.0 and max(both.max(), one.max()) <= 1.0
        assert abs(both[names.index(name)] - both[names.index(other)]) < 0.1
        assert one[names.index(name)] > 1.5 * one[names.index(other)]
