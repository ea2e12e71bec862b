"""Between the rows of the outbox and what they mean."""

from datetime import timedelta

from stillmotion.adapters.store.sqlite.generation_rows import Bindings, Row, microseconds, to_time
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState
from stillmotion.domain.lifecycle import State

_MICROSECOND = timedelta(microseconds=1)


def from_delivery(delivery: Delivery) -> Bindings:
    """The bindings of a delivery's whole row."""
    return {
        "id": delivery.id,
        "generation_id": delivery.generation_id,
        "announces": delivery.announces.value,
        "url": delivery.url,
        "endpoint": delivery.line,
        "due_at": microseconds(delivery.due_at),
        "attempts": delivery.attempts,
        "state": delivery.state.value,
        "last_answer": delivery.last_answer,
        "replays": delivery.replays,
    }


def to_delivery(row: Row) -> Delivery:
    """A delivery, from its columns in the order of `statements`."""
    id_, generation_id, announces, url, due_at, attempts, state, last_answer, replays, line = row
    return Delivery(
        id_,
        generation_id,
        State(announces),
        url,
        to_time(due_at),
        attempts,
        DeliveryState(state),
        last_answer,
        replays,
        line.partition(" ")[2],
    )


def from_attempt(delivery_id: str, attempt: DeliveryAttempt) -> Bindings:
    """The bindings of an attempt's whole row."""
    return {
        "delivery_id": delivery_id,
        "replay": attempt.replay,
        "number": attempt.number,
        "started_at": microseconds(attempt.started_at),
        "duration": attempt.duration // _MICROSECOND,
        "status": attempt.status,
        "reason": attempt.reason,
    }


def to_attempt(row: Row) -> DeliveryAttempt:
    """An attempt, from its columns in the order of `statements`."""
    replay, number, started_at, duration, status, reason = row
    return DeliveryAttempt(replay, number, to_time(started_at), duration * _MICROSECOND, status, reason)
