"""The timeline of a generation."""

from datetime import timedelta

from stillmotion.domain.callbacks import DeliveryAttempt
from stillmotion.domain.record.attempts import AttemptRecord, Outcome
from stillmotion.domain.record.timeline import TimelineEvent, timeline
from tests.builders import NOON, a_generation


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def test_the_events_of_a_generation_are_told_in_the_order_of_time():
    made = a_generation(id="g", created_at=NOON).claimed(at(99), at(5)).cancelled(at(9))
    attempts = [
        AttemptRecord("g", 1, "wan/1", "mill", at(1), at(3), Outcome.ATTEMPT_FAILED, "It broke."),
        AttemptRecord("g", 2, "parallax/1", "", at(5), at(9), Outcome.CANCELLED),
    ]
    callbacks = [
        DeliveryAttempt(0, 1, at(1), timedelta(seconds=1), status=500),
        DeliveryAttempt(0, 2, at(6), timedelta(seconds=1), reason="it did not answer"),
    ]
    assert list(timeline(made, attempts, callbacks)) == [
        TimelineEvent(NOON, "accepted"),
        TimelineEvent(at(1), "started", 1, engine="wan/1", worker="mill"),
        TimelineEvent(at(2), "callback", 1, 1.0, reason="500"),
        TimelineEvent(at(3), "attempt_failed", 1, 2.0, "wan/1", "mill", "It broke."),
        TimelineEvent(at(5), "started", 2, engine="parallax/1"),
        TimelineEvent(at(7), "callback", 2, 1.0, reason="it did not answer"),
        TimelineEvent(at(9), "cancelled", 2, 4.0, "parallax/1"),
    ]


def test_an_end_without_an_attempt_is_told_too():
    """One that was cancelled while it waited, or made by an earlier version."""
    cancelled = a_generation(id="g", created_at=NOON).cancelled(at(2))
    assert list(timeline(cancelled, [], [])) == [TimelineEvent(NOON, "accepted"), TimelineEvent(at(2), "cancelled")]
