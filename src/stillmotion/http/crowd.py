"""All connections of a server: how many there may be, and who makes room where there are more."""

from typing import Protocol


class Caller(Protocol):
    """A connection, as the crowd sees it."""

    def drop(self) -> None:
        """Waste no more time on it."""
        ...


class Crowd:
    """`waiting` are the connections that wait for a request, the longest first: they enter and leave it themselves.

    `is_full` where there are as many as may be.

    Where there are `most`, whoever has waited longest goes, so that callers who connect and say nothing, or never
    all of it, keep nobody out. What is being answered, or takes in a body, stays.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._all: set[Caller] = set()
        self.waiting: dict[Caller, None] = {}
        self.is_full = most < 1

    def join(self, caller: Caller) -> None:
        """A new connection, which waits for its first request."""
        self._all.add(caller)
        self._count()
        if self.is_full and self.waiting:
            longest = next(iter(self.waiting))
            self.leave(longest)
            longest.drop()
        self.waiting[caller] = None

    def leave(self, caller: Caller) -> None:
        """A connection is gone, or as good as gone."""
        self._all.discard(caller)
        self._count()
        self.waiting.pop(caller, None)

    def _count(self) -> None:
        self.is_full = len(self._all) >= self._most
