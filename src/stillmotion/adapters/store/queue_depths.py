"""Depths of the queue by engine: the same sums for every store."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from stillmotion.application.ports.administration import QueueDepth
from stillmotion.domain.lifecycle import State

Counted = tuple[str, State, int, datetime]
"""An engine, a state, the number of its generations in that state, and the submit of the oldest."""


def to_depths(counted: Iterable[Counted]) -> Sequence[QueueDepth]:
    """The depth of each engine with unfinished generations, in the order of their names."""
    found: dict[str, QueueDepth] = {}
    for engine, state, count, oldest in counted:
        known = found.get(engine, QueueDepth(engine, 0, 0, None))
        if state is State.QUEUED:
            found[engine] = QueueDepth(engine, count, known.dreaming, oldest)
        else:
            found[engine] = QueueDepth(engine, known.queued, count, known.oldest_at)
    return [found[engine] for engine in sorted(found)]
