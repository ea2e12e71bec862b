"""The state machine: only transitions of the table are possible, and a final state is never left."""

import itertools

import pytest

from stillmotion.domain.errors import IllegalTransition
from stillmotion.domain.lifecycle import ANNOUNCED, TERMINAL, TRANSITIONS, Event, State, after


def test_the_ends_are_completed_failed_and_cancelled():
    assert {State.COMPLETED, State.FAILED, State.CANCELLED} == TERMINAL


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_what_the_table_lacks_is_refused_by_name(state, event):
    if (state, event) in TRANSITIONS:
        assert after(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(IllegalTransition, match=f"a {state} generation cannot {event}"):
        after(state, event)


def test_every_state_can_be_reached_from_queued():
    reached = {State.QUEUED}
    while new := {TRANSITIONS[pair] for pair in TRANSITIONS if pair[0] in reached} - reached:
        reached |= new
    assert reached == set(State)


def test_a_queued_generation_is_not_announced():
    assert State.QUEUED not in ANNOUNCED
    assert State.CANCELLED not in ANNOUNCED
