"""A disk that is slow or fails without warning: acknowledged work is kept, and the rest is refused."""

import sqlite3
import threading
import time
from contextlib import closing
from statistics import median

import pytest

from bench.soak.invariants import read, violations
from tests.end_to_end.conftest import small_picture
from tests.faults.test_disk import assert_refused, ready_within

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


def wait_for_calls(running, generation_id, times=20):
    """The median duration of so many polls, in seconds."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        assert running.status(generation_id).status == 200
        taken.append(time.monotonic() - began)
    return median(taken)


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["sync", "write"])
def test_a_disk_that_fails_refuses_submits_and_loses_nothing(odd, fails):
    done = odd.submit(SHORT).body["id"]
    odd.wait_for(done, "completed")
    under_way = odd.submit({**SHORT, "duration": 10, "resolution": "1080p"}).body["id"]
    odd.wait_for(under_way, "dreaming")
    odd.oddity(fails=fails)
    for _ in range(5):
        assert_refused(odd.submit(SHORT))
    assert wait_for_calls(odd, done) < 0.25
    ready_within(odd, 503, 10)
    assert odd.call("GET", "/healthz").status == 200
    odd.oddity()
    ready_within(odd, 200, 10)
    again = odd.submit(SHORT).body["id"]
    assert odd.wait_for(again, "completed", "failed")["state"] == "completed"
    ended = odd.wait_for(under_way, "completed", "failed", seconds=90)
    assert ended["state"] == "completed"
    odd.oddity(fails=fails)
    assert_refused(odd.submit(SHORT, **{"Idempotency-Key": "refused"}))
    odd.kill()
    odd.oddity()
    odd.start()
    # A submit that was written but not synced may survive the kill. The retry finds it then.
    retried = odd.submit(SHORT, **{"Idempotency-Key": "refused"}).body["id"]
    assert odd.wait_for(retried, "completed", "failed")["state"] == "completed"
    odd.stop()
    accepted = [done, under_way, again, retried]
    holdings = read(odd.directory)
    assert violations(holdings, accepted) == []
    assert len(holdings.rows) == len(accepted)


@pytest.mark.slow
def test_a_slow_disk_makes_submits_wait_and_nobody_else(odd):
    """Each sync takes a second. A commit takes about that long for its callers, and is durable when it is answered."""
    done = odd.submit(SHORT).body["id"]
    odd.wait_for(done, "completed")
    odd.oddity(sync_seconds=1.0)
    answers, took = [], []

    def submit():
        began = time.monotonic()
        answers.append(odd.submit({**SHORT, "url": "https://example.com/a.png"}))
        took.append(time.monotonic() - began)

    callers = [threading.Thread(target=submit) for _ in range(20)]
    for caller in callers:
        caller.start()
    assert wait_for_calls(odd, done) < 0.25
    for caller in callers:
        caller.join()
    assert {answer.status for answer in answers} == {200}
    assert 0.9 < min(took) < max(took) < 8, "one commit for many"
    odd.kill()
    with closing(sqlite3.connect(odd.directory / "stillmotion.db")) as database:
        kept = {row[0] for row in database.execute("SELECT id FROM generations")}
    assert {answer.body["id"] for answer in answers} <= kept
