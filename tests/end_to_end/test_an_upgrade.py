"""A release that is rolled forward and back under load, over one PostgreSQL: nothing is lost, refused or made twice.

The newer release is this one with two more steps of the schema, in a copy of the package. So the older one is real code
over a schema that it does not know.
"""

import http.client
import json
import shutil
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

import stillmotion
from stillmotion.adapters.store.postgresql import schema
from tests import databases
from tests.end_to_end.conftest import COMMAND, clean_environment, small_picture
from tests.end_to_end.test_a_fleet import Fleet
from tests.waiting import eventually

KNOWN = schema.migrations()[-1].version
SHORT = {"prompt": "push in", "url": small_picture(), "duration": 5, "resolution": "540p"}

EXPANSION = """
    ALTER TABLE generations ADD COLUMN shade text, ADD COLUMN depth bigint NOT NULL DEFAULT 0;
    ALTER TABLE leases ADD COLUMN shade text;
    ALTER TABLE limits ADD COLUMN shade text;
    ALTER TABLE processes ADD COLUMN shade text;
    CREATE TABLE shades (name text PRIMARY KEY);
    CREATE INDEX generations_shade ON generations (shade);
"""
CONTRACTION = "ALTER TABLE processes ALTER schema DROP DEFAULT"
"""An end of code that does not tell its schema yet."""


@dataclass
class Release:
    """A release of the service, and what runs of it."""

    fleet: Fleet
    workers: ExitStack = field(default_factory=ExitStack)

    def start(self):
        """Start a server and a worker."""
        server = self.fleet.serve()
        self.workers.enter_context(self.fleet.working())
        return server

    def command(self, *words):
        """The ended process of a command."""
        environment = clean_environment(**self.fleet.settings)
        command = [*COMMAND, *words, "--data-dir", str(self.fleet.directory)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def older(tmp_path):
    """This release."""
    url = databases.cluster().new_database()
    settings = {
        "STILLMOTION_STORE": url,
        "STILLMOTION_SECRET": "5e" * 32,
        "STILLMOTION_PUBLIC_URL": "http://127.0.0.1:9",
        "STILLMOTION_SHUTDOWN_GRACE": "60",
    }
    release = Release(Fleet(tmp_path / "data", url, settings))
    with release.workers:
        yield release
    for each in release.fleet.servers:
        each.stop()


@pytest.fixture
def newer(older, tmp_path):
    """A release with two more steps: its code is that of this one, in a folder of its own."""
    package = tmp_path / "newer" / "stillmotion"
    # Processes of other tests write bytecode there meanwhile, under names that pass.
    shutil.copytree(Path(stillmotion.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    steps = package / "adapters" / "store" / "postgresql" / "migrations"
    (steps / f"{KNOWN + 1:04}_shades.sql").write_text(EXPANSION, "utf-8")
    (steps / f"{KNOWN + 2:04}_schema_told.contract.sql").write_text(CONTRACTION, "utf-8")
    settings = older.fleet.settings | {"PYTHONPATH": str(package.parent)}
    release = Release(replace(older.fleet, settings=settings))
    with release.workers:
        yield release


class Load:
    """Submits, one after another, as through a balancer: to the next server where one has just gone."""

    def __init__(self, servers):
        self.servers, self.accepted, self.refused = servers, [], []
        self._ended = threading.Event()

    def run(self):
        """Submit until the end."""
        number = 0
        while not self._ended.wait(0.15):
            number += 1
            self.accepted.append(self._submit(f"request-{number}"))

    def _submit(self, name):
        def look():
            for server in self.servers[-2:]:
                try:
                    answer = server.submit(SHORT, **{"Idempotency-Key": name})
                except (OSError, http.client.HTTPException):
                    continue
                if answer.status == 200:
                    return answer.body["id"]
                if answer.status != 503:
                    self.refused.append(answer)
            return None

        return eventually(look, 30)

    @contextmanager
    def under_way(self):
        """Submits of a thread."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(60)


def completed(release):
    """The number of clips that are made."""
    ((count,),) = release.fleet.rows("SELECT count(*) FROM generations WHERE state = 'completed'")
    return count


def replaced(old, new, load):
    """Replace what runs of one release by another, server by server, then the workers, while clips are made."""
    for _ in range(2):
        going = load.servers[0]
        new.start()
        enough = completed(new) + 3
        load.servers.remove(going)
        going.stop()
        eventually(lambda enough=enough: completed(new) >= enough, 60)
    old.workers.close()


@pytest.mark.slow
def test_a_release_is_rolled_forward_and_back_under_load(older, newer):
    older.start()
    with psycopg.connect(older.fleet.url) as link:
        link.execute("UPDATE products SET submits_per_minute = 60000, concurrent_generations = 60000")
    older.start()
    load = Load(older.fleet.servers)
    with load.under_way():
        eventually(lambda: len(load.accepted) > 3, about=lambda: load.refused)
        assert json.loads(newer.command("migrate", "--json").stdout) == {
            "store": json.loads(older.command("migrate", "--json").stdout)["store"],
            "from": KNOWN, "to": KNOWN + 2, "oldest_code": 1, "contract_due": [KNOWN + 2],
        }  # fmt: skip
        refused = newer.command("migrate", "--contract")
        assert refused.returncode == 1
        for (id_,) in older.fleet.rows("SELECT id FROM processes"):
            assert f"{id_} (version {version('stillmotion')}, schema {KNOWN})" in refused.stderr
        replaced(older, newer, load)
        replaced(newer, older, load)
        replaced(older, newer, load)
        contracted = newer.command("migrate", "--contract")
        assert contracted.returncode == 0, contracted.stderr
        assert f"contracted, so that versions that do not know schema {KNOWN + 2} start no more" in contracted.stdout
        for words in (["serve", "--port", "0"], ["worker"]):
            ended = older.command(*words)
            assert (ended.returncode, ended.stdout) == (1, "")
            assert f"is too new for this Stillmotion, which knows schema {KNOWN}: the oldest" in ended.stderr
        count = len(load.accepted)
        eventually(lambda: len(load.accepted) > count + 3)
    unfinished = "SELECT state, attempt, failures, losses FROM generations WHERE state <> 'completed'"
    eventually(lambda: not newer.fleet.rows(unfinished), 120, about=lambda: newer.fleet.rows(unfinished))
    fates = newer.fleet.rows("SELECT DISTINCT state, attempt, failures, losses FROM generations")
    assert fates == [("completed", 1, 0, 0)]
    assert {id_ for (id_,) in newer.fleet.rows("SELECT id FROM generations")} == set(load.accepted)
    assert load.refused == []


@pytest.mark.slow
def test_a_process_that_the_database_outgrows_while_it_runs_ends(older):
    """It was frozen, say, while older code was looked for."""
    server = older.start()
    with psycopg.connect(older.fleet.url) as link:
        link.execute("UPDATE stillmotion SET schema = 999, oldest_code = 999")
    eventually(lambda: server.process.poll() is not None, 30)
    assert '"version_too_old"' in server.log.read_text()
    assert server.process.poll() == 0
    eventually(lambda: older.fleet.rows("SELECT count(*) FROM processes") == [(0,)], 30)
