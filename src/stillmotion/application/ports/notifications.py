"""Ports of signals: news in the queue, and changes of a watched generation."""

from datetime import timedelta
from typing import Protocol

from stillmotion.domain.generation import Generation


class QueueSignal(Protocol):
    """Wake-up of workers that wait in this process."""

    def notify(self) -> None:
        """Wake all who wait."""
        ...

    async def wait(self, timeout: timedelta) -> None:
        """Return at the next `notify`, or after `timeout`."""
        ...


class Watch(Protocol):
    """Subscription to the changes of one generation."""

    @property
    def has_ended(self) -> bool:
        """True if no further change will come."""
        ...

    async def next(self, patience: timedelta) -> Generation | None:
        """The next change in their order; None after `patience` without one, or at the end."""
        ...

    def end(self) -> None:
        """End the watch. A waiting `next` returns. It may be called twice."""
        ...


class Changes(Protocol):
    """Broadcast of generations' changes in this process."""

    def tell(self, generation: Generation) -> None:
        """Publish a committed change."""
        ...

    def watch(self, generation_id: str) -> Watch:
        """A watch of all changes from now on, until it is ended. Raises `LimitExceeded`."""
        ...

    def end(self) -> None:
        """End every watch, and each further one at once, because the server stops."""
        ...
