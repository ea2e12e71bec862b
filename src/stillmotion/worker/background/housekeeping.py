"""Housekeeping of the database: rows of processes and of reads that are of no use any longer."""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.reads import ReadStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import Duty
from stillmotion.domain.operators.processes import FORGOTTEN_AFTER
from stillmotion.worker.background.duties import EVERY_DUTY, Duties

EVERY = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class HouseStore(ProcessStore, ReadStore, Protocol):
    """Store of the rows that are cleared away."""


class Housekeeper:
    """Housekeeper of the service, until it is cancelled. It works while its process holds the duty."""

    def __init__(self, store: HouseStore, clock: Clock, duties: Duties = EVERY_DUTY) -> None:
        self._store, self._clock, self._duties = store, clock, duties

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await self._duties.turn(Duty.HOUSEKEEPING)
            try:
                now = self._clock.now()
                await self._store.forget_lost(now - FORGOTTEN_AFTER)
                await self._store.forget_reads(now)
            except Unavailable as error:
                log.warning("house_not_kept", why=str(error))
            except Exception:
                log.exception("housekeeping_broke")
            await asyncio.sleep(EVERY.total_seconds())
