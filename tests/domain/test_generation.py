"""Transitions of a generation, and the lease that each of them needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import GenerationFailed, IllegalTransition, LeaseLost
from stillmotion.domain.generation import MAX_FAILURES, MAX_LOSSES, Generation, Lease
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import refunded_by
from stillmotion.domain.request import GenerationRequest, Keyframe

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON = NOW + timedelta(seconds=15)
RESULT = Assets(Asset(AssetKind.VIDEO, "a.mp4", 10, "00"), Asset(AssetKind.THUMBNAIL, "a.jpg", 5, "11"))
CRASH = GenerationFailed("renderer_died", "The renderer stopped.", permanent=False)


def queued(**changes):
    request = GenerationRequest("leaning girl", Keyframe(url="https://example.com/a.jpg"), callback_url="https://c.d/")
    return replace(Generation("id", "subscription", "gateway", request, "parallax/1", NOW), **changes)


def test_the_straight_way_from_queued_to_completed():
    dreaming = queued().claimed(SOON)
    assert (dreaming.state, dreaming.attempt, dreaming.lease_until) == (State.DREAMING, 1, SOON)
    done = dreaming.renewed(dreaming.lease, SOON, 0.4).completed(dreaming.lease, RESULT, "{}", NOW)
    assert (done.state, done.assets, done.progress, done.finished_at) == (State.COMPLETED, RESULT, 1.0, NOW)
    assert done.is_terminal


def test_progress_never_goes_back():
    dreaming = queued().claimed(SOON)
    further = dreaming.renewed(dreaming.lease, SOON, 0.6)
    assert further.renewed(dreaming.lease, SOON, 0.2).progress == 0.6


def test_what_is_made_can_be_seen_until_it_is_made_no_more():
    dreaming = queued().claimed(SOON)
    shown = dreaming.renewed(dreaming.lease, SOON, 0.4, "a/preview.jpg")
    assert (shown.preview, shown.objects) == ("a/preview.jpg", ["a/preview.jpg"])
    broken = GenerationFailed("image_decode_failed", "The image could not be decoded.")
    ends = (
        shown.completed(shown.lease, RESULT, "{}", NOW),
        shown.attempt_failed(shown.lease, CRASH, NOW),
        shown.attempt_failed(shown.lease, broken, NOW),
        shown.released(shown.lease),
        shown.handed_on(shown.lease, "another/1"),
        shown.abandoned(NOW),
        shown.cancelled(NOW),
    )
    assert [each.preview for each in ends] == [None] * len(ends)


@pytest.mark.parametrize("act", ["renew", "complete", "fail", "release"])
def test_an_earlier_attempt_can_do_nothing(act):
    first = queued().claimed(SOON)
    second = first.released(first.lease).claimed(SOON)
    stale = {
        "renew": lambda: second.renewed(first.lease, SOON, 0.5),
        "complete": lambda: second.completed(first.lease, RESULT, "{}", NOW),
        "fail": lambda: second.attempt_failed(first.lease, CRASH, NOW),
        "release": lambda: second.released(first.lease),
    }
    assert second.attempt == first.attempt + 1
    with pytest.raises(LeaseLost):
        stale[act]()


def test_a_cancelled_generation_takes_no_result():
    dreaming = queued().claimed(SOON)
    with pytest.raises(LeaseLost):
        dreaming.cancelled(NOW).completed(dreaming.lease, RESULT, "{}", NOW)


def test_what_has_ended_cannot_be_cancelled():
    dreaming = queued().claimed(SOON)
    done = dreaming.completed(dreaming.lease, RESULT, "{}", NOW)
    with pytest.raises(IllegalTransition):
        done.cancelled(NOW)


def test_three_failures_end_it_with_the_last_reason():
    generation = queued()
    for failure in range(1, MAX_FAILURES + 1):
        assert generation.state is State.QUEUED
        generation = generation.claimed(SOON)
        generation = generation.attempt_failed(generation.lease, CRASH, NOW)
        assert generation.failures == failure
    assert (generation.state, generation.failure_reason) == (State.FAILED, "The renderer stopped.")


def test_a_permanent_failure_is_not_tried_again():
    dreaming = queued().claimed(SOON)
    failed = dreaming.attempt_failed(dreaming.lease, GenerationFailed("bad", "It is no picture."), NOW)
    assert (failed.state, failed.failures, failed.failure_code) == (State.FAILED, 1, "bad")


def test_a_lost_lease_is_no_failure_until_it_happens_too_often():
    generation = queued()
    for _ in range(MAX_LOSSES - 1):
        generation = generation.claimed(SOON).abandoned(NOW)
        assert (generation.state, generation.failures) == (State.QUEUED, 0)
    ended = replace(generation.claimed(SOON), failures=MAX_FAILURES - 1).abandoned(NOW)
    assert (ended.state, ended.failure_code) == (State.FAILED, "worker_lost")


def test_a_generation_that_outlives_too_many_workers_fails_whatever_it_failed_before():
    generation = queued(losses=MAX_LOSSES - 1).claimed(SOON)
    assert generation.abandoned(NOW).state is State.FAILED


def test_hand_backs_are_not_held_against_a_generation_whose_worker_is_then_lost():
    """A server that is stopped and started again and again has lost nothing."""
    generation = queued()
    for _ in range(3 * MAX_LOSSES):
        dreaming = generation.claimed(SOON)
        generation = dreaming.released(dreaming.lease)
    lost = generation.claimed(SOON).abandoned(NOW)
    assert (lost.state, lost.losses) == (State.QUEUED, 1)


def test_each_announced_state_causes_one_delivery_with_a_lasting_id():
    before = queued()
    dreaming = before.claimed(SOON)
    done = dreaming.completed(dreaming.lease, RESULT, "{}", NOW)
    first, again = caused_by(before, dreaming, NOW), caused_by(before, dreaming, SOON)
    assert first is not None
    assert again is not None
    assert first.id == again.id
    assert caused_by(dreaming, dreaming.renewed(dreaming.lease, SOON, 0.5), NOW) is None
    assert caused_by(dreaming, done, NOW).announces is State.COMPLETED
    assert caused_by(dreaming, dreaming.released(dreaming.lease), NOW) is None


def test_without_an_address_nothing_is_announced():
    before = queued()
    silent = replace(before, request=replace(before.request, callback_url=None))
    assert caused_by(silent, silent.claimed(SOON), NOW) is None


def test_a_late_callback_shows_the_state_it_announces():
    dreaming = queued().claimed(SOON)
    done = dreaming.completed(dreaming.lease, RESULT, "{}", NOW)
    late = done.as_announced(State.DREAMING)
    assert (late.state, late.assets) == (State.DREAMING, None)
    assert done.as_announced(State.COMPLETED) is done


def test_what_ends_badly_is_given_back():
    dreaming = queued().claimed(SOON)
    failed = dreaming.attempt_failed(dreaming.lease, GenerationFailed("bad", "No."), NOW)
    assert refunded_by(dreaming, failed) == 5.0
    assert refunded_by(dreaming, dreaming.cancelled(NOW)) == 5.0
    assert refunded_by(dreaming, dreaming.completed(Lease("id", 1), RESULT, "{}", NOW)) == 0.0
    assert refunded_by(failed, failed) == 0.0


def test_a_hand_back_keeps_what_another_server_calls_it_and_a_failure_does_not():
    dreaming = queued(engine="forward/studio").claimed(SOON)
    asked = dreaming.remembered(dreaming.lease, "video_1")
    assert asked.released(asked.lease).claimed(SOON).remote == "video_1"
    assert asked.attempt_failed(asked.lease, CRASH, NOW).remote == ""
    with pytest.raises(LeaseLost):
        asked.remembered(Lease("id", 7), "video_2")


def test_what_goes_to_another_engine_has_failed_nobody():
    dreaming = queued(engine="forward/studio").claimed(SOON)
    asked = dreaming.remembered(dreaming.lease, "video_1")
    moved = asked.handed_on(asked.lease, "parallax/1")
    assert (moved.state, moved.engine, moved.remote, moved.failures) == (State.QUEUED, "parallax/1", "", 0)
    assert queued().rerouted("forward/studio").engine == "forward/studio"
    with pytest.raises(LeaseLost):
        asked.rerouted("parallax/1")
