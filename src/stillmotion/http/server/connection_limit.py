"""Connection limit with eviction of idle connections."""

import asyncio
from collections.abc import Hashable


class ConnectionLimit:
    """Limit of connections. At `most` of them, a new connection evicts the one that has been idle longest.

    A connection is idle while the head of its next request is not complete. It is never evicted while its request is
    answered or its body is read. This protects against slow-loris: callers who send nothing, or never a whole request,
    keep nobody out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Hashable, asyncio.Transport] = {}
        self._idle: dict[Hashable, None] = {}

    @property
    def is_exceeded(self) -> bool:
        """True if there are more connections than allowed and none of them is idle."""
        return len(self._open) > self._most

    def join(self, connection: Hashable, transport: asyncio.Transport) -> None:
        """Add a connection. It is idle until its first request."""
        if len(self._open) >= self._most and self._idle:
            longest = next(iter(self._idle))
            evicted = self._open[longest]
            self.leave(longest)
            evicted.abort()
        self._open[connection] = transport
        self._idle[connection] = None

    def leave(self, connection: Hashable) -> None:
        """Remove a connection."""
        self._open.pop(connection, None)
        self._idle.pop(connection, None)

    def begin(self, connection: Hashable) -> None:
        """Mark a connection as busy with a request."""
        self._idle.pop(connection, None)

    def end(self, connection: Hashable) -> None:
        """Mark a connection as idle: its request was answered."""
        if connection in self._open:
            self._idle[connection] = None
