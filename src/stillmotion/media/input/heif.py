"""Support for HEIC, the picture format of telephones."""

from importlib.util import find_spec


def reads_heic() -> bool:
    """True if the extra `heif` is installed. The library itself is loaded in decoders only."""
    return find_spec("pillow_heif") is not None
