"""`stillmotion generate`: one clip or a folder of them, rendered here or by a server."""
