"""Timeline of a generation: accepted, each attempt, its end, and every callback."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.domain.callbacks import DeliveryAttempt
from stillmotion.domain.generation import Generation
from stillmotion.domain.record.attempts import AttemptRecord, Outcome


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Event in the life of a generation. `seconds` is the duration of the attempt or the callback that ended."""

    at: datetime
    what: str
    attempt: int | None = None
    seconds: float | None = None
    engine: str | None = None
    worker: str | None = None
    reason: str | None = None


def timeline(
    generation: Generation, attempts: Sequence[AttemptRecord], callbacks: Iterable[DeliveryAttempt]
) -> Sequence[TimelineEvent]:
    """All events of a generation in the order of time."""
    events = [TimelineEvent(generation.created_at, "accepted")]
    for each in attempts:
        events += _events_of(each)
    if generation.finished_at is not None and not any(each.ended_at == generation.finished_at for each in attempts):
        # Cancelled before an attempt, or from before attempts were recorded.
        events.append(TimelineEvent(generation.finished_at, generation.state.value, reason=generation.failure_reason))
    events += [
        TimelineEvent(
            each.started_at + each.duration, "callback", each.number, each.duration.total_seconds(), reason=each.answer
        )
        for each in callbacks
    ]
    return sorted(events, key=lambda event: event.at)


def _events_of(attempt: AttemptRecord) -> list[TimelineEvent]:
    engine, worker = attempt.engine, attempt.worker or None
    events = [TimelineEvent(attempt.started_at, "started", attempt.number, engine=engine, worker=worker)]
    if attempt.ended_at is not None and attempt.outcome is not None:
        seconds = max(0.0, (attempt.ended_at - attempt.started_at).total_seconds())
        what = Outcome(attempt.outcome).value
        events.append(TimelineEvent(attempt.ended_at, what, attempt.number, seconds, engine, worker, attempt.reason))
    return events
