"""Ports to other servers: pictures that are fetched, callbacks that are sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from stillmotion.domain.callbacks import CallbackResponse


class CallbackSender(Protocol):
    """Posts callbacks."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> CallbackResponse:
        """POST once, never redirected. Raises `CallbackUndeliverable` where no status came within the deadline."""
        ...


class CallbackUndeliverable(Exception):
    """No answer came: the message says why in words that hold no address."""


class UrlRules(Protocol):
    """Which addresses may be asked for at all, decided from the text alone."""

    def check(self, field: str, url: str) -> None:
        """Raise `InvalidRequest` that names `field` for a URL that will never be fetched."""
        ...


class ImageSource(Protocol):
    """Fetches pictures that strangers point to."""

    async def fetch(self, url: str, destination: str) -> None:
        """Write the bytes at `url` to the file `destination`. Raises `GenerationFailed`."""
        ...
