import bpy

settings = bpy.context.scene.portrait_manifolds

settings.layer_count = "24"
