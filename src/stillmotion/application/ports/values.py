"""Ports of values that differ at each call: time, ids, tokens, randomness."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from stillmotion.domain.request import VideoCodec

NewId = Callable[[], str]
"""Maker of UUIDs in canonical text, which sort by their time."""

NewToken = Callable[[], str]
"""Maker of tokens: 256 random bits as 43 URL-safe characters."""

Chance = Callable[[], float]
"""Source of random numbers from 0 up to, and not including, 1."""

CanEncode = Callable[[VideoCodec], Awaitable[bool]]
"""Takes a codec, and answers True if clips can be compressed so here."""


async def any_codec(_: VideoCodec) -> bool:
    """A `CanEncode` of an installation that lacks nothing."""
    return True


class Clock(Protocol):
    """Clock, passed in wherever time is needed."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...
