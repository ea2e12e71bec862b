"""Port of what happened lately in the whole service, for operators."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.record.attempts import Outcome


class EndedAttempt(NamedTuple):
    """An attempt that ended: its times and its outcome. `waited` is in seconds, None but for a first attempt."""

    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    waited: float | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Activity since a time: the times of submits, and the attempts that ended."""

    submitted: Sequence[datetime]
    ended: Sequence[EndedAttempt]


@dataclass(frozen=True, slots=True)
class FailureCount:
    """Failures of one code, of which the latest has the sentence."""

    code: str
    count: int
    latest: str
    latest_at: datetime
    sentence: str


class ActivityStore(Protocol):
    """Store of the service's activity."""

    async def activity(self, since: datetime) -> Activity:
        """Activity since a time. Deleted generations are left out."""
        ...

    async def failure_counts(self, since: datetime) -> Sequence[FailureCount]:
        """Everybody's generations that failed since a time, by code, the most frequent first."""
        ...


class EverybodysCallbackStore(Protocol):
    """Store of everybody's callbacks."""

    async def everybodys_deliveries(
        self, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[tuple[str, Delivery]]:
        """Up to `limit` deliveries in these states with their subscriptions' ids, those that were caused last first.

        The list begins after the delivery `after`. Raises `CallbackNotFound` for an unknown one.
        """
        ...
