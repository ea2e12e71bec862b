"""Statements of submits that share a transaction: each reads or writes the rows of all.

Lists are bound as arrays, and rows to be written as JSON arrays of objects: the columns that are not named are NULL.
"""

from typing import Final

from stillmotion.adapters.store.sql.queries.columns import COLUMNS, GENERATION

HOLD_OWNERS: Final = """
    SELECT subscription_id FROM limits WHERE subscription_id = ANY (CAST(:owners AS text[]))
    ORDER BY subscription_id FOR NO KEY UPDATE
"""
"""In one order, so that no two transactions wait for each other."""

BEGIN_LIMITS: Final = """
    INSERT INTO limits (subscription_id, window_started_at, window_spent, unfinished)
    SELECT owner, 0, 0, 0 FROM unnest(CAST(:owners AS text[])) AS owner ORDER BY owner
    ON CONFLICT (subscription_id) DO NOTHING
"""
"""Rows of subscriptions that never submitted."""

STANDINGS: Final = """
    SELECT
        l.subscription_id, asked.period, l.window_started_at, l.window_spent, l.unfinished, l.queued, l.turn,
        l.turn_since, q.video_spent, v.time
    FROM unnest(CAST(:owners AS text[]), CAST(:periods AS text[])) AS asked (owner, period)
    JOIN limits l ON l.subscription_id = asked.owner
    CROSS JOIN virtual_clock v
    LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = asked.period
"""

EARLIER_BY_KEY: Final = f"""
    SELECT i.subscription_id, i.key, i.body_digest, {GENERATION}
    FROM unnest(CAST(:owners AS text[]), CAST(:names AS text[])) AS asked (owner, name)
    JOIN idempotency_keys i ON i.subscription_id = asked.owner AND i.key = asked.name
    JOIN generations_now g ON g.id = i.generation_id
"""

_KEPT: Final = ", ".join(column for column in COLUMNS.split(", ") if column != "lease_until")

_QUOTA: Final = "subscription_id, period, video_spent"
_USAGE: Final = "subscription_id, day, model, key, generations, completed, failed, video, cost"
_ENTRY: Final = "subscription_id, generation_id, created_at, state, model, metadata, text"
_NAMED: Final = "subscription_id, key, body_digest, generation_id, created_at"
_RECENT: Final = "span, subscription_id, body_digest, generation_id, created_at"


def _rows(table: str) -> str:
    return f"json_populate_recordset(CAST(NULL AS {table}), CAST(:{table} AS json))"


KEEP_SUBMITS: Final = f"""
    WITH generation AS (
        INSERT INTO generations ({_KEPT}, model, resolution, video)
        SELECT {_KEPT}, model, resolution, video FROM {_rows("generations")}
    ), entry AS (
        INSERT INTO list_entries ({_ENTRY}) SELECT {_ENTRY} FROM {_rows("list_entries")}
    ), spent AS (
        INSERT INTO quotas ({_QUOTA}) SELECT {_QUOTA} FROM {_rows("quotas")}
        ON CONFLICT (subscription_id, period) DO UPDATE SET video_spent = quotas.video_spent + excluded.video_spent
    ), used AS (
        INSERT INTO usage_days AS u ({_USAGE}) SELECT {_USAGE} FROM {_rows("usage_days")}
        ON CONFLICT (subscription_id, day, model, key) DO UPDATE SET
            generations = u.generations + excluded.generations, video = u.video + excluded.video,
            cost = u.cost + excluded.cost
    ), named AS (
        INSERT INTO idempotency_keys ({_NAMED}) SELECT {_NAMED} FROM {_rows("idempotency_keys")}
        ON CONFLICT (subscription_id, key) DO UPDATE SET
            body_digest = excluded.body_digest, generation_id = excluded.generation_id,
            created_at = excluded.created_at
    ), recent AS (
        INSERT INTO recent_submits ({_RECENT}) SELECT {_RECENT} FROM {_rows("recent_submits")}
        ON CONFLICT (span, subscription_id, body_digest) DO UPDATE SET
            generation_id = excluded.generation_id, created_at = excluded.created_at
    )
    UPDATE limits l SET
        window_started_at = n.window_started_at, window_spent = n.window_spent, unfinished = n.unfinished,
        queued = n.queued, waiting = 1, turn = n.turn, turn_since = n.turn_since
    FROM {_rows("limits")} n WHERE l.subscription_id = n.subscription_id
"""
"""All that accepted submits leave behind. Nobody reads one of these rows before all are there."""

SWEEP: Final = """
    WITH named AS (
        DELETE FROM idempotency_keys WHERE (subscription_id, key) IN (
            SELECT subscription_id, key FROM idempotency_keys WHERE created_at < :oldest_key
            ORDER BY created_at LIMIT 256 FOR UPDATE SKIP LOCKED
        )
    )
    DELETE FROM recent_submits WHERE (span, subscription_id, body_digest) IN (
        SELECT span, subscription_id, body_digest FROM recent_submits WHERE span < :oldest_span
        ORDER BY span LIMIT 256 FOR UPDATE SKIP LOCKED
    )
"""
"""Earlier submits that no later one repeats. More rows go than come."""
