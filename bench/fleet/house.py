"""A fleet on one machine: servers and workers in processes of their own over one PostgreSQL and one bucket."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from bench.fleet.servers import Durable
from tests.seaweedfs import SeaweedFS

COMMAND: Final = (sys.executable, "-m", "stillmotion")
UNGUARDED: Final = (sys.executable, "-m", "bench.fleet.unguarded")
START_SECONDS, STOP_SECONDS = 90, 60
ENGINE: Final = Path(__file__).parent / "engine"
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

_CATALOGUE: Final = """
[aliases]
ray-1-6 = "waiting"

[models.waiting]
engine = "waiting"
summary = "Waits, and gives grey frames."
abilities = ["first", "last"]
licence = "Apache-2.0"
frames = {{ least = 25, most = 25 }}
fps = 25
options = {{ seconds = {seconds} }}
"""


class FleetTrouble(Exception):
    """A process of the fleet that did not start or end; the message holds its last words."""


@dataclass
class Member:
    """A process of the fleet and its log."""

    process: subprocess.Popen[str]
    log: Path
    said: str

    @property
    def runs(self) -> bool:
        """True while it lives."""
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, and its renderers, which notice it by their pipes."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


@dataclass
class FleetHouse:
    """The fleet's members over a database and a bucket. `settings` are given to every member."""

    folder: Path
    server: Durable
    bucket: SeaweedFS
    render_seconds: float = 2.0
    settings: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    members: list[Member] = field(default_factory=list)
    _secret: str = field(default_factory=lambda: secrets.token_hex(32))
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.store = self.store or self.server.new_database()
        self._place = self.bucket.new_place()
        package = self.folder / "engine"
        described = package / "stillmotion_waiting-1.0.dist-info"
        described.mkdir(parents=True)
        shutil.copy(ENGINE / "waiting_engine.py", package)
        (described / "METADATA").write_text("Metadata-Version: 2.1\nName: stillmotion-waiting\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text("[stillmotion.engines]\nwaiting = waiting_engine:WaitingEngine\n")
        (self.folder / "models.toml").write_text(_CATALOGUE.format(seconds=self.render_seconds))

    def environment(self, given: Mapping[str, str] = NO_SETTINGS) -> dict[str, str]:
        """The environment of a member: a data directory of its own, as on a machine of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
        options = ",".join(f"{name}={value}" for name, value in self.bucket.options.items())
        shared = {
            "store": self.store,
            "storage": f"s3://{self._place}",
            "storage_options": options,
            "secret": self._secret,
            "public_url": "http://127.0.0.1:1",
            "catalogue": str(self.folder / "models.toml"),
            "data_dir": str(self.folder / f"machine{next(self._numbers)}"),
            "log_format": "json",
            **self.settings,
            **given,
        }
        return (
            kept
            | {"PYTHONPATH": str(self.folder / "engine")}
            | {f"STILLMOTION_{name.upper()}": value for name, value in shared.items()}
        )

    def command(self, *words: str) -> str:
        """The output of one of the other commands."""
        done = subprocess.run([*COMMAND, *words], env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise FleetTrouble(f"{words}: {done.stderr[-2000:]}")
        return done.stdout

    def new_key(self) -> str:
        """A key of a new subscription."""
        return str(json.loads(self.command("keys", "create", "--json"))["key"])

    def serve(self, *changes: str, **given: str) -> Member:
        """Start a server without renderers, and wait until it listens. `changes` are of `bench.fleet.unguarded`."""
        words = ["serve", "--port", "0"]
        return self._start(_command(changes, words), r"^Listening on (http://\S+)", {"renderers": "0", **given})

    def work(self, *changes: str, **given: str) -> Member:
        """Start a worker, and wait until it renders. `changes` are of `bench.fleet.unguarded`."""
        return self._start(_command(changes, ["worker"]), r"^Rendering for (.*)", given)

    def rows(self, query: str, *bindings: object) -> list[dict[str, Any]]:
        """Rows of a query, as the database has them now."""
        with psycopg.connect(self.store, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.encode(), bindings or None).fetchall()

    def states(self) -> dict[str, int]:
        """The number of generations in each state."""
        found = self.rows("SELECT state, count(*) AS number FROM generations GROUP BY state")
        return {row["state"]: row["number"] for row in found}

    def until_completed(self, number: int, seconds: float) -> float:
        """Wait until as many are completed; the monotonic time of it. Raises `FleetTrouble`."""
        until = time.monotonic() + seconds
        while self.states().get("completed", 0) < number:
            if time.monotonic() > until:
                raise FleetTrouble(f"{number} were to be completed within {seconds:g} s: {self.states()}")
            time.sleep(0.05)
        return time.monotonic()

    def end(self) -> None:
        """End every member at once."""
        for each in self.members:
            each.send(signal.SIGCONT)
            each.kill()

    def _start(self, words: list[str], first: str, given: Mapping[str, str]) -> Member:
        log = self.folder / f"log{next(self._numbers)}"
        with log.open("wb") as written:
            process = subprocess.Popen(
                words, env=self.environment(given), stdout=subprocess.PIPE, stderr=written, text=True
            )
        assert process.stdout is not None
        watch = threading.Timer(START_SECONDS, process.kill)
        watch.start()
        try:
            line = process.stdout.readline()
        finally:
            watch.cancel()
        found = re.search(first, line)
        if found is None:
            process.kill()
            process.wait()
            raise FleetTrouble(f"{words} did not start: {line}{log.read_text('utf-8', 'replace')[-3000:]}")
        member = Member(process, log, found[1])
        self.members.append(member)
        return member


def _command(changes: Sequence[str], words: Sequence[str]) -> list[str]:
    return [*UNGUARDED, ",".join(changes), *words] if changes else [*COMMAND, *words]
