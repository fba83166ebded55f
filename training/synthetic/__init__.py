"""Synthetic portraits with exact cameras, depth, landmarks and radiance-manifold targets.

Heads are MakeHuman's base mesh in ICT-FaceKit's shape space, dressed and lit at random and rendered with
OpenGL (EGL; a software driver is enough). ``python -m training.synthetic.generate`` writes shards of arrays,
``python -m training.synthetic.sheet`` draws contact sheets of them.
"""
