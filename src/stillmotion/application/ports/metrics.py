"""Port of the metrics of a whole installation: counts of all its processes, and what its database holds now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol


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
