"""Database files that are removed, replaced or moved under a running server: nothing more is acknowledged."""

import shutil

import pytest

from tests.end_to_end.conftest import small_picture
from tests.end_to_end.test_workers import working
from tests.waiting import eventually

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


def remove(running, *endings):
    for ending in endings:
        running.directory.joinpath(f"stillmotion.db{ending}").unlink()


def replace_the_database(running):
    file = running.directory / "stillmotion.db"
    copy = file.with_suffix(".copy")
    shutil.copyfile(file, copy)
    copy.replace(file)


def move_the_directory(running):
    running.directory.rename(running.directory.with_name("elsewhere"))


DEEDS = {
    "all removed": lambda running: remove(running, "", "-wal", "-shm"),
    "the log removed": lambda running: remove(running, "-wal"),
    "the database replaced by a copy": replace_the_database,
    "the directory moved": move_the_directory,
}


def marks(deed):
    """The long run's mark, for what other tests here do too."""
    return pytest.mark.slow if deed in ("all removed", "the directory moved") else ()


def said_in(log, event, seconds=5):
    eventually(lambda: event in log.read_text("utf-8"), seconds, about=lambda: log.read_text("utf-8"))
    (line,) = (each for each in log.read_text("utf-8").splitlines() if event in each)
    return line


@pytest.mark.parametrize("deed", [pytest.param(each, marks=marks(each)) for each in DEEDS])
def test_nothing_is_accepted_into_a_database_that_is_gone(make_running, deed):
    running = make_running(STILLMOTION_RENDERERS="0")
    accepted = running.submit(SHORT)
    assert accepted.status == 200
    DEEDS[deed](running)
    refused = running.submit(SHORT)
    assert (refused.status, "retry-after" in refused.headers) == (503, True)
    assert str(running.directory) not in refused.content.decode()
    ready = running.call("GET", "/readyz")
    assert ready.status == 503
    assert "removed, moved or replaced" in ready.body["missing"]["store"]
    assert str(running.directory) not in ready.content.decode()
    said = said_in(running.log, "database_displaced")
    assert str(running.directory / "stillmotion.db") in said
    assert "critical" in said
    assert running.status(accepted.body["id"]).status == 200, "what was accepted is still shown"
    assert running.submit(SHORT).status == 503


def test_what_is_put_back_is_used_again(make_running):
    running = make_running(STILLMOTION_RENDERERS="0")
    elsewhere = running.directory.with_name("elsewhere")
    assert running.submit(SHORT).status == 200
    eventually((running.directory / "scratch").exists)  # The start empties it, and may make it anew.
    running.directory.rename(elsewhere)
    assert running.submit(SHORT).status == 503
    said_in(running.log, "database_displaced")
    elsewhere.rename(running.directory)
    accepted = running.submit(SHORT)
    assert accepted.status == 200
    said_in(running.log, "database_in_place")
    running.kill()
    running.start()
    assert running.status(accepted.body["id"]).status == 200


def test_a_worker_claims_nothing_from_a_database_that_is_gone(make_running):
    running = make_running(STILLMOTION_RENDERERS="0")
    with working(running):
        first = running.submit(SHORT).body["id"]
        running.wait_for(first, "completed")
        remove(running, "", "-wal", "-shm")
        said_in(running.directory.parent / "worker.log", "database_displaced")
