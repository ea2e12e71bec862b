"""Whether what models run on is installed; nothing of it is imported to see that."""

from importlib.util import find_spec
from typing import Final

_LIBRARIES: Final = ("torch", "diffusers", "transformers", "accelerate")


def missing_library() -> str | None:
    """The first library of the extra `diffusers` that is not installed; None where all are."""
    return next((name for name in _LIBRARIES if find_spec(name) is None), None)
