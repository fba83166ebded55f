"""The head an artist keeps: the base wrapped onto a portrait, with eyes, teeth, tongue and what is worn."""

import dataclasses

import numpy as np

from ..errors import PortraitError
from ..mesh.corners import triangulated
from ..mesh.surface import find_surface
from ..mesh.textured import TexturedMesh
from ..portrait import Portrait
from ..progress import Progress, silent
from ..threads import in_parallel
from .base import head_base
from .closing import close_below
from .eyeballs import eyes
from .fit import fit_head
from .keys import PHOTO, neutral_of, shape_keys
from .lips import lips_to_photo
from .mouth import drop_of, painted, placed, teeth, tongue
from .normals import normal_map
from .shell import shell
from .texels import texels_of
from .texture import COARSE, VIEW_SIDE, bake, light_on, photo_of

TEXTURES = 512, 4096  # pixels, the smallest and the largest texture
TEXTURE = 2048
LIGHT_SIDE = 256  # pixels of the view that tells the light, as many as the crop has


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
    delit: take the photo's light off skin, hair and clothes, as far as a smooth estimate goes: :mod:`..mesh.delight`.
    progress: called with (fraction, text) between the stages; may raise Cancelled.
    Raises PortraitError when the portrait is empty or the texture's size out of range.
    """
    texture = TEXTURE if texture is None else texture
    low, high = TEXTURES
    if not low <= texture <= high:
        raise PortraitError(f"a head's texture must have between {low} and {high} pixels along a side, not {texture}")
    base = head_base()
    progress(0.0, "fitting the head")
    try:
        fit = lips_to_photo(portrait, fit_head(portrait, base), base)
        surface = find_surface(portrait.textures, portrait.radii)
    except ValueError:
        raise PortraitError("this portrait holds no solid surface; invert the photo again") from None
    skin = base.parts["skin"]
    posed = fit.vertices[skin]
    neutral = neutral_of(fit, base)
    progress(0.35, "seeing the photo")
    side = max(VIEW_SIDE * texture // TEXTURE, portrait.camera.width)
    light = light_on(photo_of(portrait, LIGHT_SIDE), base, posed) if delit else None
    steps = (
        lambda: photo_of(portrait, side),
        lambda: shell(portrait, base, posed, light=light),
        lambda: shape_keys(fit, base, neutral) if keys else {PHOTO: posed - neutral[skin]},
    )
    with in_parallel(0) as each:
        photo, (around, covered), moved = each(lambda step: step(), steps)
    progress(0.75, "painting the skin")
    parts = texels_of(base, posed, min(texture, COARSE))
    picture = bake(portrait, surface, photo, base, posed, parts, covered, texture, light)
    normals = normal_map(surface, base, posed, parts)
    turn = fit.scale * fit.rotation
    pieces = [
        TexturedMesh(
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
    ]
    progress(0.95, "eyes and teeth")
    drop = drop_of(base, fit.vertices, placed(base, neutral)[~base.teeth_lower])
    pieces += [eyes(portrait, photo, base, neutral, turn), teeth(base, neutral, turn, drop)]
    pieces += [tongue(base, neutral, turn, drop)]
    pieces = [_with_photo(piece, fit.expression) for piece in pieces]
    occluder = posed, triangulated(base.faces, posed)
    pieces[2] = dataclasses.replace(pieces[2], texture=painted(pieces[2], photo, occluder))
    if closed:
        pieces[0] = close_below(pieces[0])
    if not keys:
        pieces = [_posed(piece) for piece in pieces]
    progress(1.0, "done")
    return pieces if around is None else [*pieces, around]


def _with_photo(piece, expression):
    """A piece with the photo's expression as a key, and that on: what the keys that it has add together."""
    if PHOTO in piece.shape_keys:
        return piece
    moved = [np.float32(expression.get(name, 0.0)) * delta for name, delta in piece.shape_keys.items()]
    keys = {**piece.shape_keys, PHOTO: np.sum(moved, axis=0, dtype=np.float32)}
    return dataclasses.replace(piece, shape_keys=keys, weights={PHOTO: 1.0})


def _posed(piece):
    """A piece as its keys show it at first, without them."""
    moved = sum(weight * piece.shape_keys[name] for name, weight in piece.weights.items())
    return dataclasses.replace(piece, vertices=piece.vertices + np.float32(moved), shape_keys={}, weights={})
