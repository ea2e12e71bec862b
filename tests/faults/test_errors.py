"""Steps that fail, are slow, or are carried out and then fail: nothing is torn, lost or made twice."""

import signal
import time

import pytest

from stillmotion.application.failpoints import Point
from stillmotion.application.leases import LEASE
from tests.waiting import eventually, stays


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(f"{Point.SUBMIT_BEFORE_INSERT}=raise", marks=pytest.mark.slow),
        pytest.param(f"{Point.SUBMIT_BEFORE_COMMIT}=raise", marks=pytest.mark.slow),
        pytest.param(f"{Point.SUBMIT_BEFORE_COMMIT}=break", marks=pytest.mark.slow),
        f"{Point.SUBMIT_AFTER_COMMIT}=exec_then_raise",
    ],
)
def test_a_submit_that_failed_is_sent_again_and_is_one_generation(shaken, fault):
    shaken.start(fault)
    body = shaken.order(inline=True)
    refused = shaken.submit(body, "order-1")
    assert refused.status == (500 if fault.endswith("break") else 503)
    assert refused.status == 500 or int(refused.headers["retry-after"]) > 0
    assert refused.body == {"error": "An unexpected error occurred, please try again later"}
    again = shaken.submit(body, "order-1")
    assert shaken.running.wait_for(again.body["id"], "completed", "failed")["state"] == "completed"
    shaken.announced(again.body["id"], "completed")
    holdings = shaken.settled()
    assert [row.id for row in holdings.rows] == [again.body["id"]]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(f"{Point.PUBLISH_BETWEEN}=raise", marks=pytest.mark.slow),
        pytest.param(f"{Point.COMPLETE_BEFORE_COMMIT}=raise", marks=pytest.mark.slow),
        f"{Point.COMPLETE_AFTER_COMMIT}=exec_then_raise",
    ],
)
def test_an_end_that_could_not_be_written_down_is_written_down_once(shaken, fault):
    """The clip is stored already. It is neither made nor stored a second time."""
    shaken.start(fault)
    accepted = shaken.submit(shaken.order(), "order-1")
    assert shaken.running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    assert shaken.announced(accepted.body["id"], "completed") == 1
    holdings = shaken.settled()
    (row,) = holdings.rows
    assert (row.attempt, row.failures, holdings.orphans()) == (1, 0, [])


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(Point.HOST_MIDWAY, marks=pytest.mark.slow),
        Point.COMPLETE_BEFORE_COMMIT,
        pytest.param(Point.CALLBACK_BEFORE_RECORD, marks=pytest.mark.slow),
    ],
)
def test_terminated_in_the_middle_it_ends_in_good_order(shaken, point):
    shaken.start(f"{point}=term")
    accepted = shaken.submit(shaken.order(), "order-1")
    assert shaken.wait_for_death() == 0
    shaken.start()
    assert shaken.running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    shaken.announced(accepted.body["id"], "completed")
    holdings = shaken.settled()
    (row,) = holdings.rows
    assert (row.attempt, row.failures, holdings.orphans()) == (1, 0, [])


def test_a_picture_that_breaks_off_is_fetched_again(shaken):
    shaken.start(f"{Point.FETCH_MIDWAY}=raise")
    accepted = shaken.submit(shaken.order(), "order-1")
    assert shaken.running.wait_for(accepted.body["id"], "completed", "failed")["state"] == "completed"
    shaken.announced(accepted.body["id"], "completed")
    (row,) = shaken.settled().rows
    assert row.failures == 0


@pytest.mark.slow
def test_a_callback_whose_answer_was_not_written_down_comes_again_under_its_id(shaken):
    shaken.start(f"{Point.CALLBACK_BEFORE_RECORD}=exec_then_raise")
    accepted = shaken.submit(shaken.order(), "order-1")
    shaken.running.wait_for(accepted.body["id"], "completed")
    shaken.announced(accepted.body["id"], "completed")
    name = f"msg_{accepted.body['id']}_dreaming"
    eventually(lambda: shaken.elsewhere.received.count(name) == 2, 30)
    stays(lambda: shaken.elsewhere.received.count(name) == 2, 0.5)
    shaken.settled()


@pytest.mark.slow
def test_a_claim_whose_answer_was_lost_is_taken_back_with_the_lease(shaken):
    shaken.start(f"{Point.CLAIM_AFTER_COMMIT}=exec_then_raise")
    accepted = shaken.submit(shaken.order(), "order-1")
    began = time.monotonic()
    done = shaken.running.wait_for(accepted.body["id"], "completed", "failed", seconds=60)
    assert done["state"] == "completed"
    assert time.monotonic() - began < LEASE.total_seconds() * 2
    shaken.announced(accepted.body["id"], "completed")
    (row,) = shaken.settled().rows
    assert (row.attempt, row.failures) == (2, 0)


@pytest.mark.slow
def test_a_server_that_sleeps_through_its_lease_still_holds_what_it_renders(shaken):
    """The loop stalled, the process was stopped, or the machine suspended. Nobody else could take the lease."""
    shaken.start(f"{Point.HOST_MIDWAY}=sleep:20")
    accepted = shaken.submit(shaken.order(), "order-1")
    done = shaken.running.wait_for(accepted.body["id"], "completed", "failed", seconds=60)
    assert done["state"] == "completed"
    shaken.announced(accepted.body["id"], "completed")
    (row,) = shaken.settled().rows
    assert (row.attempt, row.failures) == (1, 0)


@pytest.mark.slow
def test_a_server_that_was_stopped_and_goes_on_makes_one_result(shaken):
    """The picture is inline: a download that stood still so long is over its deadline, and is rightly tried again."""
    shaken.start()
    accepted = shaken.submit(shaken.order(inline=True, duration=5), "order-1")
    shaken.announced(accepted.body["id"], "dreaming")
    shaken.running.process.send_signal(signal.SIGSTOP)
    time.sleep(LEASE.total_seconds() + 5)
    shaken.running.process.send_signal(signal.SIGCONT)
    done = shaken.running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed"
    shaken.announced(accepted.body["id"], "completed")
    holdings = shaken.settled()
    assert (holdings.rows[0].attempt, holdings.orphans()) == (1, [])
