"""Every statement that the store runs, by name. Values are always bound, never written into the text."""

from typing import Final

_GENERATION: Final = (
    "g.id, g.subscription_id, g.surface, g.request, g.engine, g.created_at, g.state, g.attempt, g.failures, "
    "g.progress, g.lease_until, g.failure_code, g.failure_reason, g.plan, g.finished_at, g.video_key, g.video_size, "
    "g.video_digest, g.thumbnail_key, g.thumbnail_size, g.thumbnail_digest, g.losses"
)
"""A generation's columns in the order in which `rows.to_generation` takes them."""

_PRODUCT: Final = (
    "p.id, p.name, p.surfaces, p.models, p.submits_per_minute, p.reads_per_minute, p.concurrent_generations, "
    "p.video_seconds_per_month"
)
_SUBSCRIPTION: Final = "s.id, s.name, s.created_at, s.callback_secret, s.state"
_KEY: Final = "k.digest, k.prefix, k.slot, k.subscription_id, k.created_at"
_DELIVERY: Final = "d.id, d.generation_id, d.announces, d.url, d.due_at, d.attempts, d.state, d.last_answer"

# --- transactions -----------------------------------------------------------------------------------------------

BEGIN: Final = "BEGIN IMMEDIATE"
"""Takes the write lock at once: what is read in the transaction cannot change before it is written."""

BEGIN_READING: Final = "BEGIN"
"""Takes no lock before the first read."""

COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"

OPEN_OPERATION: Final = "SAVEPOINT operation"
"""Where one operation of a batch begins, so that it can be undone by itself."""

KEEP_OPERATION: Final = "RELEASE operation"
UNDO_OPERATION: Final = "ROLLBACK TO operation"

TOUCH: Final = "PRAGMA user_version = {version}"
"""Writes the number that is there already: the smallest write there is, for the readiness check."""

# --- generations ------------------------------------------------------------------------------------------------

FIND_GENERATION: Final = f"SELECT {_GENERATION} FROM generations g WHERE g.id = ?"

VIEW_GENERATION: Final = """
    SELECT id, request, engine, created_at, state, progress, failure_code, failure_reason, video_key, thumbnail_key
    FROM generations WHERE id = ? AND subscription_id = ?
"""
"""In the order in which `rows.to_view` takes them."""

PAGE_OF_GENERATIONS: Final = """
    SELECT id, request, engine, created_at, state, progress, failure_code, failure_reason, video_key, thumbnail_key
    FROM generations WHERE subscription_id = ? ORDER BY sequence DESC LIMIT ? OFFSET ?
"""
"""The newest first."""

INSERT_GENERATION: Final = """
    INSERT INTO generations (
        id, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, lease_until,
        failure_code, failure_reason, plan, finished_at, video_key, video_size, video_digest, thumbnail_key,
        thumbnail_size, thumbnail_digest, losses
    ) VALUES (
        :id, :subscription_id, :surface, :request, :engine, :created_at, :state, :attempt, :failures, :progress,
        :lease_until, :failure_code, :failure_reason, :plan, :finished_at, :video_key, :video_size, :video_digest,
        :thumbnail_key, :thumbnail_size, :thumbnail_digest, :losses
    )
"""

UPDATE_GENERATION: Final = """
    UPDATE generations SET
        state = :state, attempt = :attempt, failures = :failures, progress = :progress, lease_until = :lease_until,
        failure_code = :failure_code, failure_reason = :failure_reason, plan = :plan, finished_at = :finished_at,
        video_key = :video_key, video_size = :video_size, video_digest = :video_digest,
        thumbnail_key = :thumbnail_key, thumbnail_size = :thumbnail_size, thumbnail_digest = :thumbnail_digest,
        losses = :losses
    WHERE id = :id AND attempt = :fence
"""
"""Everything that can change. `fence` is the attempt that the change was made for."""

OLDEST_QUEUED: Final = f"""
    SELECT {_GENERATION} FROM generations g
    WHERE g.state = 'queued' ORDER BY g.created_at, g.sequence LIMIT 1
"""

LEASED: Final = """
    SELECT id FROM generations
    WHERE state = 'dreaming' AND lease_until <= ? ORDER BY lease_until, sequence
"""

COUNT_UNDER_WAY: Final = """
    SELECT 'queued', count(*) FROM generations WHERE state = 'queued'
    UNION ALL
    SELECT 'dreaming', count(*) FROM generations WHERE state = 'dreaming'
"""
"""Each count reads its partial index alone: what is finished costs nothing."""

# --- limits and quotas ------------------------------------------------------------------------------------------

FIND_STANDING: Final = """
    SELECT l.window_started_at, l.window_spent, l.unfinished, q.video_spent
    FROM limits l
    LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = :period
    WHERE l.subscription_id = :subscription_id
"""

SPEND_LIMITS: Final = """
    INSERT INTO limits (subscription_id, window_started_at, window_spent, unfinished)
    VALUES (:subscription_id, :window_started_at, :window_spent, 1)
    ON CONFLICT (subscription_id) DO UPDATE SET
        window_started_at = excluded.window_started_at, window_spent = excluded.window_spent,
        unfinished = unfinished + 1
"""

SPEND_QUOTA: Final = """
    INSERT INTO quotas (subscription_id, period, video_spent) VALUES (:subscription_id, :period, :video)
    ON CONFLICT (subscription_id, period) DO UPDATE SET video_spent = video_spent + excluded.video_spent
"""
"""Also gives back, with a negative amount."""

FINISH_ONE: Final = "UPDATE limits SET unfinished = unfinished - 1 WHERE subscription_id = ?"

# --- idempotency ------------------------------------------------------------------------------------------------

FIND_IDEMPOTENCY_KEY: Final = """
    SELECT body_digest, generation_id FROM idempotency_keys WHERE subscription_id = ? AND key = ?
"""

INSERT_IDEMPOTENCY_KEY: Final = """
    INSERT INTO idempotency_keys (subscription_id, key, body_digest, generation_id, created_at)
    VALUES (:subscription_id, :key, :body_digest, :generation_id, :created_at)
"""

SWEEP_IDEMPOTENCY_KEYS: Final = """
    DELETE FROM idempotency_keys WHERE (subscription_id, key) IN (
        SELECT subscription_id, key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT 8
    )
"""
"""A few at a time, with each submit that brings a key: more go than come."""

# --- callbacks --------------------------------------------------------------------------------------------------

CAUSE_DELIVERY: Final = """
    INSERT INTO deliveries (id, generation_id, announces, url, due_at, attempts, state, last_answer)
    VALUES (:id, :generation_id, :announces, :url, :due_at, :attempts, :state, :last_answer)
    ON CONFLICT (id) DO NOTHING
"""
"""A state is announced once: the id is made of generation and state."""

RECORD_DELIVERY: Final = """
    UPDATE deliveries SET due_at = :due_at, attempts = :attempts, state = :state, last_answer = :last_answer
    WHERE id = :id
"""

DUE_DELIVERIES: Final = f"""
    SELECT s.callback_secret, {_DELIVERY}, {_GENERATION}
    FROM deliveries d
    JOIN generations g ON g.id = d.generation_id
    JOIN subscriptions s ON s.id = g.subscription_id
    WHERE d.state = 'pending' AND d.due_at <= ? ORDER BY d.due_at, d.sequence LIMIT ?
"""

DELIVERIES_OF_GENERATION: Final = f"""
    SELECT {_DELIVERY} FROM deliveries d WHERE d.generation_id = ? ORDER BY d.sequence
"""

# --- products, subscriptions, keys ------------------------------------------------------------------------------

FIND_BY_KEY: Final = f"""
    SELECT {_KEY}, {_SUBSCRIPTION}, {_PRODUCT}
    FROM keys k
    JOIN subscriptions s ON s.id = k.subscription_id
    JOIN products p ON p.id = s.product_id
    WHERE k.digest = ?
"""

INSERT_PRODUCT: Final = """
    INSERT INTO products (
        id, name, surfaces, models, submits_per_minute, reads_per_minute, concurrent_generations,
        video_seconds_per_month
    ) VALUES (
        :id, :name, :surfaces, :models, :submits_per_minute, :reads_per_minute, :concurrent_generations,
        :video_seconds_per_month
    )
    ON CONFLICT (name) DO NOTHING
"""
"""Changes no row where the name is taken."""

FIND_PRODUCT: Final = f"SELECT {_PRODUCT} FROM products p WHERE p.name = ?"

INSERT_SUBSCRIPTION: Final = """
    INSERT INTO subscriptions (id, name, product_id, created_at, callback_secret, state)
    VALUES (:id, :name, :product_id, :created_at, :callback_secret, :state)
"""

ALL_SUBSCRIPTIONS: Final = f"""
    SELECT {_SUBSCRIPTION}, {_PRODUCT}
    FROM subscriptions s JOIN products p ON p.id = s.product_id
    ORDER BY s.created_at, s.rowid
"""

ALL_KEYS: Final = f"SELECT {_KEY} FROM keys k ORDER BY k.subscription_id, k.slot"

SET_SUBSCRIPTION_STATE: Final = "UPDATE subscriptions SET state = :state WHERE id = :id"

SUBSCRIPTION_EXISTS: Final = "SELECT 1 FROM subscriptions WHERE id = ?"

PUT_KEY: Final = """
    INSERT INTO keys (digest, prefix, slot, subscription_id, created_at)
    VALUES (:digest, :prefix, :slot, :subscription_id, :created_at)
    ON CONFLICT (subscription_id, slot) DO UPDATE SET
        digest = excluded.digest, prefix = excluded.prefix, created_at = excluded.created_at
"""

FIND_KEYS: Final = f"SELECT {_KEY} FROM keys k WHERE k.subscription_id = ?"
