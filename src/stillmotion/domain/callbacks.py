"""Callbacks: which changes are announced, and what is remembered of each delivery."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stillmotion.domain.lifecycle import State

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
