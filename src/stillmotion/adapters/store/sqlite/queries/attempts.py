"""Statements of the attempts of generations."""

from typing import Final

_RECORD: Final = "generation_id, number, engine, worker, started_at, ended_at, outcome, reason"
"""Columns of an attempt, in the order of `attempt_rows.to_record`."""

BEGIN_ATTEMPT: Final = """
    INSERT INTO attempts (generation_id, number, engine, worker, started_at)
    VALUES (:generation_id, :number, :engine, :worker, :started_at)
"""

END_ATTEMPT: Final = """
    UPDATE attempts SET ended_at = :ended_at, outcome = :outcome, reason = :reason
    WHERE generation_id = :generation_id AND number = :number
"""

ATTEMPTS_OF_GENERATION: Final = f"SELECT {_RECORD} FROM attempts WHERE generation_id = ? ORDER BY number"
