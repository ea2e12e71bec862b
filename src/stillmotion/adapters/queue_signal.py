"""Waking those who wait for work, inside one process."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary


class InProcessSignal:
    """A `QueueSignal` for the tasks of one event loop. No notification is lost between two waits of a task."""

    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()
        self._seen: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def notify(self) -> None:
        """Wake everyone who waits, and whoever comes to wait without having seen this."""
        self._count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, timeout: timedelta) -> None:
        """Return at once where there was a notification since this task's last wait, else at the next."""
        task = asyncio.current_task()
        assert task is not None
        if self._seen.get(task, 0) == self._count:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout.total_seconds()):
                    await self._next.wait()
        self._seen[task] = self._count
