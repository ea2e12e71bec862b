"""Composition: adapters are joined to ports, for a server, for a worker and for the operator's commands."""
