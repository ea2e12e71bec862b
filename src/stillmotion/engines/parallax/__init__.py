"""The embedded engine: a depth-limited warp of one picture, on two CPU cores, with small networks of its own."""
