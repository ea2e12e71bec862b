"""Callbacks: one attempt at a delivery, and the log of all attempts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.metrics import CALLBACKS, Tally
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.outbound import CallbackSender, CallbackUndeliverable
from stillmotion.application.ports.store import CallbackStore, DueDelivery, GenerationStore
from stillmotion.application.ports.tracing import NO_TRACING, SpanKind, Tracing
from stillmotion.application.ports.values import Chance, Clock
from stillmotion.domain.callbacks import (
    ANSWER_DEADLINE,
    CallbackResponse,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    asked_pause,
)
from stillmotion.domain.errors import CallbackNotFound, GenerationNotFound
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Subscription

_SIGNATURE = "webhook-signature"


class Sign(Protocol):
    """Signer of one attempt, with the headers of Standard Webhooks."""

    def __call__(self, secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
        """`webhook-id`, `webhook-timestamp` and `webhook-signature`."""
        ...


def signatures(sign: Sign, secrets: Sequence[str], message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed by each secret: signatures are separated by spaces."""
    signed = [sign(secret, message_id, sent_at, body) for secret in secrets]
    return signed[0] | {_SIGNATURE: " ".join(each[_SIGNATURE] for each in signed)}


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Delivery from the outbox, with a record of every attempt."""

    store: CallbackStore
    sender: CallbackSender
    sign: Sign
    clock: Clock
    chance: Chance
    fault: Fault = no_fault
    tally: Tally = field(default_factory=Tally)
    tracing: Tracing = NO_TRACING

    async def due(self, each: int) -> list[Delivery]:
        """Deliveries that are due, the longest due first: at most `each` of every line."""
        return list(await self.store.due(self.clock.now(), each))

    async def deliver(self, due: DueDelivery, body: bytes) -> Delivery:
        """Make one attempt with that body, and keep its outcome."""
        started_at, began = self.clock.now(), self.clock.monotonic()
        answer, reason = await self._traced_post(due, body, started_at)
        duration = timedelta(seconds=self.clock.monotonic() - began)
        attempt = DeliveryAttempt(
            due.delivery.replays,
            due.delivery.attempts + 1,
            started_at,
            duration,
            None if answer is None else answer.status,
            reason,
        )
        asked = None if answer is None else asked_pause(answer.retry_after, started_at + duration)
        attempted = due.delivery.attempted(attempt, asked, self.chance())
        self.fault(Point.CALLBACK_BEFORE_RECORD)
        await self.store.record(attempted, attempt)
        self.tally.count(CALLBACKS, _OUTCOMES[attempted.state])
        return attempted

    async def _traced_post(
        self, due: DueDelivery, body: bytes, now: datetime
    ) -> tuple[CallbackResponse | None, str | None]:
        """`_post` in a span of the trace of the submit. Of the address it has the host alone."""
        attributes = {"http.request.method": "POST", "server.address": due.delivery.endpoint}
        cause = due.generation.traceparent
        with self.tracing.span("deliver callback", SpanKind.CLIENT, attributes, caused_by=cause) as span:
            answer, reason = await self._post(due, body, now)
            if answer is not None:
                span.tell({"http.response.status_code": answer.status})
            if reason is not None or (answer is not None and answer.status >= 400):
                span.fail(str(answer.status) if answer is not None else (reason or "").partition(":")[0])
            return answer, reason

    async def _post(self, due: DueDelivery, body: bytes, now: datetime) -> tuple[CallbackResponse | None, str | None]:
        """The receiver's answer, or the reason why there is none."""
        delivery = due.delivery
        signed = signatures(self.sign, due.secrets(now), delivery.id, now, body)
        headers = {"content-type": "application/json", **signed}
        self.fault(Point.CALLBACK_BEFORE_POST)
        try:
            return await self.sender.post(delivery.url, headers, body, ANSWER_DEADLINE), None
        except CallbackUndeliverable as error:
            return None, str(error)


_OUTCOMES: Mapping[DeliveryState, str] = MappingProxyType(
    {DeliveryState.DELIVERED: "delivered", DeliveryState.PENDING: "failed", DeliveryState.GAVE_UP: "gave_up"}
)


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery, and every attempt at it."""

    delivery: Delivery
    attempts: Sequence[DeliveryAttempt]


@dataclass(frozen=True, slots=True)
class ListedDelivery(LoggedDelivery):
    """A delivery in a list, with its generation in the state that is announced."""

    announced: Generation


@dataclass(frozen=True, slots=True)
class DeliveryLog:
    """Log of deliveries and their replay, for the owner of a generation and for the operator."""

    store: CallbackStore
    generations: GenerationStore
    announcements: QueueSignal
    clock: Clock

    async def of_owned(self, subscription: Subscription, generation_id: str) -> list[LoggedDelivery]:
        """The log of the owner's generation. Raises `GenerationNotFound`, for another's generation too."""
        owned = await self.generations.view(subscription.id, generation_id.lower())
        return await self._with_attempts(await self.store.deliveries(owned.id))

    async def replay_owned(self, subscription: Subscription, generation_id: str, delivery_id: str) -> LoggedDelivery:
        """Deliver a message of the owner's generation once more.

        Raises `GenerationNotFound`, or `CallbackNotFound` if the generation has no such message.
        """
        owned = await self.generations.view(subscription.id, generation_id.lower())
        found = await self.store.find_delivery(delivery_id.lower())
        if found is None or found.generation_id != owned.id:
            raise CallbackNotFound(delivery_id)
        return await self.replay(found.id)

    async def of_generation(self, generation_id: str) -> list[LoggedDelivery]:
        """The log of anybody's generation. Raises `GenerationNotFound`."""
        found = await self.generations.find(generation_id.lower())
        if found is None:
            raise GenerationNotFound(f"there is no generation {generation_id}")
        return await self._with_attempts(await self.store.deliveries(found.id))

    async def of_subscription(
        self,
        subscription_id: str,
        limit: int,
        states: Collection[DeliveryState] = tuple(DeliveryState),
        after: str | None = None,
    ) -> list[ListedDelivery]:
        """Up to `limit` of a subscription's deliveries in these states, the latest first, after a certain one.

        Raises `CallbackNotFound` if that one is none of the subscription's.
        """
        found = await self.store.owned_deliveries(subscription_id.lower(), states, after, limit)
        return [
            ListedDelivery(each.delivery, await self.store.attempts(each.delivery.id), each.announced) for each in found
        ]

    async def replay(self, delivery_id: str) -> LoggedDelivery:
        """Deliver a message once more, under its own id and on the whole schedule. Raises `CallbackNotFound`.

        A message that is still pending is due now.
        """
        replayed = await self.store.replay(delivery_id.lower(), self.clock.now())
        if replayed is None:
            raise CallbackNotFound(f"there is no callback {delivery_id}")
        self.announcements.notify()
        return LoggedDelivery(replayed, await self.store.attempts(replayed.id))

    async def _with_attempts(self, deliveries: Sequence[Delivery]) -> list[LoggedDelivery]:
        return [LoggedDelivery(each, await self.store.attempts(each.id)) for each in deliveries]
