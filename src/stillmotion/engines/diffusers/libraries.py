"""Presence of the libraries that models need, found without importing them."""

from importlib.util import find_spec
from typing import Final

_LIBRARIES: Final = ("torch", "diffusers", "transformers", "accelerate")


def missing_library() -> str | None:
    """The first missing library of the extra `diffusers`; None if all are installed."""
    return next((name for name in _LIBRARIES if find_spec(name) is None), None)
