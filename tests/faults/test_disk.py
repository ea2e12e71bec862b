"""Temporary faults: disk full or read-only, database locked, storage away, file handles used up."""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.soak.invariants import read, violations
from tests.end_to_end.conftest import COMMAND, Running, clean_environment, small_picture
from tests.faults.small_disk import OnSmallDisk, can_mount
from tests.waiting import eventually, stays

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}
UNEXPECTED = {"error": "An unexpected error occurred, please try again later"}

needs_a_disk = pytest.mark.skipif(not can_mount(), reason="no unprivileged mount namespaces (unshare -Urm) here")


@pytest.fixture
def small(tmp_path):
    running = OnSmallDisk(tmp_path / "data", {"STILLMOTION_SUBMITS_PER_MINUTE": "1000"})
    running.key = running.new_key()["key"]
    yield running.start()
    running.stop()


def ready_within(running, status, seconds):
    """Wait until `/readyz` answers with the status."""

    def look():
        with contextlib.suppress(ConnectionError):
            answer = running.call("GET", "/readyz")
            return answer if answer.status == status else None

    return eventually(look, seconds)


def assert_refused(answer):
    assert (answer.status, answer.body) == (503, UNEXPECTED)
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@needs_a_disk
def test_while_the_disk_is_full_submits_wait_and_polls_do_not(small):
    done = small.submit(SHORT).body["id"]
    small.wait_for(done, "completed")
    filler = small.fill()
    refused = [small.submit({**SHORT, "prompt": "p" * 4000, "url": "https://example.com/a.png"}) for _ in range(40)]
    assert_refused(refused[-1])
    assert {each.status for each in refused} <= {200, 503}
    assert small.status(done).status == 200
    assert small.call("GET", "/healthz").status == 200
    assert (
        "store" in ready_within(small, 503, 10).body["missing"]
        or "storage" in ready_within(small, 503, 10).body["missing"]
    )
    filler.unlink()
    ready_within(small, 200, 10)
    again = small.submit(SHORT)
    assert small.wait_for(again.body["id"], "completed", "failed")["state"] == "completed"
    accepted = [each.body["id"] for each in refused if each.status == 200]
    assert {small.status(each).status for each in (done, *accepted)} == {200}


@needs_a_disk
def test_what_is_rendered_while_the_disk_is_full_is_rendered_later(small):
    """The machine is at fault, so it counts as no failure of the generation. No partial file is left."""
    waiting = small.submit({**SHORT, "duration": 5}).body["id"]
    small.wait_for(waiting, "dreaming")
    filler = small.fill()
    stays(lambda: small.status(waiting).body["state"] in {"queued", "dreaming"}, 4)
    filler.unlink()
    assert small.wait_for(waiting, "completed", "failed", seconds=90)["state"] == "completed"
    seen = eventually(lambda: copied(small.inside, small.directory.with_name("seen")))
    holdings = read(seen)
    assert violations(holdings, [waiting]) == []
    assert (holdings.rows[0].failures, holdings.orphans()) == (0, [])


def copied(folder, copy):
    """The copy of a folder of a running server, None where a file went meanwhile."""
    shutil.rmtree(copy, ignore_errors=True)
    with contextlib.suppress(shutil.Error):
        return shutil.copytree(folder, copy)
    return None


@pytest.fixture
def failing_disk(tmp_path):
    """An ext4 file system in a file, which can be made to fail as a disk does."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 64 << 20)
    if shutil.which("mkfs.ext4") is None or run("mkfs.ext4", "-q", str(image)):
        pytest.skip("no mkfs.ext4 here")
    if run("mount", "-o", "loop", str(image), str(place)):
        pytest.skip("no leave to mount a loop device here")
    yield image, place
    run("umount", str(place))


def run(*words):
    return subprocess.run(words, capture_output=True, check=False).returncode


def unmounted_within(place, seconds):
    """Unmount, once the renderers of a killed service have ended too. They have files open there until then."""
    eventually(lambda: run("umount", str(place)) == 0, seconds)


def test_a_disk_that_turns_read_only_refuses_submits_and_loses_nothing(failing_disk):
    image, place = failing_disk
    running = Running(place / "data")
    running.key = running.new_key()["key"]
    running.start()  # Its log is on that disk too.
    done = running.submit(SHORT).body["id"]
    running.wait_for(done, "completed")
    waiting = running.submit({**SHORT, "duration": 5}).body["id"]
    assert run("mount", "-o", "remount,abort", str(place)) == 0
    assert_refused(running.submit(SHORT))
    assert running.status(done).status == running.status(waiting).status == 200
    ready_within(running, 503, 10)
    assert running.call("GET", "/healthz").status == 200
    running.kill()
    unmounted_within(place, 10)
    run("fsck.ext4", "-p", str(image))
    assert run("mount", "-o", "loop", str(image), str(place)) == 0
    running.start()
    assert running.status(done).body["state"] == "completed"
    assert running.wait_for(waiting, "completed", "failed", seconds=90)["state"] == "completed"
    running.stop()
    assert violations(read(running.directory), [done, waiting]) == []


@needs_a_disk
def test_a_read_only_disk_is_refused_at_the_start(tmp_path):
    words = (
        'mount -t tmpfs stillmotion "$1" && mkdir "$1/objects" "$1/scratch" && '
        'mount -o remount,ro "$1" && shift && exec "$@"'
    )
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        [
            "unshare",
            "-Urm",
            "sh",
            "-c",
            words,
            "sh",
            str(place),
            *COMMAND,
            "serve",
            "--port",
            "0",
            "--data-dir",
            str(place),
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert f"{place} cannot be written to (Read-only file system)" in done.stderr
    assert "Traceback" not in done.stderr


@contextlib.contextmanager
def locked(running):
    """The service's database, locked by another process."""
    with contextlib.closing(sqlite3.connect(running.directory / "stillmotion.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_while_another_keeps_the_database_locked_submits_are_refused_and_polls_are_not(running):
    """Many submits wait for the lock together: one after the other they would outlast the caller's patience."""
    done = running.submit(SHORT).body["id"]
    running.wait_for(done, "completed")
    with locked(running), ThreadPoolExecutor(10) as callers:
        submits = [callers.submit(running.submit, SHORT) for _ in range(10)]
        for _ in range(20):
            assert running.status(done).body["state"] == "completed"
        for each in submits:
            assert_refused(each.result())
        ready_within(running, 503, 20)
    ready_within(running, 200, 20)
    again = running.submit(SHORT)
    assert running.wait_for(again.body["id"], "completed", "failed")["state"] == "completed"


@pytest.mark.slow
def test_a_service_ends_though_another_keeps_its_database_locked(running):
    with locked(running):
        assert running.stop() < 30
    assert running.process.returncode == 0


def test_a_clip_waits_while_the_storage_is_away(make_running):
    """Submits by URL are accepted. A finished clip is kept, with its lease, until it can be stored."""
    running = make_running(STILLMOTION_PREVIEW_SECONDS="0")  # A preview whose removal fails is left to `gc`.
    waiting = running.submit({**SHORT, "duration": 10, "resolution": "720p"}).body["id"]
    running.until_drawn(waiting)
    objects = running.directory / "objects"
    objects.rename(objects.with_name("away"))
    objects.write_bytes(b"")
    assert_refused(running.submit(SHORT))
    ready_within(running, 503, 10)
    eventually(lambda: '"rendered"' in running.log.read_text(), 60, about=running.last_words)
    stays(lambda: running.status(waiting).body["state"] == "dreaming", 2)
    objects.unlink()
    objects.with_name("away").rename(objects)
    assert running.wait_for(waiting, "completed", "failed")["state"] == "completed"
    ready_within(running, 200, 10)
    running.stop()
    holdings = read(running.directory)
    assert violations(holdings, [waiting]) == []
    assert (holdings.rows[0].attempt, holdings.rows[0].failures) == (1, 0)
    assert [key for key in holdings.orphans() if key.startswith("generations/")] == []


def test_more_callers_than_file_handles_are_told_so_and_the_rest_go_on(tmp_path):
    running = Running(tmp_path / "data")
    running.key = running.new_key()["key"]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 600:
        pytest.skip("too few file handles here to hold more than a server with 300")
    words = [*COMMAND, "serve", "--port", "0", "--data-dir", str(running.directory)]
    with running.log.open("a") as log:
        running.process = subprocess.Popen(
            ["sh", "-c", 'ulimit -n 300 && exec "$@"', "sh", *words],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=clean_environment(),
        )
    running.base = running.process.stdout.readline().split()[2]
    host, port = running.base.removeprefix("http://").split(":")
    held = [socket.create_connection((host, int(port))) for _ in range(400)]
    with contextlib.suppress(OSError, http.client.HTTPException):  # The connection itself may be refused.
        assert running.call("GET", "/healthz").status in {200, 503}
    for each in held:
        each.close()
    ready_within(running, 200, 10)
    accepted = running.submit(SHORT)
    assert running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    assert len(list((tmp_path / "data" / "objects").rglob("*.mp4"))) == 2, "the clip and its preview"
    assert "Traceback" not in running.log.read_text()
    running.stop()
