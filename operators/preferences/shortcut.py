"""The key of the menu Portrait over the 3D viewport; the preferences show it, where it can be changed."""

import bpy

MENU = "PORTRAIT_MANIFOLDS_MT_portrait"
KEY = {"type": "P", "value": "PRESS", "shift": True, "alt": True}  # free in Blender's own keymaps

_made = []  # (keymap, item)


def register():
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:  # Blender without windows
        return
    keymap = config.keymaps.new(name="Object Mode")
    item = keymap.keymap_items.new("wm.call_menu", **KEY)
    item.properties.name = MENU
    _made.append((keymap, item))


def unregister():
    for keymap, item in _made:
        keymap.keymap_items.remove(item)
    _made.clear()


def draw(layout):
    """Draw the key as the user has it."""
    import rna_keymap_ui

    config = bpy.context.window_manager.keyconfigs.user
    for made, _ in _made:
        keymap = config.keymaps.get(made.name)
        for item in keymap.keymap_items if keymap is not None else ():
            if item.idname == "wm.call_menu" and item.properties.name == MENU:
                layout.context_pointer_set("keymap", keymap)
                rna_keymap_ui.draw_kmi([], config, keymap, item, layout, 0)
