"""Statements of sessions and first links."""

from typing import Final

from stillmotion.adapters.store.sql.queries.access import KEY, PRODUCT, SUBSCRIPTION

_SESSION: Final = "digest, created_at, expires_at, key_digest, administrator, is_reader"
_OPEN_SESSION: Final = "o." + _SESSION.replace(", ", ", o.")

FIND_SESSION: Final = f"""
    SELECT {_OPEN_SESSION}, {KEY}, {SUBSCRIPTION}, {PRODUCT}
    FROM sessions o
    LEFT JOIN keys k ON k.digest = o.key_digest
    LEFT JOIN subscriptions s ON s.id = k.subscription_id
    LEFT JOIN products p ON p.id = s.product_id
    WHERE o.digest = ?
"""
"""All but the session is NULL once its key was replaced."""

INSERT_SESSION: Final = f"""
    INSERT INTO sessions ({_SESSION})
    VALUES (:digest, :created_at, :expires_at, :key_digest, :administrator, :is_reader)
"""

DELETE_SESSION: Final = "DELETE FROM sessions WHERE digest = ?"

TRIM_SESSIONS: Final = """
    DELETE FROM sessions WHERE digest IN (
        SELECT digest FROM sessions WHERE key_digest IS :key_digest AND administrator IS :administrator
        ORDER BY created_at DESC LIMIT -1 OFFSET :most
    )
"""
"""Runs with each new session, so that a key has no more than `most`."""

SWEEP_SESSIONS: Final = """
    DELETE FROM sessions WHERE digest IN (
        SELECT digest FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT 8
    )
"""
"""Runs with each new session: more rows go than come."""

FORGET_FIRST_LINKS: Final = "DELETE FROM first_links"
INSERT_FIRST_LINK: Final = "INSERT INTO first_links (digest, expires_at) VALUES (?, ?)"
SPEND_FIRST_LINK: Final = "DELETE FROM first_links WHERE digest = ? RETURNING expires_at"
"""One caller alone gets the row."""
