"""Ports of signals: news in the queue, and changes of a generation for who watches it."""

from datetime import timedelta
from typing import Protocol

from stillmotion.domain.generation import Generation


class QueueSignal(Protocol):
    """Wakes a worker that waits for work in this process."""

    def notify(self) -> None:
        """There may be something to do."""
        ...

    async def wait(self, timeout: timedelta) -> None:
        """Return at the next `notify`, or after `timeout`."""
        ...


class Watch(Protocol):
    """Somebody's look at one generation."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be told."""
        ...

    async def next(self, patience: timedelta) -> Generation | None:
        """The next change, in the order in which they came; None after `patience` without one, or at the end."""
        ...

    def end(self) -> None:
        """Be told nothing more; whoever waits in `next` returns. May be said twice."""
        ...


class Changes(Protocol):
    """What becomes of generations, told as it happens in this process."""

    def tell(self, generation: Generation) -> None:
        """A change of this generation is committed."""
        ...

    def watch(self, generation_id: str) -> Watch:
        """Be told of every change from now on, until the watch is ended. Raises `LimitExceeded`."""
        ...

    def end(self) -> None:
        """End every watch, and every further one at once: the server stops."""
        ...
