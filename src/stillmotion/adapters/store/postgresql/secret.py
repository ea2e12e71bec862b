"""Link between a database and its secret: the processes have the secret, and the database keeps its fingerprint."""

from collections.abc import Sequence
from typing import Final, LiteralString

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.domain.operators.processes import SILENT_AFTER

_KEEP: Final[LiteralString] = "UPDATE stillmotion SET secret_fingerprint = %s WHERE secret_fingerprint IS NULL"
_READ: Final[LiteralString] = "SELECT secret_fingerprint FROM stillmotion"
_REPLACE: Final[LiteralString] = "UPDATE stillmotion SET secret_fingerprint = %s WHERE secret_fingerprint = %s"
_SET: Final[LiteralString] = "UPDATE stillmotion SET secret_fingerprint = %s"
_LIVING: Final[LiteralString] = """
    SELECT id FROM processes WHERE seen_at > (extract(epoch FROM clock_timestamp()) - %s) * 1000000 ORDER BY id
"""


def agree_on_secret(session: PostgresSession, place: str, fingerprints: Sequence[bytes]) -> None:
    """Keep the first fingerprint at the first start, and compare at every later one. Raises `StoreUnusable`.

    A database that was used with another one of them goes with the first from now on.
    """
    current, *others = fingerprints
    session.link.execute(_KEEP, (current,))
    kept = bytes(session.link.execute(_READ).fetchall()[0][0])
    if kept in others:
        session.link.execute(_REPLACE, (current, kept))
    elif kept != current:
        raise StoreUnusable(
            f"secret: is not the one that {place} was used with: every key and link would be refused. Give every "
            f"process the same `secret` or `secret_file`; while you change it, give the old one as `secret_before`, "
            f"too. If it is lost for good, see `stillmotion keys new-secret --help`"
        )


def replace_secret(session: PostgresSession, place: str, fingerprint: bytes) -> bytes | None:
    """Link the database to another secret, and return the fingerprint of the one before; None without one.

    A process is gone that has not told of itself for `SILENT_AFTER`. Raises `StoreUnusable` for the database's own
    secret, and while processes use the database.
    """
    kept = session.link.execute(_READ).fetchall()[0][0]
    before = None if kept is None else bytes(kept)
    if before == fingerprint:
        raise StoreUnusable(f"secret: {place} goes with this one already, so nothing is lost and nothing was changed")
    living = [name for (name,) in session.link.execute(_LIVING, (SILENT_AFTER.total_seconds(),)).fetchall()]
    if living:
        raise StoreUnusable(
            f"secret: {', '.join(living)} still use {place} with the secret that it goes with, so it is not lost: take "
            f"it from their settings. If it has to go all the same, stop them all, wait "
            f"{SILENT_AFTER.total_seconds():g} seconds, and try again"
        )
    session.link.execute(_SET, (fingerprint,))
    return before
