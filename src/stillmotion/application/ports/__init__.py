"""Ports: Protocols of the application, fulfilled by adapters."""
