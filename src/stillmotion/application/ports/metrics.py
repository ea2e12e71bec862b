"""Port of the metrics of a whole installation: counts of all its processes, and what its database holds now."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

COMMIT_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)
"""Upper bounds of a transaction's duration in seconds."""


class Buckets:
    """Counts of a histogram by its buckets, and the sum of what was observed."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """The buckets, cumulative as Prometheus has them."""
        return cumulative(self.bounds, self.counts)


def cumulative(bounds: Sequence[float], counts: Iterable[float]) -> list[tuple[str, float]]:
    """Upper bounds in words with the number of observations up to each. The last is `+Inf`."""
    total = 0.0
    rows: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        rows.append((bound, total))
    return rows


class Sample(NamedTuple):
    """A sample of a counter or of a histogram: the sample's name, its labels' values, and its number."""

    name: str
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class StoredGauges:
    """Measures of the database as it is now.

    `depth` is the number of queued generations by engine, `oldest` the time at which the longest waiting one was
    submitted. `pending` is the number of undelivered callbacks, `due` the time at which the first of them is due.
    `stored` holds bytes by kind.
    """

    depth: Mapping[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    pending: int = 0
    due: datetime | None = None
    stored: Mapping[str, int] = field(default_factory=dict)


class MetricStore(Protocol):
    """Store of counts that outlive their process."""

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Add these numbers to those of the same names and labels, all or none."""
        ...

    async def samples(self) -> Sequence[Sample]:
        """The sums so far, in the order of names and labels."""
        ...

    async def gauges(self) -> StoredGauges:
        """The database's measures. The queue, the pending callbacks and the sizes are read from indexes alone."""
        ...
