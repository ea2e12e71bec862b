"""Depth of the picture: given, from a network, or estimated."""
