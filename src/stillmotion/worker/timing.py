"""Intervals of a worker, in one place."""

from dataclasses import dataclass
from datetime import timedelta

from stillmotion.application.ports.values import Chance


@dataclass(frozen=True, slots=True)
class WorkerTiming:
    """Intervals of a worker's repeated work, and its deadlines for others.

    `renew` is the interval of a lease's renewals, `reclaim` that of looks for expired leases. The second is longer, so
    that every worker renews its leases between two looks. A new stage is written after the pause `stage`, unless it has
    passed by then. `preview_removal` is the deadline for storage to remove the preview at an attempt's end. A preview
    that is left behind is an orphan for the sweep.
    """

    renew: timedelta = timedelta(seconds=1)
    reclaim: timedelta = timedelta(seconds=2)
    stage: timedelta = timedelta(seconds=0.1)
    preview_removal: timedelta = timedelta(seconds=2)


WORKER_TIMING = WorkerTiming()


def evenly() -> float:
    """A `Chance` that is always in the middle."""
    return 0.5


def around(interval: timedelta, chance: Chance) -> timedelta:
    """The interval, up to a fifth longer or shorter: the looks of many processes shall not fall together."""
    return interval * (0.8 + 0.4 * chance())
