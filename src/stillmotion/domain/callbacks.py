"""Callbacks (a transactional outbox): the announced changes, the schedule of attempts, and their record."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import ANNOUNCED, State

ANSWER_DEADLINE = timedelta(seconds=15)
"""Deadline for a receiver's 2xx."""

SCHEDULE: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=24),
)
"""Times of one chain's attempts, from its beginning. After the last one the delivery is given up."""

JITTER: Final = 0.1
"""Largest share by which a pause grows at random, so that receivers that failed together are retried apart."""

LONGEST_ASKED_PAUSE: Final = timedelta(hours=24)
"""Cap of a `Retry-After`."""

GONE: Final = 410
"""Status 410: the receiver wants no further attempts."""

_PAUSES: Final = tuple(later - earlier for earlier, later in pairwise(SCHEDULE))
_LONGEST_DIGITS: Final = 9
_AUTHORITY: Final = re.compile(r"\w+://(?:[^/?#]*@)?([^/?#]*)")


class DeliveryState(StrEnum):
    """State of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class CallbackResponse:
    """A receiver's response: its status, and its `Retry-After` as the header has it."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt: a status, or the reason for none in words without an address.

    `number` counts from 1 within a chain; `replay` is 0 in the first chain, and counts the replays from then on.
    """

    replay: int
    number: int
    started_at: datetime
    duration: timedelta
    status: int | None = None
    reason: str | None = None

    @property
    def answer(self) -> str:
        """The status, or the reason."""
        return str(self.status) if self.reason is None else self.reason

    @property
    def delivered(self) -> bool:
        """True for any 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback to make: a row written in the transaction that changed the state.

    `id` is the `webhook-id`, the same at every attempt. `created_at` is the time of the change of state, `due_at` that
    of the next attempt. `attempts` counts those of the present chain; each of the `replays` begins another chain.
    `subscription_id` is empty in a row of an older version.
    """

    id: str
    generation_id: str
    announces: State
    url: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    last_answer: str | None = None
    replays: int = 0
    subscription_id: str = ""

    @property
    def endpoint(self) -> str:
        """The receiver: host and port."""
        found = _AUTHORITY.match(self.url)
        return self.url if found is None else found[1].lower()

    @property
    def line(self) -> str:
        """Queue of the delivery: one subscription's deliveries to one endpoint share its delays, and no others."""
        return f"{self.endpoint} {self.subscription_id}".rstrip()

    def is_due(self, now: datetime) -> bool:
        """True where an attempt is due."""
        return self.state is DeliveryState.PENDING and self.due_at <= now

    def attempted(self, attempt: DeliveryAttempt, asked: timedelta | None, chance: float) -> "Delivery":
        """The delivery after an attempt: delivered, given up, or due again after a pause.

        `asked` is the pause that the receiver asked for; `chance` is random, from 0 up to 1.
        """
        tried = replace(self, attempts=attempt.number, last_answer=attempt.answer)
        if attempt.delivered:
            return replace(tried, state=DeliveryState.DELIVERED)
        if attempt.status == GONE or attempt.number >= len(SCHEDULE):
            return replace(tried, state=DeliveryState.GAVE_UP)
        pause = _PAUSES[attempt.number - 1] * (1 + JITTER * chance)
        return replace(tried, due_at=attempt.started_at + attempt.duration + max(pause, asked or pause))

    def takes(self, attempted: "Delivery") -> bool:
        """True if the outcome of an attempt takes the place of this state.

        It does not after a replay, nor where another process, which made the same attempt, is further.
        """
        is_further = self.attempts < attempted.attempts or attempted.state is DeliveryState.DELIVERED
        return self.replays == attempted.replays and self.state is DeliveryState.PENDING and is_further

    def replayed(self, now: datetime) -> "Delivery":
        """The delivery at the start of another chain, with the same message."""
        return replace(self, due_at=now, attempts=0, state=DeliveryState.PENDING, replays=self.replays + 1)


def caused_by(before: Generation, after: Generation, now: datetime) -> Delivery | None:
    """Delivery of a change of state; None for a change that is not announced.

    A state is announced once: the id consists of generation and state, so the second attempt's `dreaming` is the same.
    """
    url = after.request.callback_url
    if url is None or after.state is before.state or after.state not in ANNOUNCED:
        return None
    id_ = f"msg_{after.id}_{after.state}"
    return Delivery(id_, after.id, after.state, url, created_at=now, due_at=now, subscription_id=after.subscription_id)


def asked_pause(retry_after: str | None, now: datetime) -> timedelta | None:
    """Pause of a `Retry-After` (RFC 9110, section 10.2.3), capped; None for an unreadable one."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        wanted = timedelta(seconds=int(text[:_LONGEST_DIGITS]))
    else:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        wanted = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wanted, LONGEST_ASKED_PAUSE))
