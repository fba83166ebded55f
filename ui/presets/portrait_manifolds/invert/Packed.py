import bpy

settings = bpy.context.scene.portrait_manifolds

settings.add_camera = True
settings.pack = True
