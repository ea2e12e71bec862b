"""Callbacks: which changes are announced, and what is remembered of each delivery."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import ANNOUNCED, State

ANSWER_DEADLINE = timedelta(seconds=15)
"""A receiver's 2xx counts within this time."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback to make: a row written in the transaction that changed the state.

    `id` is the `webhook-id`, the same at every attempt. `due_at` is when to try next.
    """

    id: str
    generation_id: str
    announces: State
    url: str
    due_at: datetime
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    last_answer: str | None = None


def caused_by(before: Generation, after: Generation, now: datetime) -> Delivery | None:
    """The delivery that a change of state calls for, if any.

    A state is announced once: the id is made of generation and state, so a second try's `dreaming` is the same one.
    """
    url = after.request.callback_url
    if url is None or after.state is before.state or after.state not in ANNOUNCED:
        return None
    return Delivery(f"msg_{after.id}_{after.state}", after.id, after.state, url, due_at=now)
