"""The callers' record: orders, answers, and contradictions between them."""

import itertools
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from bench.soak.invariants import TERMINAL


@dataclass(slots=True)
class Order:
    """One thing that the subscription number `owner` wants made, sent under one Idempotency-Key until it is answered.

    `unfinished` says that it was not over when its owner had it deleted: a cancel.
    """

    key: str
    body: dict[str, Any]
    owner: int = 0
    id: str | None = None
    state: str = "unsent"
    deleting: bool = False
    deleted: bool = False
    unfinished: bool = False
    digest: str | None = None

    @property
    def is_over(self) -> bool:
        """True where nothing more will happen to it."""
        return self.deleted or self.state in TERMINAL


@dataclass(slots=True)
class Trouble:
    """A period of disturbance; `ended` stays 0 while it lasts."""

    kind: str
    began: float
    ended: float = 0.0

    def touches(self, since: float, until: float) -> bool:
        """True where it overlaps with a stretch of time."""
        return self.began <= until and (not self.ended or self.ended >= since)


@dataclass(slots=True)
class Ledger:
    """Everything observed from outside. `wrong` holds each contradiction as a sentence."""

    orders: list[Order] = field(default_factory=list)
    received: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    troubles: list[Trouble] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> list[Order]:
        """The orders that were answered with an id."""
        return [order for order in self.orders if order.id is not None]

    @property
    def open(self) -> list[Order]:
        """The orders that are accepted and not yet seen to have ended."""
        return [order for order in self.accepted if not order.is_over]

    def took(self, order: Order, generation_id: str) -> None:
        """Note a submit that was answered with 200."""
        if order.id is not None and order.id != generation_id:
            self.wrong.append(f"duplicated: {order.key} is {order.id} and {generation_id}")
        elif order.id is None and any(other.id == generation_id for other in self.orders):
            self.wrong.append(f"duplicated: {generation_id} is the answer to two orders")
        order.id = generation_id
        if order.state == "unsent":
            order.state = "queued"

    def saw(self, order: Order, state: str) -> None:
        """Note a poll's answer. An ended generation must stay as it ended; a running one may go back to the queue."""
        if order.state in TERMINAL and state != order.state:
            self.wrong.append(f"changed: {order.id} was {order.state} and is {state}")
        order.state = state

    def found_nothing(self, order: Order) -> None:
        """Note a poll that was answered with 404."""
        if order.deleting:
            order.deleted = True
        else:
            self.wrong.append(f"lost: {order.id} was accepted and is not found")

    def downloaded(self, order: Order, digest: str) -> None:
        """Note a whole clip."""
        if order.digest is not None and order.digest != digest:
            self.wrong.append(f"duplicated result: {order.id} gave two different clips")
        order.digest = digest

    def begin(self, kind: str) -> Trouble:
        """Note the beginning of a disturbance."""
        trouble = Trouble(kind, time.monotonic())
        self.troubles.append(trouble)
        return trouble

    def repeated_for_nothing(self, slack: float) -> list[str]:
        """Callbacks that came again although nothing had happened in between: `slack` seconds count as between."""
        found = []
        for name, times in self.received.items():
            for first, again in itertools.pairwise(times):
                if not any(trouble.touches(first - slack, again) for trouble in self.troubles):
                    found.append(f"{name} came again after {again - first:.1f} s")
        return found
