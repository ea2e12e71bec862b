"""The database as a whole: every store port, and what only the part that opens it needs."""

from datetime import datetime
from typing import Protocol

from stillmotion.application.ports.activity import ActivityStore, EverybodysCallbackStore
from stillmotion.application.ports.administration import (
    ActionStore,
    DutyStore,
    EverybodysStore,
    ProcessStore,
    QueueStore,
)
from stillmotion.application.ports.history import FailureStore, LinkStore
from stillmotion.application.ports.lists import ListStore
from stillmotion.application.ports.metrics import Buckets, MetricStore
from stillmotion.application.ports.models import ModelStore
from stillmotion.application.ports.reads import ReadStore
from stillmotion.application.ports.record import UsageLedger
from stillmotion.application.ports.store import (
    AccessStore,
    CallbackStore,
    RetentionStore,
    SubscriptionStore,
    UploadStore,
)


class Store(
    RetentionStore,
    ListStore,
    FailureStore,
    LinkStore,
    UploadStore,
    AccessStore,
    SubscriptionStore,
    CallbackStore,
    QueueStore,
    ActionStore,
    EverybodysStore,
    EverybodysCallbackStore,
    ProcessStore,
    DutyStore,
    ReadStore,
    ActivityStore,
    UsageLedger,
    MetricStore,
    ModelStore,
    Protocol,
):
    """Every store port over one database."""

    @property
    def commit_times(self) -> Buckets:
        """Durations of this process's transactions, up to the disk."""
        ...

    @property
    def displaced(self) -> str | None:
        """A sentence about files of the database that are not in their place, with the remedy; None if all are."""
        ...

    async def check(self) -> None:
        """Raise `StoreUnavailable` if the database cannot be written to just now."""
        ...

    async def time(self) -> datetime:
        """The present by the database's clock. All processes that share the database agree on it."""
        ...

    def close(self) -> None:
        """Finish the operations under way and close the database; may be called twice."""
        ...
