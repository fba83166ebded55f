"""The head an artist keeps: the base wrapped onto a portrait, with eyes, teeth, tongue and what is worn."""

import dataclasses

import numpy as np

from ..errors import PortraitError
from ..mesh.corners import triangulated
from ..mesh.delight import Light
from ..mesh.textured import TexturedMesh
from ..portrait import Portrait
from ..progress import Progress, silent
from ..threads import in_parallel
from .base import head_base
from .closed_lips import with_closed_lips
from .closing import close_below
from .eyeballs import eyes
from .fit import fit_head
from .keys import PHOTO, neutral_of, shape_keys
from .lips import lips_to_photo
from .mouth import drop_of, painted, placed, teeth, tongue
from .normals import normal_map
from .shell import outside, shell
from .texels import texels_of
from .texture import COARSE, VIEW_SIDE, bake, depths_of, photo_of

TEXTURES = 512, 4096  # pixels, the smallest and the largest texture
TEXTURE = 2048


def extract_head(
    portrait: Portrait,
    texture: int | None = None,
    keys: bool = True,
    closed: bool = False,
    delit: bool = False,
    progress: Progress = silent,
) -> list[TexturedMesh]:
    """A portrait's head as pieces: skin (quads), eyes, teeth, tongue, and the shell of hair and clothes.

    texture: pixels along a side of the skin's texture and normal map, 512 to 4096; None for 2048.
    keys: the pieces' vertices show no expression; shape keys have ARKit's 52 names, and ``photo``, which is on, shows
    the photo's own. Without them the vertices have that expression. closed: close the skin below the bust.
    delit: take the photo's light off skin, hair and clothes: :mod:`..mesh.delight`.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    Raises PortraitError when the portrait is empty or the texture's size out of range.
    """
    texture = TEXTURE if texture is None else texture
    low, high = TEXTURES
    if not low <= texture <= high:
        raise PortraitError(f"a head's texture must have between {low} and {high} pixels along a side, not {texture}")
    base, skin, portrait = head_base(), head_base().parts["skin"], with_closed_lips(portrait)
    side = max(VIEW_SIDE * texture // TEXTURE, portrait.camera.width)

    def fitted():
        try:
            fit = lips_to_photo(portrait, fit_head(portrait, base), base)
        except ValueError:
            raise PortraitError("this portrait holds no solid surface; invert the photo again") from None
        return fit, neutral_of(fit, base)

    with in_parallel(0) as each:
        progress(0.0, "fitting the head")
        steps = fitted, lambda: (photo_of(portrait, side), *outside(portrait))
        (fit, neutral), (photo, whole, surface) = each(lambda step: step(), steps)
        posed = fit.vertices[skin]
        progress(0.4, "keys, hair and clothes")

        def worn():
            depths = depths_of(photo.camera, posed, triangulated(base.faces, posed))
            light = Light(portrait, surface) if delit else None
            return depths, light, shell(portrait, whole, surface, base, posed, light=light)

        steps = (
            lambda: shape_keys(fit, base, neutral) if keys else {PHOTO: posed - neutral[skin]},
            worn,
            lambda: texels_of(base, posed, min(texture, COARSE)),
        )
        moved, (depths, light, (around, covered)), parts = each(lambda step: step(), steps)
        progress(0.65, "painting the skin, eyes and teeth")
        turn = fit.scale * fit.rotation
        drop = drop_of(base, fit.vertices, placed(base, neutral)[~base.teeth_lower])

        def mouth():
            found = _with_photo(teeth(base, neutral, turn, drop), fit.expression)
            return dataclasses.replace(found, texture=painted(found, photo, depths))

        steps = (
            lambda: bake(portrait, surface, photo, base, depths, parts, covered, texture, light),
            lambda: _with_photo(eyes(portrait, photo, base, neutral, turn), fit.expression),
            mouth,
            lambda: normal_map(surface, base, posed, parts),
        )
        picture, balls, jaws, normals = each(lambda step: step(), steps)
    head = TexturedMesh(
        vertices=neutral[skin],
        faces=base.faces,
        uv=base.uv,
        texture=picture,
        face_uv=base.face_uv,
        normal_map=normals,
        groups=base.groups,
        shape_keys=moved,
        name="skin",
        weights={PHOTO: 1.0},
    )
    pieces = [head, balls, jaws, _with_photo(tongue(base, neutral, turn, drop), fit.expression)]
    if closed:
        pieces[0] = close_below(pieces[0])
    if not keys:
        pieces = [_posed(piece) for piece in pieces]
    progress(1.0, "done")
    return pieces if around is None else [*pieces, around]


def _with_photo(piece, expression):
    """A piece with the photo's expression as a key, and that on: what the keys that it has add together."""
    moved = [np.float32(expression.get(name, 0.0)) * delta for name, delta in piece.shape_keys.items()]
    keys = {**piece.shape_keys, PHOTO: np.sum(moved, axis=0, dtype=np.float32)}
    return dataclasses.replace(piece, shape_keys=keys, weights={PHOTO: 1.0})


def _posed(piece):
    """A piece as its keys show it at first, without them."""
    moved = sum(weight * piece.shape_keys[name] for name, weight in piece.weights.items())
    return dataclasses.replace(piece, vertices=piece.vertices + np.float32(moved), shape_keys={}, weights={})
