"""A seeded storm against the real service, and a model that knows what must have become of everything."""
