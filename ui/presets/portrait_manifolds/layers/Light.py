import bpy

settings = bpy.context.scene.portrait_manifolds

settings.layer_count = "12"
settings.layer_delit = False
settings.layer_look = "emission"
settings.layer_triangles = 15000
