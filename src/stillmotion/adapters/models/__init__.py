"""Models: the catalogue that lists them, their weights on disk, and downloads from a hub."""
