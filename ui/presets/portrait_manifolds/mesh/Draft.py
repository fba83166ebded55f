import bpy

settings = bpy.context.scene.portrait_manifolds

settings.mesh_topology = "marching-cubes"
settings.mesh_resolution = 96
settings.mesh_faces = 5000
settings.mesh_smoothing = 1
settings.mesh_closed = False
settings.mesh_texture = "1024"
settings.mesh_keys = True
settings.mesh_subdivision = 0
settings.mesh_delit = False
settings.mesh_unlit = False
settings.mesh_shade_smooth = True
