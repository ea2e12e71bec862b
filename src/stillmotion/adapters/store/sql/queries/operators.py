"""Statements for operators: the queue's controls and depth, actions, held models, pulls, processes."""

from typing import Final

CONTROLS: Final = "SELECT scope, name, state, since, actor FROM queue_controls"
"""Mostly no row. Each claim reads them in its transaction."""

PUT_CONTROL: Final = """
    INSERT INTO queue_controls (scope, name, state, since, actor) VALUES (:scope, :name, :state, :since, :actor)
    ON CONFLICT (scope, name) DO UPDATE SET state = excluded.state, since = excluded.since, actor = excluded.actor
"""

REMOVE_CONTROL: Final = "DELETE FROM queue_controls WHERE scope = ? AND name = ?"

QUEUE_DEPTH: Final = """
    SELECT engine, 'queued', count(*), min(created_at) FROM generations WHERE state = 'queued' GROUP BY engine
    UNION ALL
    SELECT engine, 'dreaming', count(*), min(created_at) FROM generations WHERE state = 'dreaming' GROUP BY engine
"""
"""Reads unfinished generations alone."""

_ACTION: Final = "id, at, actor, name, target, details, request_id, refused"

ADD_ACTION: Final = f"""
    INSERT INTO actions ({_ACTION}) VALUES (:id, :at, :actor, :name, :target, :details, :request_id, :refused)
"""

REFUSE_ACTION: Final = "UPDATE actions SET refused = ? WHERE id = ?"

ACTIONS: Final = f"SELECT {_ACTION} FROM actions WHERE id < ? ORDER BY id DESC LIMIT ?"

PUT_WISH: Final = """
    INSERT INTO model_wishes (engine, wish, at, actor) VALUES (:engine, :wish, :at, :actor)
    ON CONFLICT (engine) DO UPDATE SET wish = excluded.wish, at = excluded.at, actor = excluded.actor
"""

WISHES: Final = "SELECT engine, wish, at, actor FROM model_wishes ORDER BY engine"
"""One row an engine at most. A free lane reads them every second."""

FORGET_HOLDINGS: Final = "DELETE FROM model_holdings WHERE worker = ?"
FORGET_SILENT: Final = "DELETE FROM model_holdings WHERE told_at < ?"

TELL_HOLDING: Final = """
    INSERT INTO model_holdings (worker, lane, engine, state, reason, told_at)
    VALUES (:worker, :lane, :engine, :state, :reason, :told_at)
    ON CONFLICT (worker, lane, engine) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, told_at = excluded.told_at
"""
"""A lane of the same worker may tell them at the same time."""

HOLDINGS: Final = "SELECT worker, lane, engine, state, reason FROM model_holdings WHERE told_at >= ?"

_PULL: Final = "model, state, there, total, began_with, started_at, told_at, error"

BEGIN_PULL: Final = f"""
    INSERT OR REPLACE INTO pulls ({_PULL})
    VALUES (:model, :state, :there, :total, :began_with, :started_at, :told_at, :error)
"""

ADVANCE_PULL: Final = """
    UPDATE pulls SET state = :state, there = :there, total = :total, began_with = :began_with, told_at = :told_at,
        error = :error
    WHERE model = :model AND state = :under_way AND started_at = :started_at
"""
"""A pull that was begun anew meanwhile is another."""

CANCEL_PULL: Final = """
    UPDATE pulls SET state = :state, told_at = :told_at WHERE model = :model AND state = :under_way
"""

PULLS: Final = f"SELECT {_PULL} FROM pulls ORDER BY model"

_PROCESS: Final = "id, role, host, pid, version, started_at, seen_at, able, engines, lanes"

BEAT: Final = f"""
    INSERT INTO processes ({_PROCESS}, schema)
    VALUES (:id, :role, :host, :pid, :version, :started_at, :seen_at, :able, :engines, :lanes, :schema)
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, able = excluded.able, engines = excluded.engines, lanes = excluded.lanes
    RETURNING (SELECT oldest_code FROM meta)
"""

LIVING_SERVER: Final = "SELECT 1 FROM processes WHERE role = 'server' AND seen_at >= ? LIMIT 1"

FORGET_LOST: Final = "DELETE FROM processes WHERE seen_at < ?"
FORGET_PROCESS: Final = "DELETE FROM processes WHERE id = ?"
PROCESSES: Final = f"SELECT {_PROCESS} FROM processes"

HOLD_DUTY: Final = """
    INSERT INTO duties (name, holder, until, term) VALUES (:name, :holder, :until, 1)
    ON CONFLICT (name) DO UPDATE SET
        term = CASE WHEN duties.holder = excluded.holder THEN duties.term ELSE duties.term + 1 END,
        holder = excluded.holder, until = excluded.until
    WHERE duties.holder = excluded.holder OR duties.until <= :now
    RETURNING term
"""
"""One row with the term; none while another process holds the duty. The rule is `Tenure.passed_to`."""

ADD_READS: Final = """
    INSERT INTO read_windows (subscription_id, ends_at, spent) VALUES (:owner, :until, :reads)
    ON CONFLICT (subscription_id) DO UPDATE SET
        spent = CASE WHEN read_windows.ends_at <= :now THEN excluded.spent ELSE read_windows.spent + excluded.spent END,
        ends_at = CASE WHEN read_windows.ends_at <= :now THEN excluded.ends_at ELSE read_windows.ends_at END
    RETURNING spent, ends_at
"""

FORGET_READS: Final = "DELETE FROM read_windows WHERE ends_at < ?"

FREE_DUTIES: Final = "UPDATE duties SET until = 0 WHERE holder = ?"
