"""The schedule of callbacks, and its end."""

from datetime import timedelta

import pytest

from stillmotion.domain.callbacks import (
    LONGEST_ASKED_PAUSE,
    SCHEDULE,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    asked_pause,
)
from stillmotion.domain.lifecycle import State
from tests.builders import CALLBACK_URL, NOON

TOOK = timedelta(seconds=2)


def a_delivery(**parts):
    return Delivery(
        **{"id": "msg_1", "generation_id": "g", "announces": State.COMPLETED, "url": CALLBACK_URL, "created_at": NOON}
        | parts
    )


def tried(delivery, at, status=500, asked=None, chance=0.0):
    attempt = DeliveryAttempt(delivery.replays, delivery.attempts + 1, at, TOOK, status)
    return delivery.attempted(attempt, asked, chance)


def test_a_receiver_that_stays_down_is_tried_over_a_day_and_then_given_up():
    delivery, times = a_delivery(due_at=NOON), []
    while delivery.state is DeliveryState.PENDING:
        times.append(delivery.due_at)
        delivery = tried(delivery, delivery.due_at)
    assert [each - NOON - TOOK * number for number, each in enumerate(times)] == list(SCHEDULE)
    assert (delivery.state, delivery.attempts, delivery.last_answer) == (DeliveryState.GAVE_UP, 8, "500")


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_chance_makes_a_pause_longer_by_a_tenth_at_most_and_never_shorter(chance):
    again = tried(a_delivery(due_at=NOON, attempts=2), NOON, chance=chance)
    pause = again.due_at - NOON - TOOK
    assert timedelta(minutes=25) <= pause < timedelta(minutes=27.5)
    assert pause == timedelta(minutes=25) * (1 + chance / 10)


def test_an_attempt_that_was_made_late_moves_the_rest_of_the_schedule():
    """A server that was down for a day does not make up for missed attempts one right after the other."""
    late = NOON + timedelta(days=1)
    again = tried(a_delivery(due_at=NOON, attempts=3), late)
    assert again.due_at == late + TOOK + timedelta(minutes=90)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_delivery(status):
    assert tried(a_delivery(due_at=NOON), NOON, status).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("status", [100, 301, 302, 307, 400, 404, 429, 500, 503])
def test_nothing_else_is(status):
    assert tried(a_delivery(due_at=NOON), NOON, status).state is DeliveryState.PENDING


def test_gone_stops_the_attempts():
    stopped = tried(a_delivery(due_at=NOON), NOON, 410)
    assert (stopped.state, stopped.attempts, stopped.last_answer) == (DeliveryState.GAVE_UP, 1, "410")


def test_a_receiver_may_ask_for_a_longer_pause_and_not_for_a_shorter_one():
    for asked, pause in ((timedelta(hours=1), timedelta(hours=1)), (timedelta(0), timedelta(seconds=5))):
        assert tried(a_delivery(due_at=NOON), NOON, 503, asked).due_at == NOON + TOOK + pause


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta(0)),
        ("Sun, 22 Nov 2026 12:30:00 GMT", timedelta(minutes=30)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("9" * 400, LONGEST_ASKED_PAUSE),
        ("Sat, 22 Nov 9999 12:30:00 GMT", LONGEST_ASKED_PAUSE),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Sun, 22 Nov 2026 99:30:00 GMT", None),
        ("", None),
    ],
)
def test_what_retry_after_asks_for(header, pause):
    assert asked_pause(header, NOON) == pause


def test_a_replay_is_the_same_message_from_the_beginning():
    spent = a_delivery(due_at=NOON, attempts=8, state=DeliveryState.GAVE_UP, last_answer="500")
    later = NOON + timedelta(days=3)
    again = spent.replayed(later)
    assert (again.id, again.replays, again.attempts, again.due_at) == (spent.id, 1, 0, later)
    assert tried(again, later).due_at == later + TOOK + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://Customer.Example/hook?x=1", "customer.example"),
        ("http://customer.example:8080/", "customer.example:8080"),
        ("https://[2001:db8::1]:444/a@b", "[2001:db8::1]:444"),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(url, endpoint):
    assert a_delivery(due_at=NOON, url=url).endpoint == endpoint
