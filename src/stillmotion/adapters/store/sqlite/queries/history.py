"""Statements of an owner's failures, and of links to clips."""

from typing import Final

COUNT_FAILURES: Final = """
    SELECT failure_code, count(*) FROM generations INDEXED BY generations_failed
    WHERE subscription_id = ? AND state = 'failed' AND finished_at >= ? GROUP BY failure_code
"""
"""Reads the index of failures alone."""

LATEST_FAILURE: Final = """
    SELECT id, finished_at, failure_reason FROM generations INDEXED BY generations_failed
    WHERE subscription_id = ? AND state = 'failed' AND failure_code = ? ORDER BY finished_at DESC LIMIT 1
"""

UNRETRIED: Final = """
    SELECT g.id FROM generations g INDEXED BY generations_failed
    WHERE g.subscription_id = ? AND g.state = 'failed' AND g.failure_code = ? AND g.finished_at >= ?
        AND NOT EXISTS (SELECT 1 FROM generations r WHERE r.retry_of = g.id AND r.retry_of IS NOT NULL)
    ORDER BY g.finished_at DESC LIMIT ?
"""

_LINK: Final = "l.id, l.subscription_id, l.generation_id, l.created_at, l.expires_at"

INSERT_LINK: Final = """
    INSERT INTO links (id, subscription_id, generation_id, created_at, expires_at)
    VALUES (:id, :subscription_id, :generation_id, :created_at, :expires_at)
"""

COUNT_LINKS: Final = "SELECT count(*) FROM links WHERE generation_id = ?"
LINKS_OF_GENERATION: Final = f"SELECT {_LINK} FROM links l WHERE l.generation_id = ? ORDER BY l.created_at"
DELETE_LINK: Final = "DELETE FROM links WHERE id = ? AND generation_id = ?"
DELETE_LINKS: Final = "DELETE FROM links WHERE generation_id = ?"
SWEEP_LINKS: Final = "DELETE FROM links WHERE expires_at < ?"
"""Runs with each new link."""

LINKED_CLIP: Final = f"""
    SELECT {_LINK}, g.video_key, g.thumbnail_key,
        s.state = ? AND (s.expires_at IS NULL OR s.expires_at > ?)
    FROM links l JOIN generations g ON g.id = l.generation_id JOIN subscriptions s ON s.id = l.subscription_id
    WHERE l.id = ?
"""
