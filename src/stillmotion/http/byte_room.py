"""Back-pressure by bytes: how much of large bodies may be in memory at once, for all callers and for each."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Waiter:
    owner: str
    size: int
    granted: asyncio.Future[None]


class ByteRoom:
    """Room for `most` bytes, of which one owner has `most_of_one` at a time; sizes are in bytes.

    Owners are served in the order in which they came, except that an owner who has had his part waits beside the line:
    one caller's flood does not keep the others out.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._waiting: deque[_Waiter] = deque()

    @asynccontextmanager
    async def taken(self, owner: str, size: int) -> AsyncIterator[None]:
        """Hold room for `size` bytes, `most_of_one` at the most; wait for it where there is none."""
        size = min(size, self._most_of_one)
        waiter = _Waiter(owner, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._grant()
        try:
            await waiter.granted
            yield
        finally:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._taken[owner] -= size
                if not self._taken[owner]:
                    del self._taken[owner]
            else:
                self._waiting.remove(waiter)
            self._grant()

    def _grant(self) -> None:
        """Give room to those who can have it now."""
        still_waiting: deque[_Waiter] = deque()
        while self._waiting:
            first = self._waiting.popleft()
            if self._taken[first.owner] + first.size > self._most_of_one:
                still_waiting.append(first)
                continue
            if self._taken.total() + first.size > self._most:
                self._waiting.appendleft(first)
                break
            self._taken[first.owner] += first.size
            first.granted.set_result(None)
        self._waiting.extendleft(reversed(still_waiting))
