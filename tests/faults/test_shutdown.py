"""SIGTERM: work is finished or handed back, submits are refused with a Retry-After, polls are answered."""

import signal
import threading
import time

import pytest

from tests.end_to_end.conftest import small_picture
from tests.waiting import eventually, stays

LONG = {"prompt": "push in", "url": small_picture(), "resolution": "4k", "duration": 10}
SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}


def test_while_it_drains_submits_are_refused_and_polls_answered(make_running):
    running = make_running(STILLMOTION_SHUTDOWN_GRACE="4")
    first = running.submit(LONG).body["id"]
    queued = [running.submit(SHORT).body["id"] for _ in range(3)]
    running.until_drawn(first)
    running.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 3
    while (refused := running.submit(SHORT)).status == 200:
        queued.append(refused.body["id"])
        assert time.monotonic() < deadline
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.body == {"error": "An unexpected error occurred, please try again later"}
    polls = [running.status(each).body["state"] for each in (first, *queued)]
    assert polls == ["dreaming", *["queued"] * len(queued)]
    ready = running.call("GET", "/readyz")
    assert (ready.status, ready.body["missing"]) == (503, {"worker": "the server is shutting down"})
    assert running.call("GET", "/healthz").status == 200
    assert running.process.wait(30) == 0
    running.process.stdout.close()
    running.start()
    for each in queued:
        assert running.status(each).body["state"] in {"queued", "dreaming", "completed"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_loses_nothing(make_running, number):
    running = make_running(STILLMOTION_SHUTDOWN_GRACE="60")
    accepted = running.submit(LONG).body["id"]
    running.until_drawn(accepted)
    running.process.send_signal(number)
    stays(lambda: running.process.poll() is None, 0.3)
    running.process.send_signal(number)
    assert running.process.wait(20) == -number
    running.process.stdout.close()
    running.start()
    assert running.status(accepted).body["state"] in {"queued", "dreaming"}
    running.kill()  # An orderly stop would let the long clip end first, for up to a minute.


@pytest.mark.slow
def test_restarted_again_and_again_under_load_it_loses_nothing(make_running):
    """Over ten restarts callers retry. Every acknowledged generation is found and made."""
    running = make_running(STILLMOTION_SUBMITS_PER_MINUTE="100000")
    accepted, unexpected, ended = set(), set(), threading.Event()

    def call(number):
        order = 0
        while not ended.is_set():
            try:
                answer = running.submit(SHORT, **{"Idempotency-Key": f"{number}-{order}"})
            except OSError:
                ended.wait(0.05)
                continue
            if answer.status == 200:
                accepted.add(answer.body["id"])
                order += 1
                ended.wait(0.3)
            elif answer.status != 503:
                unexpected.add(answer.status)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(3)]
    for caller in callers:
        caller.start()
    for _ in range(10):
        before = len(accepted)
        eventually(lambda: len(accepted) > before)  # noqa: B023 - called at once
        running.stop()
        assert running.process.returncode == 0
        running.start()
    ended.set()
    for caller in callers:
        caller.join()
    assert unexpected == set()
    assert len(accepted) > 10
    for each in accepted:
        assert running.wait_for(each, "completed", "failed", seconds=120)["state"] == "completed"
