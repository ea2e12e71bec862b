"""Reaper: it takes back the generations of lost workers."""

import asyncio
from collections.abc import Callable

import structlog

from stillmotion.application.metrics import ATTEMPTS
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import Duty
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.background.duties import EVERY_DUTY, Duties
from stillmotion.worker.timing import around

log = structlog.get_logger(__name__)


class Reaper:
    """Reaper of the service, until it is cancelled. It works while its process holds the duty.

    A lease counts as expired only at a second look: a clock that steps, or a machine that slept, ends all leases at
    once, and living workers renew theirs between the looks. `held` are the generations of this process: they are
    exempt.
    """

    def __init__(
        self, workshop: AttemptContext, held: Callable[[], frozenset[str]] = frozenset, duties: Duties = EVERY_DUTY
    ) -> None:
        self._workshop, self._held, self._duties = workshop, held, duties
        self._ended = frozenset[str]()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._duties.has(Duty.REAPER):
                self._ended = frozenset()  # What it saw before somebody else's tenure was no first look.
                await self._duties.turn(Duty.REAPER)
            await asyncio.sleep(around(self._workshop.timing.reclaim, self._workshop.chance).total_seconds())
            try:
                await self._look()
            except Unavailable as error:
                log.warning("not_reclaimed", why=str(error))
            except Exception:
                log.exception("reaper_broke")

    async def _look(self) -> None:
        if not self._duties.has(Duty.REAPER):
            return
        work = self._workshop.work
        before, self._ended = self._ended, await work.ended()
        taken = await work.reclaim(only=(before & self._ended) - self._held())
        if taken:
            self._workshop.tally.count(ATTEMPTS, "lost", by=taken)
            log.warning("leases_reclaimed", count=taken)
            self._workshop.signal.notify()
            self._workshop.announcements.notify()
