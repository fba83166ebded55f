import bpy

settings = bpy.context.scene.portrait_manifolds

settings.pack = False
