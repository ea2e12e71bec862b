"""Signals inside one process: changes of generations, and new work in the queue."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from stillmotion.application.ports.notifications import EVERYBODY
from stillmotion.domain.errors import LimitExceeded, Reason
from stillmotion.domain.generation import Deletion, Generation

MAX_WATCHES: Final = 64
"""Of one generation, or of all of an owner's, at once."""

_RETRY_AFTER: Final = 15


class InProcessWatch:
    """A `Watch`: a queue of changes that its owner has not taken yet."""

    def __init__(self, changes: "InProcessChanges", watched: str) -> None:
        self._changes = changes
        self._watched = watched
        self._told: deque[Generation | Deletion] = deque()
        self._news = asyncio.Event()
        self.has_ended = False

    async def next(self, patience: timedelta) -> Generation | Deletion | None:
        """See `Watch.next`."""
        if not (self._told or self.has_ended):
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience.total_seconds()):
                    await self._news.wait()
        return self._told.popleft() if self._told and not self.has_ended else None

    def end(self) -> None:
        """See `Watch.end`."""
        self.has_ended = True
        self._news.set()
        self._changes.forget(self._watched, self)

    def tell(self, change: Generation | Deletion) -> None:
        """Wake the tasks that wait."""
        self._told.append(change)
        self._news.set()


class InProcessChanges:
    """`Changes` for the tasks of one event loop. A change wakes those that watch its generation, its owner or all."""

    def __init__(self, most_watches: int = MAX_WATCHES) -> None:
        self._most_watches = most_watches
        self._watches: dict[str, set[InProcessWatch]] = {}
        self._has_ended = False

    @property
    def count(self) -> int:
        """The number of open watches."""
        return sum(map(len, self._watches.values()))

    def is_watched(self, generation_id: str, subscription_id: str) -> bool:
        """True if a change of that generation is told to anybody."""
        return not self._watches.keys().isdisjoint((generation_id, subscription_id, EVERYBODY))

    def tell(self, change: Generation | Deletion) -> None:
        """See `Changes.tell`."""
        for watched in (change.id, change.subscription_id, EVERYBODY):
            for watch in self._watches.get(watched, ()):
                watch.tell(change)

    def watch(self, watched: str) -> InProcessWatch:
        """See `Changes.watch`."""
        watches = self._watches.get(watched, set())
        if len(watches) >= self._most_watches:
            raise LimitExceeded(f"{self._most_watches} may watch the same at once", _RETRY_AFTER, Reason.WATCHERS)
        watch = InProcessWatch(self, watched)
        if self._has_ended:
            watch.end()
        else:
            self._watches[watched] = watches
            watches.add(watch)
        return watch

    def end(self) -> None:
        """See `Changes.end`."""
        self._has_ended = True
        for watch in [each for watches in self._watches.values() for each in watches]:
            watch.end()

    def forget(self, watched: str, watch: InProcessWatch) -> None:
        """Tell a watch nothing more."""
        watches = self._watches.get(watched)
        if watches is not None:
            watches.discard(watch)
            if not watches:
                del self._watches[watched]


class InProcessWithdrawal:
    """A `Withdrawal` for one task."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Wake the task that waits, or let its next wait return at once."""
        self._told.set()

    async def come(self, timeout: timedelta) -> bool:
        """See `Withdrawal.come`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout.total_seconds()):
                await self._told.wait()
        has_come = self._told.is_set()
        self._told.clear()
        return has_come


class InProcessSignal:
    """A `QueueSignal` for the tasks of one event loop. No notification is lost between two waits of a task."""

    def __init__(self) -> None:
        self._watching: dict[str, set[InProcessWithdrawal]] = {}
        self._count = 0
        self._next = asyncio.Event()
        self._seen: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def notify(self) -> None:
        """See `QueueSignal.notify`."""
        self.wake()

    def wake(self) -> None:
        """Wake every task that waits, and each task at its next wait if it has not seen this notification."""
        self._count += 1
        # The tasks that wait hold the old event; later ones get a new one, which is not set.
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, timeout: timedelta) -> None:
        """Wait for a notification. One that came since this task's last wait counts."""
        task = asyncio.current_task()
        assert task is not None
        if self._seen.get(task, 0) == self._count:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout.total_seconds()):
                    await self._next.wait()
        self._seen[task] = self._count

    def withdraw(self, generation_id: str) -> None:
        """See `QueueSignal.withdraw`."""
        for each in self._watching.get(generation_id, ()):
            each.tell()

    @contextmanager
    def watching(self, generation_id: str) -> Iterator[InProcessWithdrawal]:
        """See `QueueSignal.watching`."""
        watches, withdrawal = self._watching.setdefault(generation_id, set()), InProcessWithdrawal()
        watches.add(withdrawal)
        try:
            yield withdrawal
        finally:
            watches.discard(withdrawal)
            if not watches:
                self._watching.pop(generation_id, None)
