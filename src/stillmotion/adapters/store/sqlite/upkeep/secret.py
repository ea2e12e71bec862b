"""Link between a database and its secret: the secret lies in a file, and the database keeps its fingerprint."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import apsw

from stillmotion.adapters.store.sql.connections import StoreUnusable


class Fingerprints(Protocol):
    """Source of the fingerprints of the present secret and of one that is accepted beside it."""

    def __call__(self, *, may_make: bool) -> Sequence[bytes]:
        """The fingerprints. With `may_make` a missing secret is made first."""


_READ: Final = "SELECT secret_fingerprint, EXISTS (SELECT 1 FROM keys) FROM meta"
_KEEP: Final = "UPDATE meta SET secret_fingerprint = ? WHERE secret_fingerprint IS NULL"
_REPLACE: Final = "UPDATE meta SET secret_fingerprint = ?"


def agree_on_secret(connection: apsw.Connection, path: Path, fingerprints: Fingerprints) -> None:
    """Keep the fingerprint at the first start, and compare it at every later one. Raises `StoreUnusable`.

    A secret may be made only if no key was ever hashed with one. A database that was used with the second secret goes
    with the present one from now on.
    """
    kept, has_keys = connection.execute(_READ).get
    current, *others = fingerprints(may_make=kept is None and not has_keys)
    if kept is None:
        connection.execute(_KEEP, (current,))
        kept, _ = connection.execute(_READ).get  # Another process may have been first.
    if kept in others:
        replace_fingerprint(connection, current)
    elif kept != current:
        raise StoreUnusable(wrong_secret(path))


def wrong_secret(path: Path) -> str:
    """The sentence for a secret that is not the one the database at `path` was used with."""
    return (
        f"{path.with_name('secret')}, or the setting secret in its place, is not the secret that {path} was used with: "
        f"every key and link would be refused. Copy the secret from where the database came from, restore both from a "
        f"backup, or give the old one as secret_before too while you change it; if it is lost, make a new one "
        f"with `stillmotion keys new-secret --data-dir {shlex.quote(str(path.parent))}` and issue every key anew"
    )


def replace_fingerprint(connection: apsw.Connection, given: bytes) -> None:
    """Replace the kept fingerprint by another secret's."""
    connection.execute(_REPLACE, (given,))


def kept_fingerprint(connection: apsw.Connection) -> bytes | None:
    """The kept fingerprint; None before the first start, and in databases that are older than fingerprints."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get is None:
        return None
    kept: bytes | None = connection.execute("SELECT secret_fingerprint FROM meta").get
    return kept
