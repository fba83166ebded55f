import bpy

settings = bpy.context.scene.portrait_manifolds

settings.layers.count = "12"
settings.layers.background = False
