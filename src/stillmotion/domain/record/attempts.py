"""Attempts of a generation: one row a claim, with its outcome."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State

LOST_REASON = "Its worker stopped answering; it was made again."


class Outcome(StrEnum):
    """Outcome of an attempt. After the first three the generation is in the queue again."""

    ATTEMPT_FAILED = "attempt_failed"
    HANDED_BACK = "handed_back"
    LOST = "lost"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """Record of one attempt. `worker` names the process that made it; empty where that is unknown.

    `ended_at` and `outcome` are None while it is under way. `reason` is a sentence, if the attempt failed.
    """

    generation_id: str
    number: int
    engine: str
    worker: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str | None = None


def begun(before: Generation, after: Generation, worker: str, now: datetime) -> AttemptRecord | None:
    """Record of the attempt that a change begins; None for any other change."""
    if after.state is not State.DREAMING or after.attempt == before.attempt:
        return None
    return AttemptRecord(after.id, after.attempt, after.engine, worker, after.started_at or now)


def outcome(before: Generation, after: Generation) -> Outcome | None:
    """Outcome of the attempt that a change ends; None for any other change."""
    if before.state is not State.DREAMING or after.state is State.DREAMING:
        return None
    if after.state is not State.QUEUED:
        return Outcome(after.state.value)
    if after.losses > before.losses:
        return Outcome.LOST
    return Outcome.ATTEMPT_FAILED if after.failures > before.failures else Outcome.HANDED_BACK


def reason(ended: Outcome, after: Generation) -> str | None:
    """Reason of an outcome, in the sentence of the failure; None for a good one."""
    match ended:
        case Outcome.ATTEMPT_FAILED:
            return after.setback
        case Outcome.FAILED:
            return after.failure_reason
        case Outcome.LOST:
            return LOST_REASON
        case _:
            return None
