"""Connection limit: how many connections there may be, and which one makes room for a new one."""

import asyncio
from collections.abc import Hashable


class ConnectionLimit:
    """Counts connections. When there are `most`, a new connection evicts the one that has been idle longest.

    A connection is idle while it waits for a request to be whole. A connection whose request is being answered, or
    whose body is being read, is never evicted. This protects against slow-loris: callers who connect and say nothing,
    or never all of it, keep nobody out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Hashable, asyncio.Transport] = {}
        self._idle: dict[Hashable, None] = {}

    @property
    def is_exceeded(self) -> bool:
        """Whether there are more connections than there may be, none of them idle."""
        return len(self._open) > self._most

    def join(self, connection: Hashable, transport: asyncio.Transport) -> None:
        """A new connection, idle until its first request."""
        if len(self._open) >= self._most and self._idle:
            longest = next(iter(self._idle))
            evicted = self._open[longest]
            self.leave(longest)
            evicted.abort()
        self._open[connection] = transport
        self._idle[connection] = None

    def leave(self, connection: Hashable) -> None:
        """A connection is gone."""
        self._open.pop(connection, None)
        self._idle.pop(connection, None)

    def begin(self, connection: Hashable) -> None:
        """A request of the connection is being answered."""
        self._idle.pop(connection, None)

    def end(self, connection: Hashable) -> None:
        """It was answered."""
        if connection in self._open:
            self._idle[connection] = None
