"""The layers of portraits in a scene: which objects they are, and what the scene must grant them."""

LAYER = "portrait_manifolds_layer"  # custom property of layers, with which they are found in any file
TRANSPARENT_BOUNCES = 64  # a ray can meet every sheet; Blender's default of 8 would turn the rest black


def has_layers(scene):
    """True when a scene shows layers of a portrait."""
    return any(LAYER in obj for obj in scene.objects)


def cuts_rays_short(scene):
    """True when Cycles, as the scene sets it, would end rays between layers and show black there."""
    cycles = getattr(scene, "cycles", None)  # Cycles is an add-on, too
    return cycles is not None and cycles.transparent_max_bounces < TRANSPARENT_BOUNCES


def grant(scene):
    """Let Cycles follow rays through all layers."""
    if cuts_rays_short(scene):
        scene.cycles.transparent_max_bounces = TRANSPARENT_BOUNCES
