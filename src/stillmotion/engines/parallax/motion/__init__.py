"""Motion inside the picture: the subject, water, leaves, hair, cloth, smoke."""
