"""Reads the catalogue: the package's own, with the operator's file laid over it."""

from stillmotion.adapters.catalogue.reading import read_catalogue

__all__ = ["read_catalogue"]
