"""Whether this installation reads the pictures of telephones."""

from importlib.util import find_spec


def reads_heic() -> bool:
    """Whether the extra `heif` is installed. Its library is looked for by name, and loaded by decoders alone."""
    return find_spec("pillow_heif") is not None
