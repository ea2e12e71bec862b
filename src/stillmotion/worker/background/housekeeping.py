"""Housekeeping of the database: rows of processes and of reads that are of no use any longer."""

import asyncio
from datetime import timedelta

import structlog

from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import Duty
from stillmotion.domain.operators.processes import FORGOTTEN_AFTER
from stillmotion.worker.background.duties import EVERY_DUTY, Duties

EVERY = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class Housekeeper:
    """Housekeeper of the service, until it is cancelled. It works while its process holds the duty."""

    def __init__(self, store: ProcessStore, clock: Clock, duties: Duties = EVERY_DUTY) -> None:
        self._store, self._clock, self._duties = store, clock, duties

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await self._duties.turn(Duty.HOUSEKEEPING)
            try:
                await self._store.forget_lost(self._clock.now() - FORGOTTEN_AFTER)
            except Unavailable as error:
                log.warning("house_not_kept", why=str(error))
            except Exception:
                log.exception("housekeeping_broke")
            await asyncio.sleep(EVERY.total_seconds())
