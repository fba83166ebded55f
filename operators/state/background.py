"""The background of the photo: shown or hidden for each portrait, in views and as a layer."""

from .portrait import is_editable


def background_of(obj):
    """ "source" or "none", as `inference.view.render.render_view` wants it, for a portrait object."""
    return "source" if obj.portrait_manifolds.show_background else "none"


def show_planes(obj):
    """Show or hide the background layers of a portrait object as it says."""
    for child in obj.children:
        if is_plane(child) and is_editable(child):
            child.hide_viewport = child.hide_render = not obj.portrait_manifolds.show_background


def is_plane(child):
    """True for the background layer: its quad is like no other."""
    from ...inference.geometry.background import BACKGROUND_HALF

    if child.type != "MESH" or len(child.data.vertices) != 4:
        return False
    sides = [max(axis) - min(axis) for axis in zip(*(vertex.co for vertex in child.data.vertices), strict=True)]
    return max(abs(side - wanted) for side, wanted in zip(sides, (2 * BACKGROUND_HALF, 0, 2 * BACKGROUND_HALF))) < 1e-4
