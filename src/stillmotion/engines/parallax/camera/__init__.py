"""The camera: its path, the projection, the limits of a move, and the warp that draws it."""
