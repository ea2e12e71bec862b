"""A service in processes of its own, which can be killed and started again over the same directory."""

import base64
import http.client
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from PIL import Image

from stillmotion.cli.main import cli
from tests.forked import Forked
from tests.waiting import eventually

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
POLL = "/lumalabs-ai-polling/v1/getStatus"
PUBLIC_URL = "http://127.0.0.1:9"
COMMAND = [sys.executable, "-m", "stillmotion"]

SIGNALS = os.environ.get("STILLMOTION_SIGNALS")
"""The setting `signals` of a run of these tests with servers and workers apart. See `Apart`. None is the plain run."""

of_one_process = pytest.mark.skipif(SIGNALS is not None, reason="is of a server that renders, over SQLite")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of the tests, without variables that would change the command."""
    ours = ("STILLMOTION_", "PYTHONUNBUFFERED")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"STILLMOTION_LOG_FORMAT": "json"} | more


def small_picture(colour: tuple[int, int, int] = (200, 120, 40)) -> str:
    """A data URI of a picture with a shape in it to move."""
    picture = Image.new("RGB", (64, 48), colour)
    picture.paste((20, 40, 90), (20, 10, 44, 40))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@dataclass
class Running:
    """A data directory, and the server that runs over it, if any."""

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: Forked | subprocess.Popen[str] | None = None
    base: str = ""
    key: str = ""

    @property
    def log(self) -> Path:
        return self.directory.parent / "serve.log"

    def command(self) -> list[str]:
        """The command that starts the server."""
        return [*COMMAND, "serve", "--port", "0", "--data-dir", str(self.directory)]

    def start(self) -> Self:
        command, environment = self.command(), clean_environment(**self.settings)
        new_python = any(name.startswith("PYTHON") for name in self.settings)
        if command[: len(COMMAND)] == COMMAND and not new_python:
            self.process = Forked(command[len(COMMAND) :], environment, self.log)
        else:
            with self.log.open("a") as log:
                self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        line = self.process.stdout.readline()
        assert line.startswith("Listening on "), line + self.log.read_text()
        self.base = line.split()[2]
        return self

    def new_key(self) -> dict[str, str]:
        # The command runs in this process: a process for each test would take as long as many of the tests.
        words = ["keys", "create", "--json", "--data-dir", str(self.directory)]
        with ThreadPoolExecutor(1) as apart:  # Another thread, since an async test has a running loop in this one.
            done = apart.submit(CliRunner().invoke, cli, words, env=self.settings, catch_exceptions=False).result()
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def of_commands(self) -> dict[str, str]:
        """The settings that other commands over the same store need."""
        return {}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the database as they are now."""
        with closing(sqlite3.connect(f"file:{self.directory}/stillmotion.db?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for_death(self, seconds: float) -> int:
        """Wait until a fault has ended it. Returns the exit code."""
        code = self.process.wait(seconds)
        self.process.stdout.close()
        return code

    def stop(self) -> float:
        """Send SIGTERM as a supervisor would, and wait. Returns the seconds until the end."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stdout.close()
        return time.monotonic() - began

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        address = urlsplit(self.base)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, named, answer.read())
        finally:
            connection.close()

    def submit(self, body: dict[str, Any], **headers: str) -> Answered:
        return self.call("POST", SUBMIT, body, **self._authenticated(headers))

    def status(self, generation_id: str) -> Answered:
        return self.call("POST", POLL, {"task_id": generation_id}, **self._authenticated({}))

    def _authenticated(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Content-Type": "application/json", "Ocp-Apim-Subscription-Key": self.key} | headers

    def wait_for(self, generation_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            answer = self.status(generation_id)
            assert answer.status == 200, answer
            return answer.body if answer.body["state"] in states else None

        return eventually(look, seconds, about=lambda: self.status(generation_id).body | {"log": self.last_words()})

    def until_drawn(self, generation_id: str) -> None:
        """Wait until frames are made. What still waits for its inputs is dreaming too, but a drain hands it back."""
        eventually(lambda: float(self.status(generation_id).headers.get("x-stillmotion-progress", 0)) > 0, 60)

    def ready(self, seconds: float = 20) -> Answered:
        """Wait until `/readyz` answers 200."""

        def look() -> Answered | None:
            answer = self.call("GET", "/readyz")
            return answer if answer.status == 200 else None

        return eventually(look, seconds, about=self.last_words)

    def last_words(self) -> str:
        """The end of the log."""
        return self.log.read_text()[-3000:]


@dataclass
class Apart(Running):
    """A server that only queues and a worker that renders, over PostgreSQL: they hear of each other by `SIGNALS`.

    Both are this machine's: they are killed, stopped and started together.
    """

    worker: Forked | None = None

    def __post_init__(self) -> None:
        from tests import databases  # noqa: PLC0415 - the driver may be absent

        shared = {
            "STILLMOTION_STORE": databases.cluster().new_database(),
            "STILLMOTION_SIGNALS": str(SIGNALS),
            "STILLMOTION_SECRET": "5e" * 32,
            "STILLMOTION_PUBLIC_URL": PUBLIC_URL,
        }
        self.settings = shared | self.settings

    def of_commands(self) -> dict[str, str]:
        return {name: value for name, value in self.settings.items() if name != "STILLMOTION_RENDERERS"}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        import psycopg  # noqa: PLC0415 - as above

        with psycopg.connect(self.settings["STILLMOTION_STORE"]) as link:
            return link.execute(statement.encode()).fetchall()

    def start(self) -> Self:
        wanted = self.settings
        self.settings = wanted | {"STILLMOTION_RENDERERS": "0"}
        try:
            super().start()
        finally:
            self.settings = wanted
        if wanted.get("STILLMOTION_RENDERERS") != "0":
            words = ["worker", "--data-dir", str(self.directory)]
            self.worker = Forked(words, clean_environment(**wanted), self.log)
            line = self.worker.stdout.readline()
            assert line.startswith("Rendering for "), line + self.log.read_text()
        return self

    def kill(self) -> None:
        # First the one that goes on with its render.
        self._end_worker(signal.SIGKILL)
        super().kill()

    def wait_for_death(self, seconds: float) -> int:
        """Wait until a fault has ended one of the two, and kill the other. Returns the exit code of the first."""
        both = [each for each in (self.process, self.worker) if each is not None]
        dead = eventually(lambda: next((each for each in both if each.poll() is not None), None), seconds)
        self.kill()
        return dead.returncode

    def stop(self) -> float:
        taken = super().stop()
        return taken + self._end_worker(signal.SIGTERM)

    def _end_worker(self, number: int) -> float:
        began = time.monotonic()
        if self.worker is not None:
            self.worker.send_signal(number)
            self.worker.wait(30)
            self.worker.stdout.close()
            self.worker = None
        return time.monotonic() - began

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """As of a server. Its links lead to the public address, behind which no balancer is."""
        return super().call(method, path.removeprefix(PUBLIC_URL), body, **headers)


def new_running(directory: Path, settings: dict[str, str]) -> Running:
    """A service as this run of the tests has it: of one process, or of two apart."""
    return Running(directory, settings) if SIGNALS is None else Apart(directory, settings)


@pytest.fixture
def make_running(tmp_path):
    made: list[Running] = []

    def make(**settings: str) -> Running:
        running = new_running(tmp_path / f"data{len(made)}", settings)
        running.key = running.new_key()["key"]
        made.append(running)
        return running.start()

    yield make
    for running in made:
        running.stop()


@pytest.fixture
def running(make_running) -> Running:
    return make_running()
