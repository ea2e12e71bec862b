"""A server over PostgreSQL: the store's password and the secret are in no answer, log, command line or child."""

import io
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from stillmotion.adapters.store.postgresql import open_store
from tests import databases
from tests.end_to_end.conftest import Running
from tests.waiting import eventually

ADMIN, SECRET, BEFORE = "canary-admin-" + "k" * 32, "5ec7e7" + "1" * 58, "5ec7e7" + "2" * 58


@pytest.fixture
def running(tmp_path):
    url = databases.cluster(None).new_database()
    open_store(url).close()
    settings = {
        "STILLMOTION_STORE": url,
        "STILLMOTION_SECRET": SECRET,
        "STILLMOTION_SECRET_BEFORE": BEFORE,
        "STILLMOTION_ADMIN_KEY": ADMIN,
        "STILLMOTION_PUBLIC_URL": "http://video.example.com",
        "STILLMOTION_LOG_LEVEL": "debug",
    }
    started = Running(tmp_path / "data", settings).start()
    yield started
    started.stop()


def family(pid):
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(each for child in children for each in family(int(child)))]


def contents(answer):
    if answer.content[:2] != b"PK":
        return answer.content
    with zipfile.ZipFile(io.BytesIO(answer.content)) as report:
        return b"".join(report.read(name) for name in report.namelist())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
def test_the_password_and_the_secret_are_nowhere(running):
    eventually(lambda: len(family(running.process.pid)) > 1, about=running.last_words)
    paths = ["/readyz", "/metrics", *(f"/admin/v1/{each}" for each in ("settings", "status", "report", "actions"))]
    answers = {path: running.call("GET", path, Authorization=f"Bearer {ADMIN}") for path in paths}
    assert {path: each.status for path, each in answers.items()} == dict.fromkeys(paths, 200)
    shown = {each["name"]: each for each in answers["/admin/v1/settings"].body["settings"]}
    assert shown["store"]["value"].startswith("postgresql://stillmotion@/test_")
    assert shown["secret"]["value"] == shown["secret_before"]["value"] == "set"
    processes = family(running.process.pid)
    seen = {
        **{path: contents(each) for path, each in answers.items()},
        "the log": running.log.read_bytes(),
        **{f"command line of {pid}": Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes},
        **{f"environment of {pid}": Path(f"/proc/{pid}/environ").read_bytes() for pid in processes[1:]},
    }
    hidden = [databases.PASSWORD, quote(databases.PASSWORD), SECRET, BEFORE, ADMIN]
    assert [(where, text) for where, said in seen.items() for text in hidden if text.encode() in said] == []
