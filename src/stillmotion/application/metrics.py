"""Metrics of the whole installation: the series, and the counts of one process until they are added to the store."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stillmotion.application.ports.metrics import Sample
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State

MINUTES: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Buckets of waits and renders: upper bounds in seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """A counter, or a histogram where it has `buckets` (upper bounds). No label is a key or an id.

    `known` are the values of the last label that are shown as 0 before they happen: Prometheus sees no increase in a
    series that begins with 1.
    """

    name: str
    says: str
    labels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


OUTCOMES: Final = (State.COMPLETED.value, State.FAILED.value, State.CANCELLED.value)

SUBMITS: Final = Series("stillmotion_submits", "Accepted generations.", ("surface", "model"))
GENERATIONS: Final = Series(
    "stillmotion_generations",
    "Generations that came to their end.",
    ("surface", "model", "outcome"),
    OUTCOMES,
)
VIDEO_SECONDS: Final = Series("stillmotion_video_seconds", "Length of completed clips.", ("product",))
ATTEMPTS: Final = Series(
    "stillmotion_attempts",
    "Attempts at a generation that came to their end.",
    ("outcome",),
    ("completed", "failed", "handed_on", "hindered", "handed_back", "cancelled", "lost"),
)
QUEUE_WAIT: Final = Series(
    "stillmotion_queue_wait_seconds",
    "From a generation's submit to its first attempt.",
    ("engine", "model"),
    buckets=MINUTES,
)
RENDER: Final = Series(
    "stillmotion_render_seconds",
    "Duration of successful renders, or of another server's work.",
    ("engine", "model"),
    buckets=MINUTES,
)
CALLBACKS: Final = Series(
    "stillmotion_callbacks",
    "Attempts to deliver a callback. After `failed` there is another try, after `gave_up` there is none.",
    ("outcome",),
    ("delivered", "failed", "gave_up"),
)
FETCHES: Final = Series(
    "stillmotion_fetches",
    "Downloads of pictures and videos from callers' URLs: `fetched`, or the failure's code.",
    ("outcome",),
    ("fetched",),
)
UPSTREAM: Final = Series(
    "stillmotion_upstream_requests",
    "Requests to other servers that make clips.",
    ("server", "outcome"),
    ("answered", "refused", "failed", "unreachable"),
)

SERIES: Final = (
    SUBMITS,
    GENERATIONS,
    VIDEO_SECONDS,
    ATTEMPTS,
    QUEUE_WAIT,
    RENDER,
    CALLBACKS,
    FETCHES,
    UPSTREAM,
)


class Tally:
    """Counts of this process that are not in the store yet. Only its event loop counts: nothing is locked."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, tuple[str, ...]], float] = defaultdict(float)

    def count(self, series: Series, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        self._counts[f"{series.name}_total", labels] += by

    def observe(self, series: Series, seconds: float, *labels: str) -> None:
        """Add an observation to a histogram. Its buckets are kept apart, not cumulative."""
        bounds = (*map(str, series.buckets), "+Inf")
        bound = bounds[bisect_left(series.buckets, seconds)]
        self._counts[f"{series.name}_bucket", (*labels, bound)] += 1
        self._counts[f"{series.name}_sum", labels] += seconds

    def submitted(self, generation: Generation) -> None:
        """Count a new generation."""
        self.count(SUBMITS, generation.surface, generation.request.model)

    def ended(self, generation: Generation) -> None:
        """Count a generation that has come to its end. The product stands for its subscription until it is stored."""
        self.count(GENERATIONS, generation.surface, generation.request.model, generation.state.value)
        if generation.state is State.COMPLETED:
            self.count(VIDEO_SECONDS, generation.subscription_id, by=generation.request.seconds)

    def take(self) -> list[Sample]:
        """All counts, which begin anew."""
        taken, self._counts = self._counts, defaultdict(float)
        return [Sample(name, labels, value) for (name, labels), value in taken.items()]

    def give_back(self, samples: Sequence[Sample]) -> None:
        """Count what was taken and could not be stored once more."""
        for name, labels, value in samples:
            self._counts[name, labels] += value
