"""Statements of processes and their heartbeats."""

from typing import Final

_PROCESS: Final = "id, role, host, pid, version, started_at, seen_at, able, engines, lanes"

BEAT: Final = f"""
    INSERT INTO processes ({_PROCESS})
    VALUES (:id, :role, :host, :pid, :version, :started_at, :seen_at, :able, :engines, :lanes)
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, able = excluded.able, engines = excluded.engines, lanes = excluded.lanes
"""

FORGET_LOST: Final = "DELETE FROM processes WHERE seen_at < ?"
FORGET_PROCESS: Final = "DELETE FROM processes WHERE id = ?"
PROCESSES: Final = f"SELECT {_PROCESS} FROM processes"
