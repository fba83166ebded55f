"""How cameras see an object: as it is, as a hole in the picture, or not at all. The rules are those of Cycles."""

SEEN, HOLDOUT, UNSEEN = "seen", "holdout", "unseen"


def camera_sees(obj, owner, view_layer):
    """SEEN, HOLDOUT or UNSEEN.

    obj: the object. owner: the one that instances it, or itself; both evaluated, since these settings can be animated.
    Both decide about cameras, and the owner's collections about the rest. view_layer: the one that is rendered, whose
    collections may be holdouts or for indirect light only.
    """
    collections = owner.original
    if not (obj.visible_camera and owner.visible_camera):
        return UNSEEN
    if obj.is_holdout or collections.holdout_get(view_layer=view_layer):
        return HOLDOUT
    return UNSEEN if collections.indirect_only_get(view_layer=view_layer) else SEEN
