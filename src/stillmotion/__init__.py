"""Stillmotion: a picture and a sentence in, a video out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillmotion.client import AsyncClient, Client, Generation, verify_callback

__all__ = ["AsyncClient", "Client", "Generation", "verify_callback"]


def __getattr__(name: str) -> Any:
    """The client's names, imported when one is first asked for: the server and the commands need none of it."""
    if name in __all__:
        return getattr(import_module("stillmotion.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
