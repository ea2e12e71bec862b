"""SQL statements of the store, by name. Values are always bound, never written into the text."""

from typing import Final

_COLUMNS: Final = (
    "id, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, lease_until, "
    "failure_code, failure_reason, plan, finished_at, remote, video_key, video_size, video_digest, thumbnail_key, "
    "thumbnail_size, thumbnail_digest, losses, preview"
)
_GENERATION: Final = "g." + _COLUMNS.replace(", ", ", g.")
"""Columns of a generation, in the order of `generation_rows.to_generation`."""

_MEANT: Final = "({0}.engine IN (SELECT value FROM json_each(?))) <> ?"
"""Condition: the generation is for an engine in the JSON array, or, with 1, for an engine outside it."""

_PRODUCT: Final = (
    "p.id, p.name, p.surfaces, p.models, p.resolutions, p.max_seconds, p.submits_per_minute, p.reads_per_minute, "
    "p.concurrent_generations, p.video_seconds_per_month, p.price_per_second, p.retention_days"
)
_SUBSCRIPTION: Final = "s.id, s.name, s.created_at, s.callback_secret, s.state, s.expires_at"
_KEY: Final = "k.digest, k.prefix, k.slot, k.subscription_id, k.created_at"
_DELIVERY: Final = (
    "d.id, d.generation_id, d.announces, d.url, d.due_at, d.attempts, d.state, d.last_answer, d.replays, d.endpoint"
)
_ATTEMPT: Final = "replay, number, started_at, duration, status, reason"

# --- transactions -----------------------------------------------------------------------------------------------

BEGIN: Final = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that rows cannot change between a read and a write of the transaction."""

BEGIN_READING: Final = "BEGIN"
"""Takes no lock before the first read."""

COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
OPEN_OPERATION: Final = "SAVEPOINT operation"
"""Savepoint of one operation of a batch, which can be undone by itself."""

KEEP_OPERATION: Final = "RELEASE operation"
UNDO_OPERATION: Final = "ROLLBACK TO operation"

TOUCH: Final = "PRAGMA user_version = {version}"
"""Writes the same number again: the smallest possible write, for the readiness check."""

# --- generations ------------------------------------------------------------------------------------------------

FIND_GENERATION: Final = f"SELECT {_GENERATION} FROM generations g WHERE g.id = ?"

ASSET_DIGEST: Final = """
    SELECT iif(video_key = :key, video_digest, thumbnail_digest) FROM generations
    WHERE id = :id AND :key IN (video_key, thumbnail_key)
"""

FIND_OWNED: Final = f"""
    SELECT {_GENERATION} FROM generations g INDEXED BY generations_owned WHERE g.subscription_id = ? AND g.id = ?
"""
"""The index reads only the owner's row: another subscription's takes as long as a missing one."""

_VIEW: Final = (
    "id, request, engine, created_at, state, progress, failure_code, failure_reason, video_key, thumbnail_key, "
    "finished_at"
)
"""Columns of a view of a generation, in the order of `generation_rows.to_view`."""

VIEW_GENERATION: Final = f"""
    SELECT {_VIEW} FROM generations INDEXED BY generations_owned WHERE subscription_id = ? AND id = ?
"""
"""As `FIND_OWNED`."""

VIEW_IN_PLACE: Final = f"SELECT {_VIEW} FROM generations WHERE sequence = ? AND subscription_id = ? AND id = ?"
"""The same without the index, at the place of nearly every row (`generation_rows.place_of`)."""

PAGE_OF_GENERATIONS: Final = f"""
    SELECT {_VIEW} FROM generations WHERE subscription_id = ? ORDER BY id DESC LIMIT ? OFFSET ?
"""
"""The newest first: ids sort by time."""

GENERATIONS_BEFORE: Final = f"""
    SELECT {_VIEW} FROM generations WHERE subscription_id = ? AND id < ? ORDER BY id DESC LIMIT ?
"""

GENERATIONS_AFTER: Final = f"""
    SELECT {_VIEW} FROM generations WHERE subscription_id = ? AND id > ? ORDER BY id LIMIT ?
"""

INSERT_GENERATION: Final = f"""
    INSERT INTO generations (sequence, {_COLUMNS}) VALUES (
        CASE WHEN EXISTS (SELECT 1 FROM generations WHERE sequence = :place) THEN NULL ELSE :place END,
        {":" + _COLUMNS.replace(", ", ", :")}
    )
"""
"""A row without a place, or with a taken one, is appended at the end."""

UPDATE_GENERATION: Final = """
    UPDATE generations SET
        engine = :engine, remote = :remote,
        state = :state, attempt = :attempt, failures = :failures, progress = :progress, lease_until = :lease_until,
        failure_code = :failure_code, failure_reason = :failure_reason, plan = :plan, finished_at = :finished_at,
        video_key = :video_key, video_size = :video_size, video_digest = :video_digest,
        thumbnail_key = :thumbnail_key, thumbnail_size = :thumbnail_size, thumbnail_digest = :thumbnail_digest,
        losses = :losses, preview = :preview
    WHERE id = :id AND attempt = :fence
"""
"""All columns that can change. `fence` is the attempt that the change was made for."""

NEXT_QUEUED: Final = f"""
    SELECT {_GENERATION} FROM generations g
    WHERE g.state = 'queued' AND g.subscription_id = (
        SELECT l.subscription_id FROM limits l
        WHERE l.waiting = 1 AND l.subscription_id NOT IN (SELECT value FROM json_each(?)) AND EXISTS (
            SELECT 1 FROM generations w
            WHERE w.state = 'queued' AND w.subscription_id = l.subscription_id AND {_MEANT.format("w")}
        )
        ORDER BY l.turn, l.turn_since LIMIT 1
    ) AND {_MEANT.format("g")}
    ORDER BY g.created_at, g.sequence LIMIT 1
"""
"""The longest waiting generation of the subscription whose turn it is, among those with work for these engines.

Bindings: the subscriptions to pass over, then the engines twice. The index holds engines: no other rows are read.
"""

QUEUED_FOR: Final = "SELECT id FROM generations WHERE state = 'queued' AND engine = ?"

FIND_LINE: Final = """
    SELECT v.time, l.queued, l.turn, l.turn_since
    FROM virtual_clock v LEFT JOIN limits l ON l.subscription_id = ?
    WHERE v.only = 1
"""
"""Always one row. All but the clock is NULL for a subscription that never submitted."""

MOVE_LINE: Final = """
    UPDATE limits SET queued = :queued, waiting = :queued > 0, turn = :turn, turn_since = :turn_since
    WHERE subscription_id = :subscription_id
"""

SET_VIRTUAL_CLOCK: Final = "UPDATE virtual_clock SET time = ? WHERE only = 1"

LEASED: Final = """
    SELECT id FROM generations
    WHERE state = 'dreaming' AND lease_until <= ? ORDER BY lease_until, sequence
"""

COUNT_UNDER_WAY: Final = """
    SELECT 'queued', count(*) FROM generations WHERE state = 'queued'
    UNION ALL
    SELECT 'dreaming', count(*) FROM generations WHERE state = 'dreaming'
"""
"""Each count reads its partial index alone: finished generations cost nothing."""

# --- limits and quotas ------------------------------------------------------------------------------------------

FIND_STANDING: Final = """
    SELECT l.window_started_at, l.window_spent, l.unfinished, l.queued, q.video_spent
    FROM limits l
    LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = :period
    WHERE l.subscription_id = :subscription_id
"""

SPEND_LIMITS: Final = """
    INSERT INTO limits (subscription_id, window_started_at, window_spent, unfinished, queued)
    VALUES (:subscription_id, :window_started_at, :window_spent, 1, 1)
    ON CONFLICT (subscription_id) DO UPDATE SET
        window_started_at = excluded.window_started_at, window_spent = excluded.window_spent,
        unfinished = unfinished + 1, queued = queued + 1
"""
"""The turn stays as it is while other generations of the subscription wait, and so does the index of turns."""

SPEND_QUOTA: Final = """
    INSERT INTO quotas (subscription_id, period, video_spent) VALUES (:subscription_id, :period, :video)
    ON CONFLICT (subscription_id, period) DO UPDATE SET video_spent = video_spent + excluded.video_spent
"""
"""Also gives back, with a negative amount."""

FINISH_ONE: Final = "UPDATE limits SET unfinished = unfinished - 1 WHERE subscription_id = ?"

# --- idempotency ------------------------------------------------------------------------------------------------

FIND_IDEMPOTENCY_KEY: Final = (
    "SELECT body_digest, generation_id FROM idempotency_keys WHERE subscription_id = ? AND key = ?"
)

INSERT_IDEMPOTENCY_KEY: Final = """
    INSERT INTO idempotency_keys (subscription_id, key, body_digest, generation_id, created_at)
    VALUES (:subscription_id, :key, :body_digest, :generation_id, :created_at)
    ON CONFLICT (subscription_id, key) DO UPDATE SET
        generation_id = excluded.generation_id, created_at = excluded.created_at
"""
"""A key can only exist already if its generation was deleted."""

SWEEP_IDEMPOTENCY_KEYS: Final = """
    DELETE FROM idempotency_keys WHERE (subscription_id, key) IN (
        SELECT subscription_id, key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT 8
    )
"""
"""Runs with each submit that brings a key: more keys go than come."""

FIND_RECENT_SUBMIT: Final = """
    SELECT generation_id FROM recent_submits
    WHERE span IN (:span - 1, :span, :span + 1) AND subscription_id = :subscription_id
        AND body_digest = :body_digest AND created_at > :oldest
    ORDER BY span DESC LIMIT 1
"""
"""Another machine's clock may have put the submit into the next span."""

PUT_RECENT_SUBMIT: Final = """
    INSERT INTO recent_submits (span, subscription_id, body_digest, generation_id, created_at)
    VALUES (:span, :subscription_id, :body_digest, :generation_id, :created_at)
    ON CONFLICT (span, subscription_id, body_digest) DO UPDATE SET
        generation_id = excluded.generation_id, created_at = excluded.created_at
"""

SWEEP_RECENT_SUBMITS: Final = """
    DELETE FROM recent_submits WHERE (span, subscription_id, body_digest) IN (
        SELECT span, subscription_id, body_digest FROM recent_submits WHERE span < ? ORDER BY span LIMIT 16
    )
"""
"""Runs with every eighth submit: more rows go than come."""

# --- deletion ---------------------------------------------------------------------------------------------------

DELETE_ATTEMPTS: Final = (
    "DELETE FROM delivery_attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE generation_id = ?)"
)
DELETE_DELIVERIES: Final = "DELETE FROM deliveries WHERE generation_id = ?"
DELETE_IDEMPOTENCY_KEYS: Final = "DELETE FROM idempotency_keys WHERE generation_id = ?"
DELETE_GENERATION: Final = "DELETE FROM generations WHERE id = ?"

BEGIN_REMOVAL: Final = "INSERT INTO removals (generation_id, deleted_at) VALUES (?, ?)"
"""Runs in the transaction that deletes the row. The objects are removed after it."""

REMOVALS: Final = "SELECT generation_id FROM removals ORDER BY deleted_at LIMIT ?"
END_REMOVAL: Final = "DELETE FROM removals WHERE generation_id = ?"

EXPIRED: Final = """
    SELECT g.id FROM subscriptions s
    CROSS JOIN products p ON p.id = s.product_id AND p.retention_days IS NOT NULL
    CROSS JOIN generations g ON g.subscription_id = s.id AND g.finished_at <= :now - p.retention_days * :day
    LIMIT :limit
"""
"""Visits every subscription, and in each only the expired rows. SQLite keeps the order of a CROSS JOIN."""

OBJECTS_OF_GENERATIONS: Final = """
    SELECT request, video_key, thumbnail_key, preview FROM generations WHERE id IN (SELECT value FROM json_each(?))
"""

ALL_OBJECTS: Final = "SELECT id, request, video_key, thumbnail_key FROM generations"
GENERATION_EXISTS: Final = "SELECT 1 FROM generations WHERE id = ?"

# --- callbacks --------------------------------------------------------------------------------------------------

CAUSE_DELIVERY: Final = """
    INSERT INTO deliveries (id, generation_id, announces, url, endpoint, due_at, attempts, state, last_answer, replays)
    VALUES (:id, :generation_id, :announces, :url, :endpoint, :due_at, :attempts, :state, :last_answer, :replays)
    ON CONFLICT (id) DO NOTHING
"""
"""A state is announced once: the id is made of generation and state."""

RECORD_DELIVERY: Final = """
    UPDATE deliveries SET due_at = :due_at, attempts = :attempts, state = :state, last_answer = :last_answer
    WHERE id = :id AND replays = :replays
"""
"""Changes no row that was replayed since."""

RECORD_ATTEMPT: Final = f"""
    INSERT INTO delivery_attempts (delivery_id, {_ATTEMPT})
    SELECT :delivery_id, :replay, :number, :started_at, :duration, :status, :reason
    WHERE EXISTS (SELECT 1 FROM deliveries WHERE id = :delivery_id)
    ON CONFLICT DO NOTHING
"""
"""Inserts nothing for a deleted delivery."""

DUE_DELIVERIES: Final = f"""
    WITH RECURSIVE endpoints (name) AS (
        SELECT min(endpoint) FROM deliveries WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(endpoint) FROM deliveries WHERE state = 'pending' AND endpoint > name)
        FROM endpoints WHERE name IS NOT NULL
    )
    SELECT {_DELIVERY} FROM endpoints CROSS JOIN deliveries d ON d.sequence IN (
        SELECT sequence FROM deliveries
        WHERE state = 'pending' AND endpoint = name AND due_at <= ? ORDER BY due_at, sequence LIMIT ?
    )
"""
"""Walks the index from line to line (`Delivery.line`), and takes a few of each, independent of its length."""

FIND_DUE_DELIVERY: Final = f"""
    SELECT s.callback_secret, {_DELIVERY}, {_GENERATION}
    FROM deliveries d
    JOIN generations g ON g.id = d.generation_id
    JOIN subscriptions s ON s.id = g.subscription_id
    WHERE d.id = ? AND d.state = 'pending'
"""

FIND_DELIVERY: Final = f"SELECT {_DELIVERY} FROM deliveries d WHERE d.id = ?"

DELIVERIES_OF_GENERATION: Final = f"""
    SELECT {_DELIVERY} FROM deliveries d WHERE d.generation_id = ? ORDER BY d.sequence
"""

LATEST_DELIVERIES: Final = f"""
    SELECT {_DELIVERY} FROM deliveries d JOIN generations g ON g.id = d.generation_id
    WHERE g.subscription_id = ? ORDER BY d.sequence DESC LIMIT ?
"""

ATTEMPTS_OF_DELIVERY: Final = f"SELECT {_ATTEMPT} FROM delivery_attempts WHERE delivery_id = ? ORDER BY replay, number"

REPLAY_DELIVERY: Final = """
    UPDATE deliveries SET due_at = :due_at, attempts = :attempts, state = :state, replays = :replays WHERE id = :id
"""
# --- uploads ----------------------------------------------------------------------------------------------------

_UPLOAD: Final = "id, subscription_id, key, size, expires_at"

INSERT_UPLOAD: Final = f"INSERT INTO uploads ({_UPLOAD}) VALUES (:id, :subscription_id, :key, :size, :expires_at)"

UPLOADED: Final = "SELECT count(*), coalesce(sum(size), 0) FROM uploads WHERE subscription_id = ?"
"""Reads one index alone, of at most a thousand entries."""

FIND_UPLOAD: Final = f"SELECT {_UPLOAD} FROM uploads INDEXED BY uploads_owned WHERE subscription_id = ? AND id = ?"
EXPIRED_UPLOADS: Final = f"SELECT {_UPLOAD} FROM uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
FORGET_UPLOAD: Final = "DELETE FROM uploads WHERE id = ?"

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
        id, name, surfaces, models, resolutions, max_seconds, submits_per_minute, reads_per_minute,
        concurrent_generations, video_seconds_per_month, price_per_second, retention_days
    ) VALUES (
        :id, :name, :surfaces, :models, :resolutions, :max_seconds, :submits_per_minute, :reads_per_minute,
        :concurrent_generations, :video_seconds_per_month, :price_per_second, :retention_days
    )
    ON CONFLICT (name) DO NOTHING
"""
"""Changes no row for a name that is taken."""

FIND_PRODUCT: Final = f"SELECT {_PRODUCT} FROM products p WHERE p.name = ?"

ALL_PRODUCTS: Final = f"SELECT {_PRODUCT} FROM products p ORDER BY p.name"

UPDATE_PRODUCT: Final = """
    UPDATE products SET
        surfaces = :surfaces, models = :models, resolutions = :resolutions, max_seconds = :max_seconds,
        submits_per_minute = :submits_per_minute, reads_per_minute = :reads_per_minute,
        concurrent_generations = :concurrent_generations, video_seconds_per_month = :video_seconds_per_month,
        price_per_second = :price_per_second, retention_days = :retention_days
    WHERE id = :id
"""

INSERT_SUBSCRIPTION: Final = """
    INSERT INTO subscriptions (id, name, product_id, created_at, callback_secret, state, expires_at)
    VALUES (:id, :name, :product_id, :created_at, :callback_secret, :state, :expires_at)
"""

ALL_SUBSCRIPTIONS: Final = f"""
    SELECT {_SUBSCRIPTION}, {_PRODUCT}
    FROM subscriptions s JOIN products p ON p.id = s.product_id
    ORDER BY s.created_at, s.rowid
"""

ALL_KEYS: Final = f"SELECT {_KEY} FROM keys k ORDER BY k.subscription_id, k.slot"

FIND_SUBSCRIPTION: Final = f"""
    SELECT {_SUBSCRIPTION}, {_PRODUCT}
    FROM subscriptions s JOIN products p ON p.id = s.product_id
    WHERE s.id = ?
"""

UPDATE_SUBSCRIPTION: Final = """
    UPDATE subscriptions SET name = :name, product_id = :product_id, state = :state, expires_at = :expires_at
    WHERE id = :id
"""

SUBSCRIPTION_EXISTS: Final = "SELECT 1 FROM subscriptions WHERE id = ?"

FIND_USAGE: Final = """
    SELECT l.unfinished, l.queued, q.video_spent
    FROM limits l LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = ?
    WHERE l.subscription_id = ?
"""

ACCESS_VERSION: Final = "SELECT version FROM access_version WHERE only = 1"
PUT_KEY: Final = """
    INSERT INTO keys (digest, prefix, slot, subscription_id, created_at)
    VALUES (:digest, :prefix, :slot, :subscription_id, :created_at)
    ON CONFLICT (subscription_id, slot) DO UPDATE SET
        digest = excluded.digest, prefix = excluded.prefix, created_at = excluded.created_at
"""

FIND_KEYS: Final = f"SELECT {_KEY} FROM keys k WHERE k.subscription_id = ? ORDER BY k.slot"
