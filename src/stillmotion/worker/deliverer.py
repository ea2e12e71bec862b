"""Delivering callbacks as they fall due."""

import asyncio
from collections import Counter
from datetime import timedelta

import structlog

from stillmotion.application.callbacks import Callbacks
from stillmotion.application.ports import QueueSignal
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import Unavailable

POLL = timedelta(seconds=1)
"""How often to look for what falls due by time, or was caused by another process."""
AT_ONCE = 500
"""Deliveries under way, to all endpoints together."""
SHARE, SOUND_SHARE = 4, 32
"""Deliveries under way to one endpoint: the larger share is for one that took what it was sent last."""
SOUND_KEPT = 10_000
"""Endpoints that are remembered for having taken something. Past this all of them are tested anew."""
IDLE_PER_LOOK = 9
"""For each second that a look at the store takes, so many go to others: looks may be many, or long."""
REST = timedelta(seconds=10)
"""Before a delivery is tried again that our own side kept from being made or written down."""

log = structlog.get_logger(__name__)


class Deliverer:
    """Makes every delivery that is due, many at once, until it is cancelled.

    An endpoint that hangs holds no more than its share, so that it delays its own deliveries and nobody else's.
    A delivery that is cut off is not written down: it is made again by whoever comes next, under the same id.
    """

    def __init__(self, callbacks: Callbacks, announcements: QueueSignal, at_once: int = AT_ONCE) -> None:
        self._callbacks = callbacks
        self._announcements = announcements
        self._at_once = at_once
        self._under_way: set[str] = set()
        self._at_endpoint: Counter[str] = Counter()
        self._sound: set[str] = set()
        self._more_is_due = False

    async def run(self) -> None:
        """Deliver until cancelled."""
        monotonic = self._callbacks.clock.monotonic
        async with asyncio.TaskGroup() as group:
            while True:
                began = monotonic()
                await self._begin_due(group)
                await asyncio.sleep(IDLE_PER_LOOK * (monotonic() - began))
                await self._announcements.wait(POLL)

    async def _begin_due(self, group: asyncio.TaskGroup) -> None:
        """Start what is due and not under way, as far as there is room."""
        self._more_is_due = False
        try:
            # What is under way is still due. Twice the largest share shows what else is, whatever comes first.
            due = await self._callbacks.due(2 * SOUND_SHARE)
        except Unavailable as error:
            log.warning("callbacks_not_read", why=str(error))
            return
        for delivery in due:
            if delivery.id in self._under_way:
                continue
            if not self._has_room(delivery.endpoint):
                self._more_is_due = True
                continue
            self._under_way.add(delivery.id)
            self._at_endpoint[delivery.endpoint] += 1
            group.create_task(self._deliver(delivery))

    def _has_room(self, endpoint: str) -> bool:
        share = SOUND_SHARE if endpoint in self._sound else SHARE
        return len(self._under_way) < self._at_once and self._at_endpoint[endpoint] < share

    async def _deliver(self, due: Delivery) -> None:
        bound = log.bind(delivery=due.id, announces=due.announces)
        try:
            made = await self._callbacks.deliver(due.id)
            if made is not None:
                self._remember(made)
                _tell(bound, made)
        except Unavailable as error:
            bound.warning("callback_not_recorded", why=str(error))
            await asyncio.sleep(REST.total_seconds())
        except Exception:
            bound.exception("callback_broke")
            await asyncio.sleep(REST.total_seconds())
        finally:
            self._leave(due)

    def _remember(self, made: Delivery) -> None:
        if made.state is not DeliveryState.DELIVERED:
            self._sound.discard(made.endpoint)
            return
        if len(self._sound) >= SOUND_KEPT:
            self._sound.clear()
        self._sound.add(made.endpoint)

    def _leave(self, due: Delivery) -> None:
        self._under_way.discard(due.id)
        self._at_endpoint[due.endpoint] -= 1
        if not self._at_endpoint[due.endpoint]:
            del self._at_endpoint[due.endpoint]
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
