"""Limits of reads over several servers."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from stillmotion.application.access import ReadLimits
from stillmotion.application.ports.reads import ReadStore
from stillmotion.application.ports.values import Chance, Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.worker.timing import around

EVERY = timedelta(seconds=1)
"""Interval at which servers learn of each other's reads: so long a caller may be over the limit."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SharedReads:
    """Sharing of a server's counts with the others, until it is cancelled."""

    limits: ReadLimits
    store: ReadStore
    clock: Clock
    chance: Chance
    every: timedelta = EVERY

    async def run(self) -> None:
        """Share until cancelled."""
        while True:
            await asyncio.sleep(around(self.every, self.chance).total_seconds())
            try:
                await self.limits.share(self.store, self.clock)
            except Unavailable as error:
                log.info("reads_not_shared", why=str(error))
            except Exception:
                log.exception("reads_broke")
