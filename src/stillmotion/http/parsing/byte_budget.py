"""Back-pressure by bytes: a limit of large bodies in memory, for all callers and for each."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

EMPTY_SECONDS = 1.0
"""Time without a large body after which freed memory is returned."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    owner: str
    size: int
    granted: asyncio.Future[None]


class ByteBudget:
    """Room for `most` bytes, of which one owner has `most_of_one` at a time; sizes are in bytes.

    Owners are served first come, first served, except that an owner at `most_of_one` is passed over, so that a flood of
    one keeps no other waiting. `when_empty` is called in a thread after the last room was given back: the C library
    keeps freed pieces until it is asked to return them.
    """

    def __init__(
        self,
        most: int,
        most_of_one: int,
        when_empty: Callable[[], None] = lambda: None,
        empty_seconds: float = EMPTY_SECONDS,
    ) -> None:
        self._most = most
        self._when_empty, self._empty_seconds = when_empty, empty_seconds
        self._emptied: asyncio.TimerHandle | None = None
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._waiting: deque[_Waiter] = deque()

    async def take(self, owner: str, size: int) -> Callable[[], None]:
        """Take room for `size` bytes, at most `most_of_one`, and wait for it if necessary. The answer gives it back."""
        waiter = _Waiter(owner, min(size, self._most_of_one), asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._give_back(waiter)
            raise
        return partial(self._give_back, waiter)

    def _give_back(self, waiter: _Waiter) -> None:
        self._taken[waiter.owner] -= waiter.size
        if not self._taken[waiter.owner]:
            del self._taken[waiter.owner]
        self._grant()
        if not self._taken:
            loop = asyncio.get_running_loop()
            if self._emptied is not None:
                self._emptied.cancel()
            self._emptied = loop.call_later(self._empty_seconds, loop.run_in_executor, None, self._when_empty)

    def _grant(self) -> None:
        """Give room to the waiters for whom there is some now."""
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
