import bpy

settings = bpy.context.scene.portrait_manifolds

settings.mesh_topology = "marching-cubes"
settings.mesh_resolution = 256
settings.mesh_faces = 100000
settings.mesh_smoothing = 2
settings.mesh_closed = True
settings.mesh_texture = "0"
settings.mesh_keys = True
settings.mesh_subdivision = 0
settings.mesh_delit = False
settings.mesh_unlit = False
settings.mesh_shade_smooth = True
