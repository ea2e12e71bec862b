"""Checks of a store in PostgreSQL for `stillmotion doctor`. They change nothing and leave nothing behind."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from stillmotion.composition.doctor.directory import Finding, keys, schema
from stillmotion.composition.secrets import secret_of
from stillmotion.config import Settings
from stillmotion.domain.plurals import plural

if TYPE_CHECKING:
    from stillmotion.adapters.store.postgresql.condition import ServerCondition

OLDEST: Final = 15
CLOCKS_APART: Final = timedelta(seconds=5)
OLD_SNAPSHOT: Final = timedelta(minutes=10)
MANY_DEAD: Final = 50_000
"""Dead rows of leases that slow renewals: minutes of an open snapshot are harmless, hours are not."""
FULL: Final = 0.8
"""Part of the connections from which more servers and workers may be refused."""


def complete(settings: Settings) -> Finding:
    """Check that the settings that every process of a fleet needs are there."""
    secret_of(settings)
    if not settings.public_url:
        remedy = "Set public_url to the address that callers use: links in callbacks are made by any server."
        return Finding("fleet", "public_url is not set, without which a server does not start", remedy)
    if settings.storage == "local":
        remedy = "Set storage to s3://bucket/prefix, or put data_dir/objects of all machines on one shared folder."
        return Finding("fleet", "storage is local: a clip would be on the machine that made it alone", remedy)
    return Finding("fleet", f"secret and public_url are set; clips are in {settings.storage}")


def server(settings: Settings) -> Iterator[Finding]:
    """Check the database server and the database, over one connection."""
    from stillmotion.adapters.store.postgresql.condition import server_condition

    condition = server_condition(settings.store)
    yield from (look(condition) for look in _LOOKS)
    yield _secret(settings, condition)
    yield keys(settings, condition.key_marks)
    yield _signals(settings, condition)


def database(it: "ServerCondition") -> Finding:
    """Check the server's version, and the schema of the database on it."""
    said = f"{it.place}, PostgreSQL {it.version}"
    if it.version_number // 10_000 < OLDEST:
        return Finding("database", said, f"Upgrade the server to PostgreSQL {OLDEST} or newer.")
    if it.encoding != "UTF8":
        return Finding("database", f"{said}, keeps text as {it.encoding}", "Make the database with ENCODING 'UTF8'.")
    if not it.is_writable:
        remedy = "Name the primary in store, or all hosts with ?target_session_attrs=read-write."
        return Finding("database", f"{said}, which cannot be written to: a standby, or a read-only database", remedy)
    if it.standing is None and not it.may_migrate:
        remedy = f"Run `stillmotion migrate` as the owner, or grant {it.role} USAGE and CREATE on the schema public."
        return Finding("database", f"{said}, where the role {it.role} may make no tables", remedy)
    if it.standing is None:
        return Finding("database", f"{said}, without our tables yet: the first process makes them")
    if it.standing.schema < it.newest and not it.may_migrate:
        remedy = f"Run `stillmotion migrate` with {it.owner} in store."
        said += f", schema {it.standing.schema}, which the role {it.role} may not bring to {it.newest}"
        return Finding("database", said, remedy)
    if it.closed_tables or it.closed_functions:
        return _without_rights(said, it)
    return schema(said, it.standing, it.newest, it.due)


def _without_rights(said: str, it: "ServerCondition") -> Finding:
    if it.closed_tables:
        grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {it.role}"
        said += f", where the role {it.role} may not read and write {', '.join(it.closed_tables)}"
        return Finding("database", said, f"As {it.owner}: {grant};")
    closed = ", ".join(it.closed_functions)
    said += f", where the role {it.role} may not execute {closed}: no worker gets a clip to make"
    return Finding("database", said, f"As a superuser: GRANT EXECUTE ON FUNCTION {closed} TO {it.role};")


def durability(it: "ServerCondition") -> Finding:
    """Check that a commit lasts, and say if a standby has it too."""
    if not it.is_flushed:
        remedy = "Set fsync and full_page_writes to on: after a power cut the database may be lost."
        return Finding("durability", "the server does not flush what it commits", remedy)
    if it.synchronous_commit == "off":
        remedy = "Set synchronous_commit to on: a crash loses what was acknowledged last."
        return Finding("durability", "commits are acknowledged before they are on disk", remedy)
    if not it.standby_names:
        beside = f", {it.standbys} connected that do not count" if it.standbys else ""
        return Finding(
            "durability",
            f"commits are flushed; no synchronous standby{beside}: a failover may lose what was acknowledged last",
        )
    if not it.standbys:
        remedy = "Start a standby, or every commit waits for one."
        return Finding("durability", f"no standby of {it.standby_names} is connected", remedy)
    return Finding("durability", f"commits are flushed, here and by {it.standby_names}")


def clock(it: "ServerCondition") -> Finding:
    """Compare the clocks of the server and of this machine."""
    seconds, error = it.clock_ahead.total_seconds(), it.clock_error.total_seconds()
    said = f"the database's is {abs(seconds):.3f} s {'ahead' if seconds > 0 else 'behind'}, give or take {error:.3f} s"
    far = abs(it.clock_ahead) - it.clock_error > CLOCKS_APART
    return Finding("clock", said, "Set the machines' clocks by NTP." if far else "")


def snapshots(it: "ServerCondition") -> Finding:
    """Check that no transaction or slot keeps dead rows."""
    minutes = it.snapshot.total_seconds() / 60
    if it.abandoned_slots:
        remedy = "Drop the slots of standbys that are gone: SELECT pg_drop_replication_slot(slot_name)."
        return Finding(
            "open snapshots",
            f"{plural(it.abandoned_slots, 'replication slot is', 'replication slots are')} read by nobody",
            remedy,
        )
    if it.snapshot > OLD_SNAPSHOT:
        remedy = "End it: it keeps dead rows, and the queue gets slower. SELECT pid, query FROM pg_stat_activity."
        return Finding("open snapshots", f"a transaction has been open for {plural(round(minutes), 'minute')}", remedy)
    seen = "" if it.sees_others else f"; those of others than {it.role} are not seen without pg_read_all_stats"
    return Finding("open snapshots", f"the oldest transaction is {it.snapshot.total_seconds():.0f} s old{seen}")


def dead_rows(it: "ServerCondition") -> Finding:
    """Check that dead rows of leases are removed."""
    said = f"{it.leases} live rows of leases, {it.dead_leases} dead"
    is_full = it.dead_leases > MANY_DEAD
    return Finding("dead rows", said, "Look why autovacuum does not come: is a snapshot open?" if is_full else "")


def connections(it: "ServerCondition") -> Finding:
    """Check that connections are left."""
    said = f"{it.connections} of {it.most_connections}"
    is_full = it.connections > FULL * it.most_connections
    remedy = "Raise max_connections, or put PgBouncer in transaction mode before it and set signals to poll."
    return Finding("connections", said, remedy if is_full else "")


_LOOKS: Final[Sequence[Callable[["ServerCondition"], Finding]]] = (
    database,
    durability,
    clock,
    snapshots,
    dead_rows,
    connections,
)


def _secret(settings: Settings, it: "ServerCondition") -> Finding:
    if it.fingerprint is None:
        return Finding("secret", "the database has been used with none yet")
    current, *others = secret_of(settings).fingerprints
    if it.fingerprint in others:
        return Finding("secret", "the database goes with secret_before still, until the next start with this secret")
    if it.fingerprint != current:
        remedy = "Give this machine the `secret` of the others; while you change it, the old one as secret_before too."
        return Finding("secret", "this machine's is not the one that the database was used with", remedy)
    return Finding("secret", "the one that the database was used with")


def _signals(settings: Settings, it: "ServerCondition") -> Finding:
    if settings.signals == "poll":
        return Finding("signals", "processes look for work once a second")
    if it.is_notified is None:
        return Finding("signals", "store leads to a pooler in transaction mode", "Set signals to poll.")
    if not it.is_notified:
        return Finding("signals", "no notification arrives, as behind a pooler", "Set signals to poll.")
    return Finding("signals", "a notification of another session arrives")
