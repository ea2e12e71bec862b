"""Statements of earlier submits: idempotency keys, and digests of the last bodies."""

from typing import Final

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
