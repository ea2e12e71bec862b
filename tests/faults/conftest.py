"""The real server, with a picture to fetch and a receiver of callbacks, killed at a fault point."""

import base64
import http.client
import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.soak.invariants import Holdings, read, read_shared, violations
from tests.end_to_end.conftest import Answered, Running, make_running, new_running, running, small_picture
from tests.waiting import LOOK_SECONDS, eventually

__all__ = ["make_running", "running"]

QUICK = {"prompt": "push in", "duration": 1, "resolution": "540p"}
PICTURE = base64.b64decode(small_picture().partition(",")[2])
HIT = re.compile(r"event\W+fault\W+point\W+([a-z_.]+)")


class _Elsewhere(BaseHTTPRequestHandler):
    """Server of the picture and receiver of callbacks."""

    def do_GET(self):
        self.server.given.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE[:64])
        self.wfile.flush()
        self.wfile.write(PICTURE[64:])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        """Suppress the log."""


@pytest.fixture
def elsewhere():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    server.received, server.given = [], []
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@dataclass
class Shaken:
    """A service that is killed and started again, and the ids that its callers were given."""

    running: Running
    elsewhere: Any
    accepted: set[str] = field(default_factory=set)

    def order(self, *, inline: bool = False, **more: Any) -> dict[str, Any]:
        url = small_picture() if inline else f"{self.elsewhere.address}/picture.png"
        return {**QUICK, "url": url, "callback_url": f"{self.elsewhere.address}/hook", **more}

    def submit(self, body: dict[str, Any], key: str) -> Answered | None:
        """The answer, None if the server died first."""
        try:
            answer = self.running.submit(body, **{"Idempotency-Key": key})
        except (OSError, http.client.HTTPException):
            return None
        if answer.status == 200:
            self.accepted.add(answer.body["id"])
        return answer

    def start(self, faults: str = "") -> None:
        self.running.settings.pop("STILLMOTION_FAULTS", None)
        if faults:
            self.running.settings["STILLMOTION_FAULTS"] = faults
        self.running.start()

    def wait_for_death(self, seconds: float = 40) -> int:
        return self.running.wait_for_death(seconds)

    @property
    def hit(self) -> set[str]:
        """The fault points that were reached, from the log."""
        return set(HIT.findall(self.running.log.read_text("utf-8", "replace")))

    def announced(self, generation_id: str, state: str, seconds: float = 20) -> int:
        """The number of callbacks for that state, once there is one."""
        received, name = self.elsewhere.received, f"msg_{generation_id}_{state}"
        return eventually(lambda: received.count(name), seconds, about=lambda: received)

    def settled(self) -> Holdings:
        """The contents of the data directory after an orderly stop. All invariants are checked."""
        eventually(lambda: self._deliveries() <= {"delivered"}, 60, about=self._deliveries)
        self.running.stop()
        holdings = self.holdings()
        assert violations(holdings, self.accepted) == []
        return holdings

    def holdings(self) -> Holdings:
        """Everything that is stored now."""
        store = self.running.of_commands().get("STILLMOTION_STORE")
        return read(self.running.directory) if store is None else read_shared(self.running.directory, store)

    def _deliveries(self) -> set[str]:
        """The states of the callbacks. One that a kill interrupted is delivered after the next start."""
        return {state for *_, state, _ in self.holdings().deliveries}


@dataclass
class OddlyRunning(Running):
    """A server on a machine whose clock and disk have the faults of `oddity`."""

    @property
    def control(self) -> Path:
        return self.directory.with_name("oddity.json")

    def oddity(self, **said: Any) -> None:
        """Set the faults from now on. Without any the machine is well."""
        fresh = self.control.with_suffix(".new")
        fresh.write_text(json.dumps(said))
        fresh.rename(self.control)

    def command(self) -> list[str]:
        words = ["-m", "tests.faults.odd_machine", str(self.control), "serve", "--port", "0"]
        return [sys.executable, *words, "--data-dir", str(self.directory)]


@pytest.fixture(params=[1000])
def odd(request, tmp_path):
    """A server with the given limit of submits a minute."""
    running = OddlyRunning(tmp_path / "data", {"STILLMOTION_SUBMITS_PER_MINUTE": str(request.param)})
    running.oddity()
    running.key = running.new_key()["key"]
    yield running.start()
    if running.process.poll() is None:
        running.oddity()
        running.stop()


@pytest.fixture
def shaken(tmp_path, elsewhere):
    port = elsewhere.address.rpartition(":")[2]
    settings = {"STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8", "STILLMOTION_FETCH_ALLOWED_PORTS": port}
    running = new_running(tmp_path / "data", settings)
    running.key = running.new_key()["key"]
    yield Shaken(running, elsewhere)
    if running.process is not None and running.process.poll() is None:
        try:
            running.stop()
        except subprocess.TimeoutExpired:
            running.kill()
