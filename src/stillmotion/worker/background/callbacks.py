"""Delivery of callbacks from the outbox, as they fall due."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import structlog

from stillmotion.application.callbacks.delivery import Callbacks
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.store import Dialects
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import Duty
from stillmotion.worker.background.duties import EVERY_DUTY, Duties
from stillmotion.worker.timing import around

POLL = timedelta(seconds=1)
"""Interval of looks for deliveries that fall due by time, or were caused by another process."""
AT_ONCE = 500
"""Deliveries under way, to all endpoints together."""
SHARE, SOUND_SHARE = 4, 32
"""Concurrent deliveries in one line; the larger share is for an endpoint that took the last one."""
OWNER_SHARE, OWNER_SOUND_SHARE = 16, 128
"""Deliveries under way of one subscription, to however many endpoints; the larger share is for sound ones."""
SOUND_KEPT = 10_000
"""Most lines remembered as sound. Beyond it all are tested anew."""
IDLE_PER_LOOK = 9
"""Pause after a look at the store, as a multiple of its time: frequent or long looks leave time to others."""
REST = timedelta(seconds=10)
"""Pause before a delivery that failed on our own side."""

log = structlog.get_logger(__name__)


class Deliverer:
    """Deliverer of all due callbacks, many at once, until it is cancelled.

    A hanging endpoint holds at most its share of the places, and a subscription at most its own (bulkheads), so that
    each delays its own deliveries alone. The subscription with the fewest under way goes first. A delivery that is cut
    off is not recorded: the next process makes it again, under the same id (at-least-once delivery).

    It works while its process holds the duty. One that was frozen and has lost it begins no further delivery.
    """

    def __init__(
        self,
        callbacks: Callbacks,
        dialects: Dialects,
        announcements: QueueSignal,
        duties: Duties = EVERY_DUTY,
        at_once: int = AT_ONCE,
    ) -> None:
        self._callbacks = callbacks
        self._dialects = dialects
        self._announcements = announcements
        self._duties = duties
        self._at_once = at_once
        self._under_way: set[str] = set()
        self._in_line: Counter[str] = Counter()
        self._of_owner: Counter[tuple[str, bool]] = Counter()
        self._sound: set[str] = set()
        self._more_is_due = False

    async def run(self) -> None:
        """Deliver until cancelled."""
        monotonic = self._callbacks.clock.monotonic
        async with asyncio.TaskGroup() as group:
            while True:
                await self._duties.turn(Duty.CALLBACKS)
                began = monotonic()
                await self._begin_due(group)
                await asyncio.sleep(IDLE_PER_LOOK * (monotonic() - began))
                await self._announcements.wait(around(POLL, self._callbacks.chance))

    async def _begin_due(self, group: asyncio.TaskGroup) -> None:
        """Start due deliveries that are not under way, as far as there are places."""
        self._more_is_due = False
        try:
            # Deliveries under way are still due. Twice the largest share holds others too, in any order.
            due = await self._callbacks.due(2 * SOUND_SHARE)
        except Unavailable as error:
            log.warning("callbacks_not_read", why=str(error))
            return
        for delivery in self._in_turns(due):
            is_sound = delivery.line in self._sound
            if not self._has_room(delivery, is_sound=is_sound):
                self._more_is_due = True
                continue
            self._under_way.add(delivery.id)
            self._in_line[delivery.line] += 1
            self._of_owner[delivery.subscription_id, is_sound] += 1
            group.create_task(self._deliver(delivery, is_sound=is_sound))

    def _in_turns(self, due: Sequence[Delivery]) -> list[Delivery]:
        """Due deliveries that are not under way, round-robin over subscriptions."""
        ranks = Counter(dict.fromkeys((each.subscription_id for each in due), 0))
        for owner, is_sound in self._of_owner:
            ranks[owner] += self._of_owner[owner, is_sound]
        ranked = []
        for delivery in due:
            if delivery.id not in self._under_way:
                ranked.append((ranks[delivery.subscription_id], delivery))
                ranks[delivery.subscription_id] += 1
        return [delivery for _, delivery in sorted(ranked, key=lambda each: each[0])]

    def _has_room(self, due: Delivery, *, is_sound: bool) -> bool:
        share, owner_share = (SOUND_SHARE, OWNER_SOUND_SHARE) if is_sound else (SHARE, OWNER_SHARE)
        has_place = len(self._under_way) < self._at_once and self._in_line[due.line] < share
        return has_place and self._of_owner[due.subscription_id, is_sound] < owner_share

    async def _deliver(self, due: Delivery, *, is_sound: bool) -> None:
        bound = log.bind(delivery=due.id, announces=due.announces)
        try:
            found = await self._callbacks.store.find_due(due.id)
            if found is not None and self._duties.has(Duty.CALLBACKS):
                body = self._dialects[found.generation.surface](found.announced)
                made = await self._callbacks.deliver(found, body)
                self._remember(made)
                _tell(bound, made)
        except Unavailable as error:
            bound.warning("callback_not_recorded", why=str(error))
            await asyncio.sleep(REST.total_seconds())
        except Exception:
            bound.exception("callback_broke")
            await asyncio.sleep(REST.total_seconds())
        finally:
            self._leave(due, is_sound=is_sound)

    def _remember(self, made: Delivery) -> None:
        if made.state is not DeliveryState.DELIVERED:
            self._sound.discard(made.line)
            return
        if len(self._sound) >= SOUND_KEPT:
            self._sound.clear()
        self._sound.add(made.line)

    def _leave(self, due: Delivery, *, is_sound: bool) -> None:
        self._under_way.discard(due.id)
        self._in_line -= Counter([due.line])  # The subtraction drops a line whose count is zero.
        self._of_owner -= Counter([(due.subscription_id, is_sound)])
        if self._more_is_due:
            self._announcements.notify()


def _tell(bound: structlog.typing.FilteringBoundLogger, made: Delivery) -> None:
    match made.state:
        case DeliveryState.DELIVERED:
            bound.info("callback_delivered", answer=made.last_answer, attempts=made.attempts)
        case DeliveryState.PENDING:
            bound.warning(
                "callback_not_delivered", answer=made.last_answer, attempts=made.attempts, again=made.due_at.isoformat()
            )
        case DeliveryState.GAVE_UP:
            bound.warning("callback_given_up", answer=made.last_answer, attempts=made.attempts)
