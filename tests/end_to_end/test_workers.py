"""Renderers in processes of their own, beside a server that only queues."""

import json
import signal
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.end_to_end.conftest import clean_environment, of_one_process, small_picture
from tests.forked import Forked, ended
from tests.waiting import eventually

QUICK = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
LONG = {"prompt": "push in", "url": small_picture(), "duration": 6, "resolution": "720p"}


@pytest.fixture
def queueing(make_running):
    return make_running(STILLMOTION_RENDERERS="0")


@contextmanager
def working(running, **settings):
    """A worker over the server's directory. It is ended by SIGTERM unless it has ended before."""
    words, log = ["worker", "--data-dir", str(running.directory)], running.directory.parent / "worker.log"
    process = Forked(words, clean_environment(**running.of_commands(), **settings), log)
    try:
        assert process.stdout.readline().startswith("Rendering for ")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def asked(running, *words):
    """A command over the server's directory."""
    code, out, err = ended([*words, "--data-dir", str(running.directory)], clean_environment(**running.of_commands()))
    return SimpleNamespace(returncode=code, stdout=out, stderr=err)


def workers(running):
    return json.loads(asked(running, "workers", "list", "--json").stdout)


@of_one_process
def test_a_worker_makes_what_a_server_without_renderers_queued(queueing):
    accepted = queueing.submit(QUICK).body["id"]
    assert queueing.call("GET", "/readyz").status == 503
    with working(queueing):
        queueing.ready()
        finished = queueing.wait_for(accepted, "completed", "failed")
    assert finished["state"] == "completed"
    assert queueing.call("GET", finished["assets"]["video"].removeprefix(queueing.base)).content[4:8] == b"ftyp"
    metrics = queueing.call("GET", "/metrics").content.decode()
    assert 'stillmotion_attempts_total{outcome="completed"} 1.0' in metrics
    eventually(lambda: queueing.call("GET", "/readyz").status == 503)
    assert list((queueing.directory / "workers").iterdir()) == []


def test_who_watches_is_told_of_what_a_worker_does(queueing):
    accepted = queueing.submit(QUICK).body["id"]
    with working(queueing):
        answer = queueing.call("GET", f"/generations/{accepted}/events", **{"Ocp-Apim-Subscription-Key": queueing.key})
    told = [json.loads(line[6:]) for line in answer.content.decode().splitlines() if line.startswith("data: ")]
    assert told[-1]["state"] == "completed"


def test_a_server_that_is_restarted_does_not_interrupt_a_worker(queueing):
    with working(queueing):
        accepted = queueing.submit(LONG).body["id"]
        queueing.wait_for(accepted, "dreaming")
        queueing.kill()
        queueing.start()
        assert queueing.wait_for(accepted, "completed", "failed")["state"] == "completed"
    assert queueing.rows("SELECT attempt, losses FROM generations") == [(1, 0)]


def test_a_worker_that_is_terminated_hands_back(queueing):
    with working(queueing, STILLMOTION_SHUTDOWN_GRACE="0") as worker:
        accepted = queueing.submit(LONG).body["id"]
        queueing.wait_for(accepted, "dreaming")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    assert queueing.rows("SELECT state, failures, losses FROM generations") == [("queued", 0, 0)]


def test_a_cancelled_generation_is_let_go_by_a_worker(queueing):
    with working(queueing):
        accepted = queueing.submit(LONG).body["id"]
        queueing.wait_for(accepted, "dreaming")
        answer = queueing.call(
            "DELETE", f"/dream-machine/v1/generations/{accepted}", Authorization=f"Bearer {queueing.key}"
        )
        assert answer.status == 204
        # The second clip is claimed long before the first could be done.
        following = queueing.submit(QUICK).body["id"]
        assert queueing.wait_for(following, "completed")["state"] == "completed"
    assert len(list((queueing.directory / "objects").rglob("*.mp4"))) == 2, "the clip and its preview"


def test_a_drained_worker_makes_what_it_has_begun_and_ends(queueing):
    with working(queueing) as worker:
        queueing.ready()
        accepted = queueing.submit(LONG).body["id"]
        queueing.until_drawn(accepted)
        (name,) = [each["id"] for each in workers(queueing) if each["role"] == "worker"]
        assert (
            asked(queueing, "workers", "drain", name).stdout
            == f"{name} claims nothing more, and ends once it makes nothing.\n"
        )
        following = queueing.submit(QUICK).body["id"]
        assert worker.wait(60) == 0
    assert queueing.status(accepted).body["state"] == "completed"
    assert queueing.status(following).body["state"] == "queued"
    assert json.loads(asked(queueing, "queue", "show", "--json").stdout)["controls"] == [], "it goes with the process"
    refused = asked(queueing, "workers", "drain", name)
    assert (refused.returncode, "none of the workers" in refused.stderr) == (1, True)


@pytest.mark.slow
def test_what_a_killed_worker_was_at_is_made_by_another(queueing):
    holder = queueing.directory / "workers"
    before = len(list(holder.glob("*")))  # Over a shared store a server has a place there, too.
    with working(queueing) as first:
        accepted = queueing.submit(LONG).body["id"]
        queueing.wait_for(accepted, "dreaming")
        with working(queueing):
            assert len(list(holder.iterdir())) == before + 2
            first.kill()
            first.wait()
            assert queueing.wait_for(accepted, "completed", seconds=60)["state"] == "completed"
    with working(queueing):
        assert len(list(holder.iterdir())) == before + 1
