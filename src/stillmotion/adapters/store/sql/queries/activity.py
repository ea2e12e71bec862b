"""Statements of the service's activity."""

from typing import Final

SUBMITTED_SINCE: Final = "SELECT created_at FROM generations WHERE sequence >= :place AND created_at >= :since"
"""Rows lie in the order of time, so that only late ones are read."""

ENDED_SINCE: Final = """
    SELECT a.started_at, a.ended_at, a.outcome, iif(a.number = 1, a.started_at - g.created_at, NULL)
    FROM attempts a CROSS JOIN generations g ON g.id = a.generation_id
    WHERE a.ended_at >= ? ORDER BY a.ended_at DESC LIMIT ?
"""

FAILURES_SINCE: Final = """
    SELECT failure_code, count(*), max(id) FROM generations
    WHERE state = 'failed' AND finished_at >= ? GROUP BY failure_code
"""

FAILED: Final = "SELECT id, finished_at, failure_reason FROM generations WHERE id IN (SELECT value FROM json_each(?))"
