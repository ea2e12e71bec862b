"""Makers: the port by which a host has a clip made, here or on another server."""
