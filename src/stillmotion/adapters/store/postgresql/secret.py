"""Link between a database and its secret: the processes have the secret, and the database keeps its fingerprint."""

from collections.abc import Sequence
from typing import Final, LiteralString

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession
from stillmotion.adapters.store.sql.connections import StoreUnusable

_KEEP: Final[LiteralString] = "UPDATE stillmotion SET secret_fingerprint = %s WHERE secret_fingerprint IS NULL"
_READ: Final[LiteralString] = "SELECT secret_fingerprint FROM stillmotion"
_REPLACE: Final[LiteralString] = "UPDATE stillmotion SET secret_fingerprint = %s WHERE secret_fingerprint = %s"


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
            f"process the same `secret` or `secret_file`; while you change it, give the old one as `secret_before` too"
        )
