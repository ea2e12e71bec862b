"""Statements for operators: controls of the queue, its depth, the log of actions."""

from typing import Final

CONTROLS: Final = "SELECT scope, name, state, since, actor FROM queue_controls"
"""Mostly no row. Each claim reads them in its transaction."""

PUT_CONTROL: Final = """
    INSERT INTO queue_controls (scope, name, state, since, actor) VALUES (:scope, :name, :state, :since, :actor)
    ON CONFLICT (scope, name) DO UPDATE SET state = excluded.state, since = excluded.since, actor = excluded.actor
"""

REMOVE_CONTROL: Final = "DELETE FROM queue_controls WHERE scope = ? AND name = ?"

QUEUE_DEPTH: Final = """
    SELECT engine, state, count(*), min(created_at) FROM generations WHERE state = 'queued' GROUP BY engine
    UNION ALL
    SELECT engine, state, count(*), min(created_at) FROM generations WHERE state = 'dreaming' GROUP BY engine
"""
"""Reads unfinished generations alone."""

_ACTION: Final = "id, at, actor, name, target, details, request_id, refused"

ADD_ACTION: Final = f"""
    INSERT INTO actions ({_ACTION}) VALUES (:id, :at, :actor, :name, :target, :details, :request_id, :refused)
"""

REFUSE_ACTION: Final = "UPDATE actions SET refused = ? WHERE id = ?"

ACTIONS: Final = f"SELECT {_ACTION} FROM actions WHERE id < ? ORDER BY id DESC LIMIT ?"
