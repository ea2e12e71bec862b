"""`stillmotion serve`: the command and the listening service."""
