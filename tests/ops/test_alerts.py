"""Every alert fires for its cause, and none where all is well."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.end_to_end.conftest import Running, small_picture
from tests.faults.small_disk import OnSmallDisk, can_mount
from tests.ops.watchers import WATCHERS, is_here
from tests.waiting import LOOK_SECONDS, eventually

QUICK = {"prompt": "push in", "duration": 1, "resolution": "540p", "url": small_picture()}
BROKEN = small_picture()[:-80]
ADMIN = "administrator-" * 3
MODELS = """
[aliases]
ray-1-6 = "parallax"
ray-2 = "studio"

[models.studio]
engine = "forward"
abilities = ["first", "last", "any", "loop"]
server = { speaks = "dream-machine", url = "http://127.0.0.1:9", key = "none", model = "ray-2" }
"""
LOOPBACK = {"STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8", "STILLMOTION_FETCH_ALLOWED_PORTS": ""}
CAUSED = {
    "down": {"StillmotionDown"},
    "idle": {"StillmotionNoRenderer", "StillmotionQueueSlow"},
    "sick": {
        "StillmotionGenerationsFail",
        "StillmotionServerErrors",
        "StillmotionOtherServerDown",
        "StillmotionCallbacksGivenUp",
    },
    "full": {"StillmotionDiskFull"},
}


class _Gone(BaseHTTPRequestHandler):
    """A receiver that wants no callbacks any more."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(410)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gone)
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """Installations by name, each for the troubles that it is to have."""
    folder = tmp_path_factory.mktemp("patients")
    (folder / "models.toml").write_text(MODELS)
    of_sick = {"STILLMOTION_CATALOGUE": str(folder / "models.toml"), "STILLMOTION_ADMIN_KEY": ADMIN, **LOOPBACK}
    made = {
        "idle": Running(folder / "idle/data", {"STILLMOTION_RENDERERS": "0"}),
        "sick": Running(folder / "sick/data", of_sick),
    }
    if can_mount():
        made["full"] = OnSmallDisk(folder / "full/data")
    for each in made.values():
        each.directory.parent.mkdir()
        each.key = each.new_key()["key"]
    with ThreadPoolExecutor() as at_once:
        list(at_once.map(Running.start, made.values()))
    yield made
    for each in made.values():
        each.stop()


def submitted(running, **more):
    answer = running.submit(QUICK | more)
    assert answer.status == 200, answer
    return answer.body["id"]


def let_wait(running):
    """A generation that has waited for an hour."""
    waiting = submitted(running)
    database = sqlite3.connect(running.directory / "stillmotion.db")
    with database:
        database.execute("UPDATE generations SET created_at = created_at - 3600000000 WHERE id = ?", (waiting,))
    database.close()


def sicken(running, receiver):
    """Failures, another server that is gone, a receiver that is gone, and a queue that refuses."""
    key = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
    assert running.call("POST", "/admin/v1/queue/resume", {}, **key).status == 200
    for made in [submitted(running, url=BROKEN, callback_url=receiver) for _ in range(5)]:
        assert running.wait_for(made, "completed", "failed")["state"] == "failed"
    submitted(running, model="ray-2")
    assert running.call("POST", "/admin/v1/queue/drain", {}, **key).status == 200


def still_refused(running):
    """Errors that go on: Prometheus sees no increase in a series that begins with its first error."""
    assert running.submit(QUICK).status == 503
    return True


@pytest.mark.parametrize("name", WATCHERS)
def test_each_alert_fires_for_its_cause_and_no_other(name, patients, receiver, tmp_path):
    if not is_here(name):
        pytest.skip("Prometheus is not installed: the rules are evaluated by tests/ops/promql.py alone")
    targets = {f"stillmotion-{who}": each.base.removeprefix("http://") for who, each in patients.items()}
    wanted = {(alert, f"stillmotion-{who}") for who in (*patients, "down") for alert in CAUSED[who]}
    with WATCHERS[name](tmp_path, targets | {"stillmotion-down": "127.0.0.1:9"}) as watcher:
        eventually(watcher.has_begun)
        let_wait(patients["idle"])
        sicken(patients["sick"], receiver)
        if "full" in patients:
            patients["full"].fill()
        eventually(
            lambda: still_refused(patients["sick"]) and watcher.firing() >= wanted,
            30,
            about=lambda: wanted - watcher.firing(),
        )
        assert watcher.firing() == wanted
