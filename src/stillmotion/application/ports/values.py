"""Ports of what differs at each call: time, ids, tokens, chance."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

NewId = Callable[[], str]
"""Gives a new UUID in canonical text; ids sort by the time they were made."""

NewToken = Callable[[], str]
"""Gives 256 random bits as 43 URL-safe characters."""

Chance = Callable[[], float]
"""Gives a random number from 0 up to, and not including, 1."""


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...
