"""Models: abilities, states, and readings of words."""
