"""Ports of signals: news in the queue, and changes of watched generations."""

from datetime import timedelta
from typing import Protocol

from stillmotion.domain.generation import Deletion, Generation

EVERYBODY = ""
"""Name under which all changes are watched, whosever they are."""


class QueueSignal(Protocol):
    """Wake-up of workers that wait in this process."""

    def notify(self) -> None:
        """Wake all who wait."""
        ...

    async def wait(self, timeout: timedelta) -> None:
        """Return at the next `notify`, or after `timeout`."""
        ...


class Watch(Protocol):
    """Subscription to the changes of one generation, or of all of an owner's."""

    @property
    def has_ended(self) -> bool:
        """True if no further change will come."""
        ...

    async def next(self, patience: timedelta) -> Generation | Deletion | None:
        """The next change in their order; None after `patience` without one, or at the end."""
        ...

    def end(self) -> None:
        """End the watch. A waiting `next` returns. It may be called twice."""
        ...


class Changes(Protocol):
    """Broadcast of generations' changes in this process."""

    def tell(self, change: Generation | Deletion) -> None:
        """Publish a committed change."""
        ...

    def watch(self, watched: str) -> Watch:
        """A watch of all changes from now on, until it is ended. Raises `LimitExceeded`.

        `watched` is the id of a generation, or of the subscription whose generations are all watched.
        """
        ...

    def end(self) -> None:
        """End every watch, and each further one at once, because the server stops."""
        ...
