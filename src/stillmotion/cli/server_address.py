"""Server and key that a command uses."""

from stillmotion.client import Client
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError


class NoServer(StillmotionError):
    """No server is named, or no key for it."""


def connect(settings: Settings) -> Client:
    """Client of the server that the settings name. Raises `NoServer`."""
    from stillmotion.cli.waits import say

    return Client(*address(settings), on_wait=say)


def address(settings: Settings) -> tuple[str, str]:
    """URL and key of the server. Raises `NoServer`."""
    if not settings.server:
        raise NoServer("This needs a server: name it with --server URL, or set STILLMOTION_SERVER.")
    if not settings.server.startswith(("http://", "https://")):
        raise NoServer(f"{settings.server} is not a server's URL: it begins with http:// or https://.")
    if not settings.key:
        raise NoServer(f"{settings.server} needs a key: give it with --key, or set STILLMOTION_KEY.")
    return settings.server, settings.key
