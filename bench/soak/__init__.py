"""A seeded storm against the real service, and a model of its expected outcome."""
