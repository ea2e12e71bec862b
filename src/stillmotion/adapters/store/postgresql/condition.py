"""Condition of a PostgreSQL server and of our database on it, for `stillmotion doctor`. A look changes nothing."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.postgresql.connections.opening import (
    Link,
    PostgresSession,
    connect,
    conninfo,
    named,
    sentence_of,
)
from stillmotion.adapters.store.postgresql.schema import migrations
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import SchemaStanding, upgrade
from stillmotion.adapters.store.sql.queries.access import KEYS_BY_MARK

CHANNEL: Final = "stillmotion_doctor"
NOTIFICATION_SECONDS: Final = 2.0
"""Patience with a notification, which takes a millisecond."""

_SERVER: Final[LiteralString] = """
    SELECT current_setting('server_version'), current_setting('server_version_num')::int,
        NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off',
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
        current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
        (SELECT count(*) FROM pg_stat_replication),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        current_setting('max_connections')::int,
        (SELECT count(*) FROM pg_replication_slots WHERE NOT active),
        current_setting('server_encoding'),
        quote_ident(current_user), pg_has_role('pg_read_all_stats', 'USAGE')
"""
_RIGHTS: Final[LiteralString] = """
    WITH meta AS (SELECT relowner, relnamespace FROM pg_class WHERE oid = to_regclass('stillmotion'))
    SELECT (SELECT pg_get_userbyid(relowner) FROM meta),
        coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM meta), true)
            AND coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
        coalesce((
            SELECT array_agg(relname::text ORDER BY relname) FROM pg_class JOIN meta USING (relowner, relnamespace)
            WHERE relkind = 'r' AND NOT (
                has_table_privilege(pg_class.oid, 'SELECT') AND has_table_privilege(pg_class.oid, 'INSERT')
                AND has_table_privilege(pg_class.oid, 'UPDATE') AND has_table_privilege(pg_class.oid, 'DELETE')
            )
        ), '{}'),
        coalesce((
            SELECT array_agg(oid::regprocedure::text ORDER BY proname) FROM pg_proc
            WHERE NOT has_function_privilege(oid, 'EXECUTE') AND (
                proname IN ('next_claim', 'keep_claim', 'keep_callbacks')
                AND pronamespace = (SELECT relnamespace FROM meta)
                OR proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype
            )
        ), '{}')
"""
_NAMES: Final = (
    "version",
    "version_number",
    "is_writable",
    "is_flushed",
    "synchronous_commit",
    "standby_names",
    "standbys",
    "connections",
    "most_connections",
    "abandoned_slots",
    "encoding",
    "role",
    "sees_others",
)
"""The fields that `_SERVER` answers, in its order."""
_SNAPSHOT: Final[LiteralString] = """
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - began)), 0)::float8 FROM (
        SELECT xact_start FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
        UNION ALL SELECT prepared FROM pg_prepared_xacts
    ) AS transactions (began)
"""
_TIME: Final[LiteralString] = "SELECT clock_timestamp()"
_IS_OURS: Final[LiteralString] = "SELECT to_regclass('stillmotion') IS NOT NULL"
_META: Final[LiteralString] = "SELECT schema, oldest_code, secret_fingerprint FROM stillmotion"
_LEASES: Final[LiteralString] = """
    SELECT coalesce(sum(n_live_tup), 0)::int8, coalesce(sum(n_dead_tup), 0)::int8
    FROM pg_stat_user_tables WHERE relname = 'leases'
"""


@dataclass(frozen=True, slots=True)
class ServerCondition:
    """Condition of a server and of our database on it.

    `standing` is None where there are no tables of ours yet, `newest` the package's schema, and `due` are contract
    steps. `standby_names` are those of the setting, and `standbys` counts the standbys that are connected.
    `clock_ahead` is the lead of the server's clock over this machine's, give or take `clock_error`. `snapshot` is the
    age of the oldest open transaction, of this role's alone unless it `sees_others`, and `abandoned_slots` are
    replication slots that nobody reads. `owner` has the tables, `may_migrate` is true for a role that may make and
    change them, `closed_tables` are those that it may not read or write, and `closed_functions` those of claims that it
    may not execute. `key_marks` are numbers of keys by mark. `is_notified` is None behind a pooler.
    """

    place: str
    version: str
    version_number: int
    is_writable: bool
    is_flushed: bool
    synchronous_commit: str
    standby_names: str
    standbys: int
    connections: int
    most_connections: int
    abandoned_slots: int
    encoding: str
    role: str
    sees_others: bool
    owner: str | None
    may_migrate: bool
    closed_tables: Sequence[str]
    closed_functions: Sequence[str]
    standing: SchemaStanding | None
    newest: int
    due: Sequence[int]
    fingerprint: bytes | None
    clock_ahead: timedelta
    clock_error: timedelta
    snapshot: timedelta
    leases: int
    dead_leases: int
    key_marks: Mapping[bytes, int]
    is_notified: bool | None


def server_condition(url: str) -> ServerCondition:
    """The condition of the server that a `postgresql://` URL leads to. Raises `StoreUnusable`."""
    parameters = conninfo(url)
    place = named(parameters)
    try:
        session = connect(_any_session(parameters))
        with closing(session.link):
            return _looked(place, session, parameters)
    except psycopg.Error as error:
        raise StoreUnusable(f"{place} cannot be used: {sentence_of(error)}") from error


def _any_session(parameters: str) -> str:
    """The parameters for a standby too, which is to be seen as what it is rather than as one that is away."""
    return make_conninfo(parameters, target_session_attrs="any")


def _looked(place: str, session: PostgresSession, parameters: str) -> ServerCondition:
    link = session.link
    (server,) = link.execute(_SERVER).fetchall()
    ((is_ours,),) = link.execute(_IS_OURS).fetchall()
    ((owner, may_migrate, closed_tables, closed_functions),) = link.execute(_RIGHTS).fetchall()
    standing, fingerprint = None, None
    if is_ours:
        ((schema, oldest_code, fingerprint),) = link.execute(_META).fetchall()
        standing = SchemaStanding(schema, oldest_code)
    way = upgrade(migrations(), standing)
    may_look = standing is not None and standing.schema >= migrations()[-1].version and "keys" not in closed_tables
    ahead, error = _clock(link)
    ((snapshot,),) = link.execute(_SNAPSHOT).fetchall()
    ((live, dead),) = link.execute(_LEASES).fetchall()
    notified = None if session.is_pooled else _is_notified(link, parameters)
    return ServerCondition(
        place=place,
        **dict(zip(_NAMES, server, strict=True)),
        owner=owner,
        may_migrate=may_migrate,
        closed_tables=closed_tables,
        closed_functions=closed_functions,
        standing=standing,
        newest=migrations()[-1].version,
        due=way.due,
        fingerprint=None if fingerprint is None else bytes(fingerprint),
        clock_ahead=ahead,
        clock_error=error,
        snapshot=timedelta(seconds=snapshot),
        leases=live,
        dead_leases=dead,
        key_marks=_key_marks(link) if may_look else {},
        is_notified=notified,
    )


def _key_marks(link: Link) -> Mapping[bytes, int]:
    return {bytes(mark): number for mark, number in link.execute(KEYS_BY_MARK.encode())}


def _clock(link: Link) -> tuple[timedelta, timedelta]:
    """Lead of the server's clock over this machine's, and half of the round trip."""
    clock, began = SystemClock(), monotonic()
    ((theirs,),) = link.execute(_TIME).fetchall()
    half = timedelta(seconds=(monotonic() - began) / 2)
    assert isinstance(theirs, datetime)
    return theirs.astimezone(UTC) + half - clock.now(), half


def _is_notified(link: Link, parameters: str) -> bool:
    """True if a notification of another session arrives."""
    channel = sql.Identifier(CHANNEL)
    link.execute(sql.SQL("LISTEN {}").format(channel))
    with closing(connect(_any_session(parameters)).link) as other:
        other.execute(sql.SQL("NOTIFY {}").format(channel))
    return any(each.channel == CHANNEL for each in link.notifies(timeout=NOTIFICATION_SECONDS, stop_after=1))
