"""The database's tables, brought up to date by numbered migrations."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

import psycopg
from psycopg import errors

from stillmotion.adapters.store.postgresql.connections.opening import (
    OLDEST,
    PostgresSession,
    connect,
    named,
    sentence_of,
)
from stillmotion.adapters.store.postgresql.secret import agree_on_secret
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import (
    Migration,
    SchemaStanding,
    Upgrade,
    older_code,
    packaged,
    refuse_outgrown,
    upgrade,
)
from stillmotion.domain.operators.processes import SILENT_AFTER

PATIENCE: Final = timedelta(minutes=1)
"""Time in which a migration tries to get the locks of its steps."""

_PAUSE_SECONDS: Final = 0.5

_LOCK: Final = 0x534D4F54
"""Number of the lock that a migration holds: `SMOT` in ASCII, as the mark of SQLite's files."""

_HAS_META: Final = b"SELECT to_regclass('stillmotion') IS NOT NULL"
_META: Final = b"""
    CREATE TABLE stillmotion (
        "only" bigint PRIMARY KEY CHECK ("only" = 1), schema bigint NOT NULL, oldest_code bigint NOT NULL,
        secret_fingerprint bytea
    );
    INSERT INTO stillmotion ("only", schema, oldest_code) VALUES (1, 0, 1)
"""
_ROLES: Final = b"""
    SELECT current_user, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('stillmotion'))
"""
_STANDING: Final = b"SELECT schema, oldest_code FROM stillmotion"
_STANDS: Final = "UPDATE stillmotion SET schema = %s, oldest_code = greatest(oldest_code, %s)"

_WAIT: Final = b"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
_HURRY: Final = b"SET LOCAL lock_timeout = '1s'"
"""A step that waits for a table makes all wait that come after it."""

_OLDER_CODE: Final = """
    SELECT id, version, schema FROM processes
    WHERE schema < %s AND seen_at >= extract(epoch FROM clock_timestamp() - %s) * 1000000 ORDER BY id
"""


def migrations() -> Sequence[Migration]:
    """The package's migrations, in order."""
    return packaged(__package__)


def open_database(parameters: str, steps: Sequence[Migration], fingerprints: Sequence[bytes] = ()) -> PostgresSession:
    """A session of a database whose tables are up to date, made or migrated as needed. Raises `StoreUnusable`.

    `fingerprints` are those of the secret, and of one that is accepted beside it. Without any nothing is compared.

    Several processes may do so at once: one migrates, and the others wait for it.
    """
    place = named(parameters)
    with _explained(place):
        session = connect(parameters)
        try:
            _check_server(session, place)
            standing = _standing(session, place, steps)
            if standing is None or standing.schema < steps[-1].version:
                _migrate_patiently(session, place, steps)
            if fingerprints:
                agree_on_secret(session, place, fingerprints)
        except BaseException:
            session.link.close()
            raise
    return session


def migrate(
    parameters: str, steps: Sequence[Migration], *, contract: bool = False, patience: timedelta = PATIENCE
) -> Upgrade:
    """Bring the tables up to date, with `contract` through the contract steps too. Raises `StoreUnusable`.

    Nothing is changed where nothing is to be done. Older code that lives refuses a contract step.
    """
    place = named(parameters)
    with _explained(place):
        session = connect(parameters)
        with closing(session.link):
            _check_server(session, place)
            return _migrate_patiently(session, place, steps, contract=contract, patience=patience)


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """PostgreSQL's errors as `StoreUnusable`."""
    try:
        yield
    except (errors.DuplicateTable, errors.DuplicateObject, errors.UndefinedColumn) as error:
        raise StoreUnusable(
            f"{place} holds another program's tables: give Stillmotion a database of its own"
        ) from error
    except psycopg.Error as error:
        raise StoreUnusable(f"{place} cannot be used: {sentence_of(error)}") from error


def _check_server(session: PostgresSession, place: str) -> None:
    version = session.link.info.server_version // 10000
    if version < OLDEST:
        raise StoreUnusable(f"{place} is PostgreSQL {version}: use {OLDEST} or later")
    encoding = session.link.execute(b"SHOW server_encoding").fetchall()[0][0]
    if encoding != "UTF8":
        raise StoreUnusable(f"{place} keeps text as {encoding}: make the database with ENCODING 'UTF8'")


def _migrate_patiently(
    session: PostgresSession,
    place: str,
    steps: Sequence[Migration],
    *,
    contract: bool = False,
    patience: timedelta = PATIENCE,
) -> Upgrade:
    """Migrate, and begin anew where a table is locked: the service goes on between two tries."""
    until = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return _migrate(session, place, steps, contract=contract)
        except errors.LockNotAvailable as error:
            if time.monotonic() > until:
                raise StoreUnusable(
                    f"{place} cannot be migrated: another transaction keeps a table locked, such as a long dump. End "
                    "it, or wait for it, and run `stillmotion migrate` again"
                ) from error
        except errors.InsufficientPrivilege as error:
            raise StoreUnusable(_without_rights(session, place)) from error
        time.sleep(_PAUSE_SECONDS)


def _without_rights(session: PostgresSession, place: str) -> str:
    ((role, owner),) = session.link.execute(_ROLES).fetchall()
    if owner is None:
        return (
            f"{place} has no tables yet, and the role {role} may make none: run `stillmotion migrate` with the owner "
            f"of the database in `store`, or grant {role} USAGE and CREATE on the schema public"
        )
    return (
        f"{place} has to be migrated, and the role {role} may not change the tables, which are {owner}'s: run "
        f"`stillmotion migrate` with {owner} in `store`, then start this again"
    )


def _migrate(session: PostgresSession, place: str, steps: Sequence[Migration], *, contract: bool) -> Upgrade:
    session.begin()
    try:
        # A migration may wait for another one, and take longer than any statement of the service.
        session.link.execute(_WAIT)
        session.link.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        # The standing is read under the lock: another process may have migrated meanwhile.
        way = upgrade(steps, _standing(session, place, steps), contract=contract)
        session.link.execute(_HURRY)
        if way.before is None:
            session.link.execute(_META)
        for step in way.steps:
            if step.is_contract and way.before is not None:
                _refuse_older_code(session, place, step)
            session.link.execute(step.sql.encode())
        if way.after != way.before:
            session.link.execute(_STANDS, way.after)
            way = way._replace(after=SchemaStanding(*session.link.execute(_STANDING).fetchall()[0]))
        session.commit()
    except BaseException:
        session.roll_back()
        raise
    return way


def _refuse_older_code(session: PostgresSession, place: str, step: Migration) -> None:
    living = session.link.execute(_OLDER_CODE, (step.version, SILENT_AFTER)).fetchall()
    if living:
        raise older_code(place, living)


def _standing(session: PostgresSession, place: str, steps: Sequence[Migration]) -> SchemaStanding | None:
    """Standing of the tables; None for a database without them. Raises `StoreUnusable` for one that is too new."""
    ((is_there,),) = session.link.execute(_HAS_META).fetchall()
    if not is_there:
        return None
    standing = SchemaStanding(*session.link.execute(_STANDING).fetchall()[0])
    refuse_outgrown(place, standing, steps)
    return standing
