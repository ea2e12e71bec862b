"""The database's tables, brought up to date by numbered migrations."""

from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import errors

from stillmotion.adapters.store.postgresql.connections.opening import (
    OLDEST,
    PostgresSession,
    connect,
    named,
    unavailable,
)
from stillmotion.adapters.store.postgresql.secret import agree_on_secret
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import Migration, packaged

_LOCK: Final = 0x534D4F54
"""Number of the lock that a migration holds: `SMOT` in ASCII, as the mark of SQLite's files."""

_HAS_META: Final = b"SELECT to_regclass('stillmotion') IS NOT NULL"
_META: Final = b"""
    CREATE TABLE stillmotion (
        "only" bigint PRIMARY KEY CHECK ("only" = 1), schema bigint NOT NULL, secret_fingerprint bytea
    );
    INSERT INTO stillmotion VALUES (1, 0, NULL)
"""
_VERSION: Final = b"SELECT schema FROM stillmotion"


def migrations() -> Sequence[Migration]:
    """The package's migrations, in order."""
    return packaged(__package__)


def open_database(parameters: str, steps: Sequence[Migration], fingerprints: Sequence[bytes] = ()) -> PostgresSession:
    """A session of a database whose tables are up to date, made or migrated as needed. Raises `StoreUnusable`.

    `fingerprints` are those of the secret, and of one that is accepted beside it. Without any nothing is compared.

    Several processes may do so at once: one migrates, and the others wait for it.
    """
    place = named(parameters)
    try:
        session = connect(parameters)
        try:
            _check_server(session, place)
            if _version(session, place, steps[-1].version) < steps[-1].version:
                _migrate(session, place, steps)
            if fingerprints:
                agree_on_secret(session, place, fingerprints)
        except BaseException:
            session.link.close()
            raise
    except (errors.DuplicateTable, errors.DuplicateObject, errors.UndefinedColumn) as error:
        raise StoreUnusable(
            f"{place} holds another program's tables: give Stillmotion a database of its own"
        ) from error
    except psycopg.Error as error:
        raise StoreUnusable(f"{place} cannot be used: {_sentence(error)}; mend that and start again") from error
    return session


def _check_server(session: PostgresSession, place: str) -> None:
    version = session.link.info.server_version // 10000
    if version < OLDEST:
        raise StoreUnusable(f"{place} is PostgreSQL {version}: use {OLDEST} or later")
    encoding = session.link.execute(b"SHOW server_encoding").fetchall()[0][0]
    if encoding != "UTF8":
        raise StoreUnusable(f"{place} keeps text as {encoding}: make the database with ENCODING 'UTF8'")


def _migrate(session: PostgresSession, place: str, steps: Sequence[Migration]) -> None:
    session.begin()
    try:
        # A migration may wait for another one, and take longer than any statement of the service.
        session.link.execute(b"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        session.link.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        # The version is read again under the lock: another process may have migrated meanwhile.
        version = _version(session, place, steps[-1].version)
        if version < 0:
            session.link.execute(_META)
        for step in steps:
            if step.version > version:
                session.link.execute(step.sql.encode())
        session.link.execute("UPDATE stillmotion SET schema = %s", (steps[-1].version,))
        session.commit()
    except BaseException:
        session.roll_back()
        raise


def _version(session: PostgresSession, place: str, newest: int) -> int:
    """Version of the tables; -1 for a database without them."""
    ((is_there,),) = session.link.execute(_HAS_META).fetchall()
    if not is_there:
        return -1
    version = int(session.link.execute(_VERSION).fetchall()[0][0])
    if version > newest:
        raise StoreUnusable(
            f"{place} was written by a newer Stillmotion (schema {version}, this one knows {newest}): "
            "upgrade Stillmotion, or choose another database"
        )
    return version


def _sentence(error: psycopg.Error) -> str:
    """The service's words for an error, and PostgreSQL's own, which never hold a password."""
    trouble = unavailable(error)
    theirs = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return theirs if trouble is None else f"{trouble} ({theirs})"
