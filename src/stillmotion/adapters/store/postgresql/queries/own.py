"""Statements that PostgreSQL has in a form of its own, by the shared statement in whose place they stand.

Placeholders and bindings are the shared statement's. `generations_now` is a view of the rows and their leases.
"""

from collections.abc import Mapping
from typing import Final

from stillmotion.adapters.store.postgresql.queries.picture import PICTURE_OF_QUEUE
from stillmotion.adapters.store.sql.queries import (
    activity,
    callbacks,
    generations,
    history,
    lines,
    metrics,
    operators,
    records,
    sessions,
)
from stillmotion.adapters.store.sql.queries.columns import COLUMNS

_LEASED: Final = ("lease_until",)
_KEPT: Final = [column for column in COLUMNS.split(", ") if column not in _LEASED]

INSERT_GENERATION: Final = f"""
    INSERT INTO generations ({", ".join(_KEPT)}, model, resolution, video)
    SELECT
        {", ".join(f":{column}" for column in _KEPT)}, part ->> 'model', part ->> 'resolution',
        round(CAST(part ->> 'seconds' AS numeric) * 1000000)
    FROM CAST(:request AS jsonb) AS part
"""
"""Every generation begins without a lease."""

_CHANGED: Final = (
    "engine", "remote", "state", "attempt", "failures", "progress", "failure_code", "failure_reason", "plan",
    "finished_at", "video_key", "video_size", "video_digest", "thumbnail_key", "thumbnail_size", "thumbnail_digest",
    "poster_key", "poster_size", "poster_digest", "preview_video_key", "preview_video_size", "preview_video_digest",
    "losses", "preview", "started_at", "stage", "seed", "width", "height", "cost",
)  # fmt: skip

CHANGED: Final = f"""
    changed AS (
        UPDATE generations SET {", ".join(f"{column} = :{column}" for column in _CHANGED)}
        WHERE id = :id AND attempt = :fence RETURNING id, engine, state, attempt, progress, stage, preview
    ), ended AS (
        DELETE FROM leases USING changed WHERE generation_id = changed.id AND changed.state <> 'dreaming'
    ), kept AS (
        INSERT INTO leases AS l (generation_id, attempt, lease_until, progress, stage, preview)
        SELECT id, attempt, CAST(:lease_until AS bigint), progress, stage, preview FROM changed
        WHERE state = 'dreaming'
        ON CONFLICT (generation_id) DO UPDATE SET
            attempt = excluded.attempt, stage = excluded.stage, preview = excluded.preview,
            lease_until = CASE WHEN l.attempt = excluded.attempt THEN greatest(l.lease_until, excluded.lease_until)
                ELSE excluded.lease_until END,
            progress = CASE WHEN l.attempt = excluded.attempt THEN greatest(l.progress, excluded.progress)
                ELSE excluded.progress END
    )
"""
"""The row, and the lease of one that is being rendered. A renewal that came meanwhile is not taken back by it."""

UPDATE_GENERATION: Final = f"WITH {CHANGED} SELECT 1 FROM changed"

OWN: Final[Mapping[str, str]] = {
    activity.SUBMITTED_SINCE: """
        SELECT created_at FROM generations
        WHERE id >= overlay(lpad(to_hex(CAST(:place AS bigint) >> 21), 12, '0') PLACING '-' FROM 9 FOR 0)
            AND created_at >= :since
    """,
    activity.ENDED_SINCE: """
        SELECT a.started_at, a.ended_at, a.outcome, CASE WHEN a.number = 1 THEN a.started_at - g.created_at END
        FROM attempts a JOIN generations g ON g.id = a.generation_id
        WHERE a.ended_at >= ? ORDER BY a.ended_at DESC LIMIT ?
    """,
    callbacks.DUE_DELIVERIES: f"""
        WITH {callbacks.PENDING_ENDPOINTS}
        SELECT {callbacks.DELIVERY} FROM endpoints CROSS JOIN LATERAL (
            SELECT {callbacks.DELIVERY} FROM deliveries d
            WHERE d.state = 'pending' AND d.endpoint = name AND d.due_at <= ? ORDER BY d.due_at, d.sequence LIMIT ?
        ) AS d
    """,
    callbacks.RECORD_ATTEMPT: """
        INSERT INTO delivery_attempts (delivery_id, replay, number, started_at, duration, status, reason)
        SELECT id, :replay, :number, :started_at, :duration, CAST(:status AS bigint), CAST(:reason AS text)
        FROM deliveries WHERE id = :delivery_id
        ON CONFLICT DO NOTHING
    """,
    generations.INSERT_GENERATION: INSERT_GENERATION,
    generations.PLACE_GENERATION: f"{INSERT_GENERATION} RETURNING sequence",
    generations.UPDATE_GENERATION: UPDATE_GENERATION,
    history.INSERT_ENTRY: """
        INSERT INTO list_entries (subscription_id, generation_id, created_at, state, model, metadata, text)
        VALUES (:subscription_id, :id, :created_at, :state, :model, :metadata, :text)
    """,
    generations.WATCHED_UNTIL: "SELECT watched_until FROM leases WHERE generation_id = ?",
    lines.MOVE_LINE: """
        UPDATE limits SET
            queued = CAST(:queued AS bigint), waiting = least(1, CAST(:queued AS bigint)), turn = :turn,
            turn_since = :turn_since
        WHERE subscription_id = :subscription_id
    """,
    lines.LEASED: "SELECT generation_id FROM leases WHERE lease_until <= ? ORDER BY lease_until, generation_id",
    metrics.BYTES_OF_DATABASE: "SELECT pg_database_size(current_database())",
    operators.BEGIN_PULL: """
        INSERT INTO pulls (model, state, there, total, began_with, started_at, told_at, error)
        VALUES (:model, :state, :there, :total, :began_with, :started_at, :told_at, :error)
        ON CONFLICT (model) DO UPDATE SET
            state = excluded.state, there = excluded.there, total = excluded.total, began_with = excluded.began_with,
            started_at = excluded.started_at, told_at = excluded.told_at, error = excluded.error
    """,
    records.PICTURE_OF_QUEUE: PICTURE_OF_QUEUE,
    records.RENDER_TIMES: """
        SELECT engine, model, resolution, length, seconds FROM render_times
        WHERE engine = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(? AS jsonb))))
    """,
    records.KEEP_RENDER_TIME: """
        INSERT INTO render_times AS t (engine, model, resolution, length, renders, seconds)
        VALUES (:engine, :model, :resolution, :length, 1, :seconds)
        ON CONFLICT (engine, model, resolution, length) DO UPDATE SET
            renders = least(t.renders + 1, :memory),
            seconds = t.seconds + (excluded.seconds - t.seconds) / least(t.renders + 1, :memory)
    """,
    sessions.TRIM_SESSIONS: """
        DELETE FROM sessions WHERE digest IN (
            SELECT digest FROM sessions
            WHERE key_digest IS NOT DISTINCT FROM CAST(:key_digest AS bytea)
                AND administrator IS NOT DISTINCT FROM CAST(:administrator AS bytea)
            ORDER BY created_at DESC OFFSET :most
        )
    """,
}
