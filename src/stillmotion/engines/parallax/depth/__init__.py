"""Depth of the picture: given, from an operator's model, or guessed by a small network."""
