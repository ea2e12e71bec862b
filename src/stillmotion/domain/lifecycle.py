"""The state machine of a generation: one table, asked by every change of state.

`queued → dreaming → completed | failed`, with `cancelled` reachable until the end and
`dreaming → queued` for a lease that was lost or handed back.
"""

from collections.abc import Mapping
from enum import StrEnum

from stillmotion.domain.errors import IllegalTransition


class State(StrEnum):
    """State of a generation. The first four are wire words; `cancelled` is ours."""

    QUEUED = "queued"
    DREAMING = "dreaming"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """Event in the life of a generation."""

    CLAIM = "claim"
    RELEASE = "release"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.QUEUED, Event.CLAIM): State.DREAMING,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.QUEUED, Event.FAIL): State.FAILED,
    (State.DREAMING, Event.RELEASE): State.QUEUED,
    (State.DREAMING, Event.COMPLETE): State.COMPLETED,
    (State.DREAMING, Event.FAIL): State.FAILED,
    (State.DREAMING, Event.CANCEL): State.CANCELLED,
}

TERMINAL = frozenset(State) - {source for source, _ in TRANSITIONS}
"""Final states: completed, failed, cancelled."""

ANNOUNCED = frozenset({State.DREAMING, State.COMPLETED, State.FAILED})
"""States that a callback announces."""


def after(state: State, event: Event) -> State:
    """The state that follows, or `IllegalTransition`."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state.value, event.value) from None
