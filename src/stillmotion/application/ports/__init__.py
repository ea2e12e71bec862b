"""Ports: what the application asks for from outside, each a Protocol that an adapter fulfils."""
