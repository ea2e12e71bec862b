"""Telling callers what became of their generations."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from stillmotion.application.faults import Fault, Point, no_fault
from stillmotion.application.ports import (
    CallbackSender,
    CallbackStore,
    CallbackUndeliverable,
    Clock,
    Dialects,
    DueDelivery,
)
from stillmotion.domain.callbacks import ANSWER_DEADLINE, Delivery, DeliveryState

BATCH = 100


class Sign(Protocol):
    """Standard Webhooks' headers for one attempt."""

    def __call__(self, secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
        """`webhook-id`, `webhook-timestamp` and `webhook-signature`."""
        ...


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Delivers what the outbox holds: one attempt each, and what came of it is kept."""

    store: CallbackStore
    sender: CallbackSender
    dialects: Dialects
    sign: Sign
    clock: Clock
    fault: Fault = no_fault

    async def due(self, limit: int = BATCH) -> list[DueDelivery]:
        """What is to be delivered now, the longest due first, up to `limit`."""
        return list(await self.store.due(self.clock.now(), limit))

    async def deliver(self, due: DueDelivery) -> Delivery:
        """Make one attempt and keep what came of it."""
        delivery = due.delivery
        body = self.dialects[due.generation.surface](due.generation.as_announced(delivery.announces))
        headers = {"content-type": "application/json"}
        headers |= self.sign(due.secret, delivery.id, self.clock.now(), body)
        self.fault(Point.CALLBACK_BEFORE_POST)
        try:
            status = await self.sender.post(delivery.url, headers, body, ANSWER_DEADLINE)
        except CallbackUndeliverable as error:
            state, answer = DeliveryState.GAVE_UP, str(error)
        else:
            state = DeliveryState.DELIVERED if 200 <= status < 300 else DeliveryState.GAVE_UP
            answer = str(status)
        attempted = replace(delivery, attempts=delivery.attempts + 1, state=state, last_answer=answer)
        self.fault(Point.CALLBACK_BEFORE_RECORD)
        await self.store.record(attempted)
        return attempted
