"""Status of the service: is it well, why not, and what to do; how much waits, and how long things take."""

import builtins
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final, Protocol

from stillmotion.application.operators.queue_administration import QueueAdministration, QueueState
from stillmotion.application.ports.activity import Activity, ActivityStore
from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.metrics import MetricStore
from stillmotion.application.ports.store import SubscriptionStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.operators.processes import ProcessReport, ProcessRole
from stillmotion.domain.quotas import period
from stillmotion.domain.record.attempts import Outcome
from stillmotion.domain.subscriptions import SubscriptionState

HOUR: Final = timedelta(hours=1)
MINUTES: Final = 60
NEAR: Final = 0.8
"""Part of a quota from which its subscription is near its limit."""

EXAMINED_FOR: Final = 30.0
"""Seconds for which the result of an examination is shown again: it writes to the disk and to the storage."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Result of one check. One with a remedy is a problem."""

    name: str
    said: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """True if nothing is to be done."""
        return not self.remedy


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile in seconds; None where nothing was measured."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class NearLimit:
    """A subscription that has used most of its month's video-seconds."""

    subscription_id: str
    limit: float
    used: float


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of the disk that the data directory is on."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class ServiceState:
    """State of the service at a time. The lines have a number for each of the last 60 minutes, the latest last."""

    checks: Sequence[HealthCheck]
    server: ProcessReport | None
    uptime: timedelta | None
    workers: int
    queue: QueueState
    wait: Spread
    render: Spread
    submitted: Sequence[int]
    completed: Sequence[int]
    failed: Sequence[int]
    disk: Space
    stored: int
    near_limit: Sequence[NearLimit]

    @property
    def is_well(self) -> bool:
        """True if every check is well."""
        return all(each.is_well for each in self.checks)


class StatusStore(ActivityStore, ProcessStore, MetricStore, SubscriptionStore, Protocol):
    """Store of everything that the status is made of."""


@dataclass(slots=True)
class ServiceStatus:
    """The service's status. `examine` makes the checks of this machine and installation, `disk` measures the disk."""

    store: StatusStore
    queue: QueueAdministration
    clock: Clock
    examine: Callable[[], Awaitable[Sequence[HealthCheck]]]
    disk: Callable[[], Space]
    _examined: Sequence[HealthCheck] = field(default=(), repr=False)
    _examined_at: float | None = None

    async def now(self, more: Iterable[HealthCheck] = ()) -> ServiceState:
        """The state as it is now. `more` are checks that the caller has made, which stand for those of their names."""
        now, made = self.clock.now(), tuple(more)
        names = {each.name for each in made}
        happened = await self.store.activity(now - HOUR)
        alive = [each for each in await self.store.processes() if not each.is_silent(now)]
        server = next((each for each in alive if each.role is ProcessRole.SERVER), None)
        return ServiceState(
            checks=[*made, *(each for each in await self._checks() if each.name not in names)],
            server=server,
            uptime=None if server is None else now - server.started_at,
            workers=sum(bool(each.lanes) for each in alive),
            queue=await self.queue.state(),
            wait=spread(each.waited for each in happened.ended if each.waited is not None),
            render=spread(_seconds(happened, Outcome.COMPLETED)),
            submitted=by_minute(happened.submitted, now),
            completed=by_minute(_ends(happened, Outcome.COMPLETED), now),
            failed=by_minute(_ends(happened, Outcome.FAILED), now),
            disk=self.disk(),
            stored=sum((await self.store.gauges()).stored.values()),
            near_limit=await self._near_limit(now),
        )

    async def _checks(self) -> Sequence[HealthCheck]:
        """The checks of this machine, made anew after a while."""
        now = self.clock.monotonic()
        if self._examined_at is None or now - self._examined_at >= EXAMINED_FOR:
            self._examined_at = now
            self._examined = await self.examine()
        return self._examined

    async def _near_limit(self, now: datetime) -> builtins.list[NearLimit]:
        found = []
        for subscription, _ in await self.store.subscriptions():
            limit = subscription.product.video_seconds_per_month
            if limit is None or subscription.state_at(now) is not SubscriptionState.ACTIVE:
                continue
            used = (await self.store.usage(subscription.id, period(now))).video_seconds
            if used >= NEAR * limit:
                found.append(NearLimit(subscription.id, limit, used))
        return found


def _ends(happened: Activity, outcome: Outcome) -> builtins.list[datetime]:
    return [each.ended_at for each in happened.ended if each.outcome is outcome]


def _seconds(happened: Activity, outcome: Outcome) -> builtins.list[float]:
    return [(each.ended_at - each.started_at).total_seconds() for each in happened.ended if each.outcome is outcome]


def spread(seconds: Iterable[float]) -> Spread:
    """Median and 95th percentile, each a number that was measured (nearest rank)."""
    ordered = sorted(seconds)
    if not ordered:
        return Spread(None, None)
    return Spread(*(ordered[max(0, ceil(part * len(ordered)) - 1)] for part in (0.5, 0.95)))


def by_minute(times: Iterable[datetime], now: datetime) -> Sequence[int]:
    """Number of times in each of the last 60 minutes, the latest last."""
    counts = [0] * MINUTES
    for each in times:
        ago = int((now - each) / timedelta(minutes=1))
        if 0 <= ago < MINUTES:
            counts[MINUTES - 1 - ago] += 1
    return counts
