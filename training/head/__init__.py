"""What the wrapped head's base is made of: MakeHuman's mesh, the Face Units, and the shapes of our synthetic people."""
