"""Portrait Manifolds: one photo of a face becomes views, layered geometry and a textured mesh."""


def register():
    """Register operators, panels, the render engine and the command; nothing heavy is imported here."""
    from . import operators, ui

    operators.register()
    ui.register()


def unregister():
    """Undo :func:`register` and end running jobs."""
    from . import operators, ui

    ui.unregister()
    operators.unregister()
