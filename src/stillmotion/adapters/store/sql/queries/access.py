"""Statements of products, subscriptions and keys."""

from typing import Final

PRODUCT: Final = (
    "p.id, p.name, p.surfaces, p.models, p.resolutions, p.max_seconds, p.submits_per_minute, p.reads_per_minute, "
    "p.concurrent_generations, p.video_seconds_per_month, p.price_per_second, p.retention_days"
)
SUBSCRIPTION: Final = (
    "s.id, s.name, s.created_at, s.callback_secret, s.state, s.expires_at, s.retired_secret, s.retired_secret_until"
)
KEY: Final = "k.digest, k.prefix, k.slot, k.subscription_id, k.created_at, k.expires_at, k.used_at, k.mark"

FIND_BY_KEY: Final = f"""
    SELECT {KEY}, {SUBSCRIPTION}, {PRODUCT}
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

FIND_PRODUCT: Final = f"SELECT {PRODUCT} FROM products p WHERE p.name = ?"

ALL_PRODUCTS: Final = f"SELECT {PRODUCT} FROM products p ORDER BY p.name"

UPDATE_PRODUCT: Final = """
    UPDATE products SET
        surfaces = :surfaces, models = :models, resolutions = :resolutions, max_seconds = :max_seconds,
        submits_per_minute = :submits_per_minute, reads_per_minute = :reads_per_minute,
        concurrent_generations = :concurrent_generations, video_seconds_per_month = :video_seconds_per_month,
        price_per_second = :price_per_second, retention_days = :retention_days
    WHERE id = :id
"""

INSERT_SUBSCRIPTION: Final = """
    INSERT INTO subscriptions (
        id, name, product_id, created_at, callback_secret, state, expires_at, retired_secret, retired_secret_until
    ) VALUES (
        :id, :name, :product_id, :created_at, :callback_secret, :state, :expires_at, :retired_secret,
        :retired_secret_until
    )
"""

ALL_SUBSCRIPTIONS: Final = f"""
    SELECT {SUBSCRIPTION}, {PRODUCT}
    FROM subscriptions s JOIN products p ON p.id = s.product_id
    ORDER BY s.created_at, s.rowid
"""

ALL_KEYS: Final = f"SELECT {KEY} FROM keys k ORDER BY k.subscription_id, k.slot, k.expires_at NULLS FIRST"

FIND_SUBSCRIPTION: Final = f"""
    SELECT {SUBSCRIPTION}, {PRODUCT}
    FROM subscriptions s JOIN products p ON p.id = s.product_id
    WHERE s.id = ?
"""

UPDATE_SUBSCRIPTION: Final = """
    UPDATE subscriptions SET
        name = :name, product_id = :product_id, state = :state, expires_at = :expires_at,
        callback_secret = :callback_secret, retired_secret = :retired_secret,
        retired_secret_until = :retired_secret_until
    WHERE id = :id
"""

SUBSCRIPTION_EXISTS: Final = "SELECT 1 FROM subscriptions WHERE id = ?"

FIND_USAGE: Final = """
    SELECT l.unfinished, l.queued, q.video_spent, l.window_started_at, l.window_spent
    FROM limits l LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = ?
    WHERE l.subscription_id = ?
"""

ACCESS_VERSION: Final = "SELECT version FROM access_version WHERE only = 1"

INSERT_KEY: Final = """
    INSERT INTO keys (digest, prefix, slot, subscription_id, created_at, expires_at, used_at, mark)
    VALUES (:digest, :prefix, :slot, :subscription_id, :created_at, :expires_at, :used_at, :mark)
"""

END_REPLACED_KEY: Final = "DELETE FROM keys WHERE subscription_id = ? AND slot = ? AND expires_at IS NOT NULL"
END_KEYS: Final = "DELETE FROM keys WHERE subscription_id = ? AND slot = ?"
LET_KEY_GO_ON: Final = "UPDATE keys SET expires_at = ? WHERE subscription_id = ? AND slot = ?"

MOVE_SESSION: Final = """
    UPDATE sessions SET key_digest = :digest WHERE digest = :session AND key_digest IN (
        SELECT digest FROM keys WHERE subscription_id = :subscription_id AND slot = :slot
    )
"""
"""Runs before the slot's keys end."""

NOTE_USE: Final = "UPDATE keys SET used_at = ? WHERE digest = ?"
"""Changes no version: no trigger looks at this column."""

RENAME_KEY: Final = "UPDATE keys SET digest = ?, mark = ? WHERE digest = ?"
RENAME_KEY_OF_SESSIONS: Final = "UPDATE sessions SET key_digest = ? WHERE key_digest = ?"

KEYS_BY_MARK: Final = """
    SELECT k.mark, count(*) FROM keys k JOIN subscriptions s ON s.id = k.subscription_id
    WHERE k.expires_at IS NULL AND s.state <> 'cancelled' GROUP BY k.mark
"""

FIND_KEYS: Final = f"""
    SELECT {KEY} FROM keys k WHERE k.subscription_id = ? ORDER BY k.slot, k.expires_at NULLS FIRST
"""
"""The present key of a slot before the one that it replaced."""
