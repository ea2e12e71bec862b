"""Ports of signals: news in the queue, and changes of watched generations."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

from stillmotion.domain.generation import Deletion, Generation

EVERYBODY = ""
"""Name under which all changes are watched, whosever they are."""


class Withdrawal(Protocol):
    """Wake-up of the worker of one generation."""

    async def come(self, timeout: timedelta) -> bool:
        """Return True at the next `withdraw` of the generation, or False after `timeout`."""
        ...


class QueueSignal(Protocol):
    """Wake-up of workers. A signal is haste: whoever waits looks by himself, too, and misses nothing without it."""

    def notify(self) -> None:
        """Wake all who wait for work, in every process that listens."""
        ...

    def wake(self) -> None:
        """Wake those who wait in this process."""
        ...

    async def wait(self, timeout: timedelta) -> None:
        """Return at the next `notify` or `wake`, or after `timeout`."""
        ...

    def withdraw(self, generation_id: str) -> None:
        """Wake the worker of a generation that was cancelled or deleted."""
        ...

    def watching(self, generation_id: str) -> AbstractContextManager[Withdrawal]:
        """Watch for the withdrawal of one generation. None is missed between two waits."""
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
    """Broadcast of generations' changes."""

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
