"""A picture drawn in two layers, for depth that is known: near parts over the far ones that they cover."""
