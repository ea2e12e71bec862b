"""The commands; the only reader of the environment."""
