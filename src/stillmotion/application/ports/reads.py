"""Port of the reads that servers count, where several share a database."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol


class SharedWindow(NamedTuple):
    """Rate window of a subscription over all servers: its reads so far, and its end."""

    spent: int
    ends_at: datetime


class ReadStore(Protocol):
    """Store of the reads that servers count, each for itself."""

    async def add_reads(self, reads: Mapping[str, int], until: datetime, now: datetime) -> Mapping[str, SharedWindow]:
        """Add reads to the windows of their subscriptions, and return these windows.

        A window that is over by now is followed by one up to `until`. A crash of the database may lose them.
        """
        ...

    async def forget_reads(self, before: datetime) -> None:
        """Forget the windows that ended before."""
        ...
