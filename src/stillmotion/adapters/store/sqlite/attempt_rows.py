"""Rows of attempts, within the transaction that begins or ends one."""

from datetime import datetime

import apsw

from stillmotion.adapters.store.sqlite.generation_rows import Row, microseconds, to_time
from stillmotion.adapters.store.sqlite.queries import attempts
from stillmotion.domain.generation import Generation
from stillmotion.domain.record.attempts import AttemptRecord, Outcome, begun, outcome, reason


def keep_attempt(
    connection: apsw.Connection, before: Generation, after: Generation, worker: str, now: datetime
) -> None:
    """Write the attempt that a change of a generation begins or ends."""
    new = begun(before, after, worker, now)
    if new is not None:
        connection.execute(
            attempts.BEGIN_ATTEMPT,
            {
                "generation_id": new.generation_id,
                "number": new.number,
                "engine": new.engine,
                "worker": new.worker,
                "started_at": microseconds(new.started_at),
            },
        )
    ended = outcome(before, after)
    if ended is not None:
        connection.execute(
            attempts.END_ATTEMPT,
            {
                "generation_id": after.id,
                "number": before.attempt,
                "ended_at": microseconds(after.finished_at or now),
                "outcome": ended.value,
                "reason": reason(ended, after),
            },
        )


def to_record(row: Row) -> AttemptRecord:
    """An attempt, from its columns in the order of `queries.attempts`."""
    generation_id, number, engine, worker, started_at, ended_at, ended, why = row
    return AttemptRecord(
        generation_id,
        number,
        engine,
        worker,
        to_time(started_at),
        None if ended_at is None else to_time(ended_at),
        None if ended is None else Outcome(ended),
        why,
    )
