"""Servers in processes of their own: the real one, and the raw one beside it as a measure."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from bench.load import Address

ROOT = Path(__file__).resolve().parent.parent
LISTENING = re.compile(r"^Listening on http://([^:/\s]+):(\d+)")
STOP_SECONDS = 20
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class ServerTrouble(Exception):
    """A server that did not start, or gave an unexpected answer."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, process and log, and the time of its start (`perf_counter`)."""

    address: Address
    pid: int
    log: Path
    started_at: float

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's JSON lines whose event is `name`, in the order they were written."""
        lines = (line for line in self.log.read_text("utf-8", "replace").splitlines() if line.startswith("{"))
        return [event for event in map(json.loads, lines) if event.get("event") == name]


@contextmanager
def serving(data_dir: Path, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Server]:
    """`stillmotion serve` on a free port over a data directory, with settings by name (`renderers`)."""
    given = {f"STILLMOTION_{name.upper()}": value for name, value in settings.items()}
    command = ["-m", "stillmotion", "serve", "--port", "0", "--data-dir", str(data_dir)]
    with _running(command, {"STILLMOTION_LOG_FORMAT": "json", **given}) as server:
        yield server


@contextmanager
def answering(answer: bytes, *, fastapi: str = "") -> Iterator[Server]:
    """The raw server, which answers with these bytes every time (head, blank line, body).

    Or FastAPI, whose operation has them as `bytes`, or returns their body as a `dict`.
    """
    with TemporaryDirectory(prefix="stillmotion-bench-raw-") as folder:
        file = Path(folder) / "answer"
        file.write_bytes(answer)
        with _running(["-m", "bench.raw", str(file), *(["--fastapi", fastapi] if fastapi else [])], {}) as server:
            yield server


@contextmanager
def _running(arguments: list[str], settings: Mapping[str, str]) -> Iterator[Server]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    # An installation compiles; in a checkout the first start does, so that the second is like an installed one's.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with TemporaryDirectory(prefix="stillmotion-bench-log-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            started_at = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment | dict(settings),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            yield Server(_address(process, log), process.pid, log, started_at)
        finally:
            _stop(process)


def _address(process: subprocess.Popen[str], log: Path) -> Address:
    assert process.stdout is not None
    found = LISTENING.match(process.stdout.readline())
    if found is None:
        raise ServerTrouble(f"{process.args!r} did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
    return Address(found[1], int(found[2]))


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
