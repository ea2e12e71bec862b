"""Composition: adapters meet ports, once for a server, a worker and each command of the operator's."""
