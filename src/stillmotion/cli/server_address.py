"""The server that a command speaks to, and its key."""

from stillmotion.client import Client
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError


class NoServer(StillmotionError):
    """The command needs a server, and does not know which or has no key for it."""


def connect(settings: Settings) -> Client:
    """The server that the settings name. Raises `NoServer`."""
    from stillmotion.cli.waits import say

    return Client(*address(settings), on_wait=say)


def address(settings: Settings) -> tuple[str, str]:
    """The server's URL and the key for it. Raises `NoServer`."""
    if not settings.server:
        raise NoServer("This needs a server: name it with --server URL, or set STILLMOTION_SERVER.")
    if not settings.server.startswith(("http://", "https://")):
        raise NoServer(f"{settings.server} is not a server's URL: it begins with http:// or https://.")
    if not settings.key:
        raise NoServer(f"{settings.server} needs a key: give it with --key, or set STILLMOTION_KEY.")
    return settings.server, settings.key
