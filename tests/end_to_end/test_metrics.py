"""Metrics of a real run: a server, another server that it forwards to, and a receiver of callbacks."""

import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.end_to_end.conftest import Running, small_picture
from tests.end_to_end.test_another_server import written
from tests.waiting import LOOK_SECONDS, eventually
from tools.docs.metrics import metric_names

QUICK = {"prompt": "push in", "duration": 1, "resolution": "540p"}


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *words):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    thread = Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Scraped:
    """The samples of one answer of `/metrics`, by their text."""

    text: str
    samples: dict[str, float] = field(init=False)

    def __post_init__(self):
        found = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", self.text, re.MULTILINE)
        self.samples = {name: float(value) for name, value in found}

    @property
    def families(self) -> set[str]:
        return {re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", each) for each in self.samples}


def scraped(running: Running) -> Scraped:
    return Scraped(running.call("GET", "/metrics").content.decode())


def test_every_series_exists_after_a_run(make_running, receiver, tmp_path):
    studio = make_running()
    front = make_running(
        STILLMOTION_CATALOGUE=written(tmp_path / "models.toml", studio),
        STILLMOTION_FETCH_ALLOW_CIDRS="127.0.0.0/8",
        STILLMOTION_FETCH_ALLOWED_PORTS="",
    )
    assert front.submit({"prompt": "no key"}, **{"Ocp-Apim-Subscription-Key": "none"}).status == 401
    for body in ({"url": small_picture(), "callback_url": receiver}, {"url": receiver}):
        accepted = front.submit(QUICK | body).body["id"]
        front.wait_for(accepted, "completed", "failed")
    wanted = set(metric_names())
    eventually(lambda: scraped(front).families >= wanted, about=lambda: wanted - scraped(front).families)
    found = scraped(front).samples
    assert found['stillmotion_attempts_total{outcome="completed"}'] == 1
    assert found['stillmotion_callbacks_total{outcome="delivered"}'] >= 1
    assert found['stillmotion_fetches_total{outcome="image_fetch_failed"}'] == 1
    assert found['stillmotion_upstream_requests_total{outcome="answered",server="studio"}'] >= 2
    assert found['stillmotion_video_seconds_total{product="default"}'] == 1
    assert found['stillmotion_workers{state="ready"}'] == 1
    assert found['stillmotion_server_up{server="studio"}'] == 1
