"""Trials of callbacks: a signed test message, a message of a generation for its owner, and the check of a signature."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final, Protocol

from stillmotion.application.callbacks.delivery import Sign, signatures
from stillmotion.application.ports.outbound import CallbackSender, CallbackUndeliverable, UrlRules
from stillmotion.application.ports.values import Clock, NewToken
from stillmotion.domain.callbacks import ANSWER_DEADLINE, DeliveryAttempt
from stillmotion.domain.errors import LimitExceeded, RateLimitExceeded, Reason
from stillmotion.domain.generation import Generation
from stillmotion.domain.quotas import WINDOW
from stillmotion.domain.subscriptions import Subscription

TESTS_PER_MINUTE: Final = 10
"""Test messages of one subscription: each is a request to a place of the caller's choice."""

TEST_BODY: Final = b'{"type":"test","message":"This is a test message from Stillmotion."}'


class CheckSignature(Protocol):
    """Check of a signed message, with the headers of Standard Webhooks."""

    def __call__(self, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The reason why the message is not genuine; None if it is. Header names are in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A message as it is sent."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class TrialDelivery:
    """A test message, and the receiver's answer to it."""

    message: SignedMessage
    attempt: DeliveryAttempt


@dataclass(slots=True)
class CallbackTrials:
    """Trials of callbacks for a subscription. They are limited in this process, and leave nothing in the log."""

    sender: CallbackSender
    sign: Sign
    check: CheckSignature
    rules: UrlRules
    clock: Clock
    new_token: NewToken
    _spent: dict[str, tuple[float, int]] = field(default_factory=dict)
    _under_way: set[str] = field(default_factory=set)

    async def test(self, subscription: Subscription, url: str) -> TrialDelivery:
        """Send a test message to `url`, which the rules of callback URLs hold for.

        Raises `InvalidRequest` for a URL that is never called, `RateLimitExceeded` for too many tests, and
        `LimitExceeded` while another is under way.
        """
        self.rules.check("url", url)
        if subscription.id in self._under_way:
            raise LimitExceeded("another test message is under way", 1, Reason.TOO_MUCH)
        self._spend(subscription)
        self._under_way.add(subscription.id)
        try:
            return await self._sent(subscription, url)
        finally:
            self._under_way.discard(subscription.id)

    def message_of(self, subscription: Subscription, generation: Generation, body: bytes) -> SignedMessage:
        """The message that tells of the state which a generation is in, signed now."""
        return self._signed(subscription, f"msg_{generation.id}_{generation.state}", body)

    def why_not_genuine(self, subscription: Subscription, headers: Mapping[str, str], body: bytes) -> str | None:
        """The reason why a message is none of the subscription's; None if it is one."""
        named = {name.lower(): value for name, value in headers.items()}
        now = self.clock.now()
        reasons = [self.check(secret, named, body, now) for secret in subscription.secrets(now)]
        return None if None in reasons else reasons[0]

    async def _sent(self, subscription: Subscription, url: str) -> TrialDelivery:
        message = self._signed(subscription, f"msg_test_{self.new_token()}", TEST_BODY)
        started_at, began = self.clock.now(), self.clock.monotonic()
        status = reason = None
        try:
            status = (await self.sender.post(url, message.headers, message.body, ANSWER_DEADLINE)).status
        except CallbackUndeliverable as error:
            reason = str(error)
        took = timedelta(seconds=self.clock.monotonic() - began)
        return TrialDelivery(message, DeliveryAttempt(0, 1, started_at, took, status, reason))

    def _signed(self, subscription: Subscription, message_id: str, body: bytes) -> SignedMessage:
        now = self.clock.now()
        signature = signatures(self.sign, subscription.secrets(now), message_id, now, body)
        return SignedMessage({"content-type": "application/json", **signature}, body)

    def _spend(self, subscription: Subscription) -> None:
        now = self.clock.monotonic()
        ends_at, spent = self._spent.get(subscription.id, (0.0, 0))
        if now >= ends_at:
            ends_at, spent = now + WINDOW.total_seconds(), 0
        if spent >= TESTS_PER_MINUTE:
            raise RateLimitExceeded(
                f"{TESTS_PER_MINUTE} test messages a minute are allowed", ceil(ends_at - now), Reason.TOO_MUCH
            )
        self._spent[subscription.id] = ends_at, spent + 1
