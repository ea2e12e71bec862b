"""Depth of each pixel: given, from a network, or estimated."""
