import bpy

settings = bpy.context.scene.portrait_manifolds

settings.layers.count = "24"
settings.layers.background = False
