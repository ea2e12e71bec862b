"""Application: use cases as methods, over the ports that the adapters implement."""
