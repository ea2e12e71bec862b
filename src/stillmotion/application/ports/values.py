"""Ports of values that differ at each call: time, ids, tokens, randomness."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

NewId = Callable[[], str]
"""Maker of UUIDs in canonical text, which sort by their time."""

NewToken = Callable[[], str]
"""Maker of tokens: 256 random bits as 43 URL-safe characters."""

Chance = Callable[[], float]
"""Source of random numbers from 0 up to, and not including, 1."""


class Clock(Protocol):
    """Clock, passed in wherever time is needed."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...
