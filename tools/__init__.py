"""Programs that work on the project rather than in it."""
