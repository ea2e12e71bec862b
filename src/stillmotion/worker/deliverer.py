"""Delivering callbacks as they fall due."""

import asyncio
from datetime import timedelta

import structlog

from stillmotion.application.callbacks import BATCH, Callbacks
from stillmotion.application.ports import DueDelivery, QueueSignal
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import Unavailable

POLL = timedelta(seconds=1)
"""How often to look for what falls due by time, or was caused by another process."""
AT_ONCE = 500
"""Deliveries under way. Each waits at most `ANSWER_DEADLINE`, so a receiver that hangs holds up nobody else's."""
REST = timedelta(seconds=10)
"""Before a delivery is tried again that our own side kept from being made or written down."""

log = structlog.get_logger(__name__)


class Deliverer:
    """Makes every delivery that is due, many at once, until it is cancelled.

    A delivery that is cut off is not written down: it is made again by whoever comes next, under the same id.
    """

    def __init__(self, callbacks: Callbacks, announcements: QueueSignal, at_once: int = AT_ONCE) -> None:
        self._callbacks = callbacks
        self._announcements = announcements
        self._at_once = at_once
        self._under_way: set[str] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                if await self._begin_due(group) < BATCH:
                    await self._announcements.wait(POLL)

    async def _begin_due(self, group: asyncio.TaskGroup) -> int:
        """Start what is due and not under way; how many that were."""
        try:
            # What is under way is still due: looking past it is what finds the rest.
            due = await self._callbacks.due(len(self._under_way) + BATCH)
        except Unavailable as error:
            log.warning("callbacks_not_read", why=str(error))
            return 0
        waiting = [each for each in due if each.delivery.id not in self._under_way]
        begun = waiting[: self._at_once - len(self._under_way)]
        for each in begun:
            self._under_way.add(each.delivery.id)
            group.create_task(self._deliver(each))
        return len(begun)

    async def _deliver(self, due: DueDelivery) -> None:
        bound = log.bind(delivery=due.delivery.id, announces=due.delivery.announces)
        try:
            _tell(bound, await self._callbacks.deliver(due))
        except Unavailable as error:
            bound.warning("callback_not_recorded", why=str(error))
            await asyncio.sleep(REST.total_seconds())
        except Exception:
            bound.exception("callback_broke")
            await asyncio.sleep(REST.total_seconds())
        finally:
            self._under_way.discard(due.delivery.id)


def _tell(bound: structlog.typing.FilteringBoundLogger, made: Delivery) -> None:
    if made.state is DeliveryState.DELIVERED:
        bound.info("callback_delivered", answer=made.last_answer)
    else:
        bound.warning("callback_not_delivered", answer=made.last_answer, attempts=made.attempts)
