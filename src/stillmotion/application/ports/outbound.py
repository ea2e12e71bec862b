"""Ports to other servers: pictures that are fetched, callbacks that are sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from stillmotion.domain.callbacks import CallbackResponse


class CallbackSender(Protocol):
    """Sender of callbacks."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> CallbackResponse:
        """POST once, without redirects. Raises `CallbackUndeliverable` if no status came within the deadline."""
        ...


class CallbackUndeliverable(Exception):
    """Raised without an answer. The message has the reason and holds no address."""


class UrlRules(Protocol):
    """Rules for URLs, decided from the text alone."""

    def check(self, field: str, url: str) -> None:
        """Raise `InvalidRequest` that names `field` for a URL that will never be fetched."""
        ...


class ImageSource(Protocol):
    """Source of pictures at strangers' URLs."""

    async def fetch(self, url: str, destination: str) -> None:
        """Write the bytes at `url` to the file `destination`. Raises `GenerationFailed`."""
        ...
