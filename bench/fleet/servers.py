"""A durable PostgreSQL for a benchmark: its own cluster in a temporary folder, flushing as in production."""

import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import psycopg

from bench.processes import children, cpu_seconds
from tests.databases import (
    ROLE,
    answers,
    as_user,
    initialise,
    installed,
    own,
    pooler_program,
    reachable,
    server_command,
    write_pooler_settings,
)

START_SECONDS: Final = 60
NO_CHANGES: Mapping[str, str] = MappingProxyType({})
_NUMBERS = count()


class NoPostgresql(Exception):
    """This machine has no PostgreSQL to measure with."""


@dataclass
class Durable:
    """A running server that waits for the disk at every commit. It can be stopped in every way, and started again."""

    folder: Path
    programs: Path
    major: int
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """A URL as an operator would set it."""
        return f"postgresql://{ROLE}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"bench_{next(_NUMBERS)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def cpu_seconds(self) -> float:
        """User and system time of the server and of its sessions. A session that has ended counts no more."""
        assert self.process is not None
        whole = 0.0
        for pid in (self.process.pid, *children(self.process.pid)):
            with suppress(ProcessLookupError, OSError):
                whole += cpu_seconds(pid)
        return whole

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = server_command(self.programs, self.folder, self.settings)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **as_user())
        until = time.monotonic() + START_SECONDS
        while not answers(self.url()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise NoPostgresql((self.folder / "log").read_text("utf-8")[-2000:])
            time.sleep(0.05)

    def promote(self) -> None:
        """Make a standby the one that is written to."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop: SIGQUIT is `immediate`, as a crash; SIGINT is `fast`."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


async def timed(server: Durable, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds that the work took, and seconds of the database's processor."""
    before, began = server.cpu_seconds(), time.perf_counter()
    await work()
    return time.perf_counter() - began, server.cpu_seconds() - before


@contextmanager
def durable(major: int | None = None, settings: Mapping[str, str] = NO_CHANGES) -> Iterator[Durable]:
    """A new server of that major version, or of the newest here. Raises `NoPostgresql`."""
    known = installed()
    if not known or (major is not None and major not in known):
        raise NoPostgresql("install PostgreSQL 15 or later: on Debian `apt-get install postgresql`")
    chosen = max(known) if major is None else major
    with TemporaryDirectory(prefix="stillmotion-fleet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        own(folder)
        given = {"listen_addresses": "", "max_connections": "300", "shared_buffers": "256MB", **settings}
        server = Durable(folder, reachable(known[chosen], folder), chosen, given)
        initialise(server.programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def standby_of(primary: Durable) -> Iterator[Durable]:
    """A standby that must have each commit before the primary confirms it."""
    with TemporaryDirectory(prefix="stillmotion-standby-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        own(folder)
        standby = Durable(folder, primary.programs, primary.major, primary.settings)
        source = ["-h", str(primary.folder), "-U", ROLE, "-D", str(standby.data), "-R", "-c", "fast"]
        subprocess.run(
            [primary.programs / "pg_basebackup", *source], check=True, capture_output=True, cwd="/", **as_user()
        )
        standby.start()
        _wait_for_a_standby(primary, "'ANY 1 (*)'")
        try:
            yield standby
        finally:
            standby.stop()
            # Of what the standby has written since, the old primary has nothing: only new databases are for it.
            if primary.process is None:
                primary.start()
            _wait_for_a_standby(primary, "DEFAULT")


def _wait_for_a_standby(server: Durable, names: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = {names}".encode())
        connection.execute("SELECT pg_reload_conf()")


@dataclass
class Pooler:
    """PgBouncer in transaction mode. It can be led to another server while it runs, as an operator does it."""

    folder: Path
    program: str
    process: subprocess.Popen[bytes] | None = None

    def url(self, database_url: str) -> str:
        """The URL of a server's database behind this pooler."""
        return f"{database_url.partition('?')[0]}?host={self.folder}"

    def lead_to(self, server: Durable) -> None:
        """Lead to that server from now on. Sessions with the server before are closed."""
        write_pooler_settings(self.folder, server.folder)
        if self.process is None:
            command = [self.program, str(self.folder / "pgbouncer.ini")]
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **as_user())
        else:
            self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


@contextmanager
def pooler_of(server: Durable) -> Iterator[Pooler]:
    """A pooler that leads to the server. Raises `NoPostgresql` where PgBouncer is not installed."""
    program = pooler_program()
    if program is None:
        raise NoPostgresql("install PgBouncer: on Debian `apt-get install pgbouncer`")
    with TemporaryDirectory(prefix="stillmotion-pooler-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        own(folder)
        pooler = Pooler(folder, program)
        pooler.lead_to(server)
        try:
            yield pooler
        finally:
            pooler.stop()
