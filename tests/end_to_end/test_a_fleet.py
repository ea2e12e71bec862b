"""Two servers without renderers and two workers over one PostgreSQL, as processes: any of them may be killed."""

import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from tests import databases
from tests.end_to_end.conftest import COMMAND, Running, clean_environment, small_picture
from tests.waiting import eventually

LONG = {"prompt": "push in", "url": small_picture(), "duration": 10, "resolution": "1080p"}


@dataclass
class Fleet:
    """Servers and workers that share a database."""

    directory: Path
    url: str
    settings: dict[str, str]
    servers: list[Running] = field(default_factory=list)

    def serve(self):
        server = Running(self.directory, self.settings | {"STILLMOTION_RENDERERS": "0"})
        server.key = self.servers[0].key if self.servers else server.new_key()["key"]
        self.servers.append(server.start())
        return server

    @contextmanager
    def working(self, *words):
        with (self.directory.parent / "worker.log").open("a") as log:
            process = subprocess.Popen(
                [*COMMAND, "worker", "--data-dir", str(self.directory), *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment(**self.settings),
            )
        try:
            assert process.stdout.readline().startswith("Rendering for ")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stdout.close()

    def rows(self, statement):
        with psycopg.connect(self.url) as link:
            return link.execute(statement).fetchall()


@pytest.fixture(params=["auto"])
def fleet(request, tmp_path):
    url = databases.cluster().new_database()
    settings = {
        "STILLMOTION_STORE": databases.pooled(url) if request.param == "pooled" else url,
        "STILLMOTION_SIGNALS": "auto" if request.param == "pooled" else request.param,
        "STILLMOTION_SECRET": "5e" * 32,
        "STILLMOTION_PUBLIC_URL": "http://127.0.0.1:9",
        "STILLMOTION_LOG_FORMAT": "json",
    }
    made = Fleet(tmp_path / "data", url, settings)
    yield made
    for each in made.servers:
        each.stop()


@pytest.mark.parametrize(
    "fleet",
    ["auto", pytest.param("poll", marks=pytest.mark.slow), pytest.param("pooled", marks=pytest.mark.slow)],
    indirect=True,
)
def test_what_one_server_accepts_another_shows_and_a_third_that_starts_interrupts_nothing(fleet):
    first, second = fleet.serve(), fleet.serve()
    assert first.call("GET", "/readyz").status == 200, "a server of several is ready without workers"
    with fleet.working():
        accepted = first.submit(LONG).body["id"]
        second.wait_for(accepted, "dreaming", "completed")
        fleet.serve()
        assert second.wait_for(accepted, "completed", "failed", seconds=60)["state"] == "completed"
    assert fleet.rows("SELECT state, attempt, failures, losses FROM generations") == [("completed", 1, 0, 0)]
    assert len(fleet.rows("SELECT DISTINCT holder FROM duties")) == 1, "one process holds all duties"


@pytest.mark.slow
def test_a_killed_workers_render_is_running_elsewhere_within_twenty_seconds(fleet):
    server = fleet.serve()
    # Both are ready first: a fast machine makes the clip before another worker has started.
    with fleet.working() as one, fleet.working() as two:
        eventually(lambda: len(fleet.rows("SELECT 1 FROM processes WHERE able = 1")) == 2)
        accepted = server.submit(LONG).body["id"]
        server.wait_for(accepted, "dreaming")
        ((maker,),) = fleet.rows("SELECT pid FROM processes JOIN attempts ON worker = processes.id")
        killed = one if one.pid == maker else two
        killed.kill()
        killed.wait()
        asked = f"SELECT 1 FROM generations WHERE id = '{accepted}' AND state = 'dreaming' AND attempt = 2"
        eventually(lambda: fleet.rows(asked), 20)
        assert server.wait_for(accepted, "completed", "failed", seconds=60)["state"] == "completed"
    assert fleet.rows("SELECT attempt, failures, losses FROM generations") == [(2, 0, 1)]


@pytest.mark.slow
def test_a_killed_servers_duties_are_another_ones_within_fifteen_seconds(fleet):
    first, second = fleet.serve(), fleet.serve()
    asked = "SELECT DISTINCT pid FROM duties JOIN processes ON holder = processes.id"
    ((holder,),) = eventually(lambda: fleet.rows(asked))
    killed, other = (first, second) if first.process.pid == holder else (second, first)
    killed.kill()
    eventually(lambda: fleet.rows(asked) == [(other.process.pid,)], 15)
    assert fleet.rows("SELECT DISTINCT term FROM duties") == [(2,)]
    killed.start()
