"""The embedded engine: one picture, a depth-limited warp, two CPU cores, no weights."""
