"""History: the lists, changes and links of past generations."""
