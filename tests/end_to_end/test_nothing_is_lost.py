"""Durability: servers are killed at any moment, and nothing that they acknowledged is lost."""

import http.client
import random
import threading
import time

import pytest

from tests.end_to_end.conftest import clean_environment, of_one_process, small_picture
from tests.forked import ended
from tests.waiting import eventually

QUICK = {"duration": 1, "resolution": "540p"}


def submit_until_it_dies(running, accepted: list[str], number: int) -> None:
    picture = small_picture((number * 20 % 255, 80, 60))
    while True:
        try:
            answer = running.submit({"prompt": f"push in {number}", "url": picture, **QUICK})
        except (OSError, http.client.HTTPException, ValueError):
            return
        if answer.status == 200:
            accepted.append(answer.body["id"])
        time.sleep(0.02)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_it_still_has_and_finishes_what_it_answered(make_running, seed):
    running = make_running(STILLMOTION_SUBMITS_PER_MINUTE="100000")
    accepted: list[str] = []
    callers = [threading.Thread(target=submit_until_it_dies, args=(running, accepted, each)) for each in range(4)]
    for caller in callers:
        caller.start()
    eventually(lambda: accepted)
    time.sleep(random.Random(seed).uniform(0, 0.8))
    running.kill()
    for caller in callers:
        caller.join()
    assert accepted
    running.start()
    for generation_id in accepted:
        assert running.status(generation_id).status == 200
    for generation_id in accepted[:3]:
        assert running.wait_for(generation_id, "completed", "failed")["state"] == "completed"


def test_killed_while_it_renders_it_renders_again(running):
    accepted = running.submit({"prompt": "push in", "url": small_picture(), "resolution": "720p", "duration": 10})
    running.wait_for(accepted.body["id"], "dreaming")
    running.kill()
    running.start()
    assert running.wait_for(accepted.body["id"], "completed")["state"] == "completed"
    assert running.rows("SELECT attempt, failures FROM generations") == [(2, 0)]
    assert len(list((running.directory / "objects").rglob("*.mp4"))) == 2, "the clip and its preview"


def test_a_terminated_server_hands_back_and_ends_in_time(make_running):
    running = make_running(STILLMOTION_SHUTDOWN_GRACE="0.5")
    accepted = running.submit({"prompt": "push in", "url": small_picture(), "resolution": "4k", "duration": 10})
    running.wait_for(accepted.body["id"], "dreaming")
    running.stop()
    assert running.process.returncode == 0
    assert running.rows("SELECT state, failures FROM generations") == [("queued", 0)]
    running.start()


def test_a_short_render_is_finished_before_a_terminated_server_ends(running):
    accepted = running.submit({"prompt": "push in", "url": small_picture(), **QUICK})
    running.wait_for(accepted.body["id"], "dreaming", "completed")
    running.stop()
    running.start()
    assert running.status(accepted.body["id"]).body["state"] == "completed"


@of_one_process
def test_a_second_server_on_the_same_directory_is_refused(running):
    code, _, err = ended(["serve", "--port", "0", "--data-dir", str(running.directory)], clean_environment())
    assert code == 1
    assert "is in use by another server" in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_named(running, tmp_path):
    port = running.base.rpartition(":")[2]
    code, _, err = ended(["serve", "--port", port, "--data-dir", str(tmp_path / "other")], clean_environment())
    assert code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in err


def test_the_same_idempotency_key_gives_the_same_generation_after_a_restart(running):
    body = {"prompt": "push in", "url": small_picture(), **QUICK}
    first = running.submit(body, **{"Idempotency-Key": "order-1"}).body["id"]
    running.kill()
    running.start()
    again = running.submit(body, **{"Idempotency-Key": "order-1"})
    assert (again.status, again.body["id"]) == (200, first)
    other = running.submit({**body, "prompt": "pull out"}, **{"Idempotency-Key": "order-1"})
    assert other.status == 400
    assert other.body["details"][0]["field"] == "Idempotency-Key"
