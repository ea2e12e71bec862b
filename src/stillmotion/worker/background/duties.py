"""Duties of this process: it takes and renews them in the store, and its background work asks for them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final, Protocol

import structlog

from stillmotion.application.ports.administration import DutyStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import DUTY_MARGIN, DUTY_RENEWAL, DUTY_TIME, Duty

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


class Duties(Protocol):
    """The duties that a process holds."""

    def has(self, duty: Duty) -> bool:
        """True while the process may do that work."""
        ...

    async def turn(self, duty: Duty) -> None:
        """Return once the process may do that work. To be asked before every step of it."""
        ...


class EveryDuty:
    """`Duties` of a process that is alone with its store."""

    def has(self, duty: Duty) -> bool:
        """See `Duties.has`."""
        del duty
        return True

    async def turn(self, duty: Duty) -> None:
        """See `Duties.turn`."""


EVERY_DUTY: Final = EveryDuty()


async def _always() -> bool:
    return True


class DutyKeeper:
    """Keeper of the duties that a process holds in the store, until it is cancelled; then they are free.

    The end of a tenure is measured on the monotonic clock from before the store was asked. So a process that was
    frozen knows when it wakes up that its duties may be another's. While `may_hold` answers False, the process keeps
    none.
    """

    def __init__(
        self,
        store: DutyStore,
        clock: Clock,
        holder: str,
        duties: Collection[Duty] = tuple(Duty),
        may_hold: Callable[[], Awaitable[bool]] = _always,
        every: timedelta = DUTY_RENEWAL,
    ) -> None:
        self._store, self._clock, self._holder = store, clock, holder
        self._duties, self._may_hold, self._every = duties, may_hold, every
        self._ends: dict[Duty, float] = {}
        self._news = asyncio.Event()

    def has(self, duty: Duty) -> bool:
        """See `Duties.has`."""
        return self._clock.monotonic() < self._ends.get(duty, -inf)

    async def turn(self, duty: Duty) -> None:
        """See `Duties.turn`."""
        while not self.has(duty):
            news = self._news
            await news.wait()

    async def take_over(self) -> None:
        """Take all duties from whoever has them: the data directory's lock proves that no other server lives."""
        await self._hold(now=_END_OF_TIME)

    async def run(self) -> None:
        """Hold duties until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._every.total_seconds())
        finally:
            await self._free()

    async def _look(self) -> None:
        try:
            if await self._may_hold():
                await self._hold()
            elif self._ends:
                await self._free()
        except Unavailable as error:
            log.warning("duties_not_renewed", why=str(error))
        except Exception:
            log.exception("duties_broke")

    async def _hold(self, now: datetime | None = None) -> None:
        asked, present = self._clock.monotonic(), self._clock.now()
        terms = await self._store.hold_duties(self._duties, self._holder, present + DUTY_TIME, now or present)
        taken = [duty.value for duty in terms if duty not in self._ends]
        if taken:
            log.info("duties_taken", duties=taken)
        for duty in self._ends.keys() - terms.keys():
            log.warning("duty_lost", duty=duty.value)
        end = asked + (DUTY_TIME - DUTY_MARGIN).total_seconds()
        self._ends = dict.fromkeys(terms, end)
        # Those who wait hold the old event; later ones get a new one, which is not set.
        self._news.set()
        self._news = asyncio.Event()

    async def _free(self) -> None:
        self._ends = {}
        try:
            await self._store.free_duties(self._holder)
        except Unavailable as error:
            log.info("duties_not_freed", why=str(error))
