"""Statements of deletion and retention."""

from typing import Final

DELETE_RECORDS: Final = "DELETE FROM attempts WHERE generation_id = ?"
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
    SELECT request, video_key, thumbnail_key, poster_key, preview_video_key, preview FROM generations
    WHERE id IN (SELECT value FROM json_each(?))
"""

ALL_OBJECTS: Final = "SELECT id, request, video_key, thumbnail_key, poster_key, preview_video_key FROM generations"
GENERATION_EXISTS: Final = "SELECT 1 FROM generations WHERE id = ?"
