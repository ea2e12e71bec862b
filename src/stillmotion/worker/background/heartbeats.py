"""Heartbeats: a process tells the store that it is there, and what its lanes are at."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

import structlog

from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import StoreOutgrown, Unavailable
from stillmotion.domain.operators.processes import HEARTBEAT, ProcessReport
from stillmotion.worker.host import WorkerHost

LOOK = timedelta(seconds=0.5)
"""Interval of looks for a change of what the process makes, which is told at once, and for a database that is away."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Heartbeats of the process that `host` is in, until they are cancelled. `first` is the report of its start.

    Where the store no longer works with this version the host is `dismissed`, and the process ends. One line of the log
    says that the database is away, and one that it is back: the heartbeats speak for all that the process does.
    """

    host: WorkerHost
    store: ProcessStore
    clock: Clock
    first: ProcessReport
    every: timedelta = HEARTBEAT

    async def run(self) -> None:
        """Beat until cancelled, then forget the process: it ends in order."""
        away_since: float | None = None
        try:
            while not self.host.dismissed.is_set():
                away_since = await self._beat(away_since)
                if away_since is None:
                    await self._until_due()
                else:
                    await asyncio.sleep(min(LOOK, self.every).total_seconds())
        finally:
            await self._forget()

    async def _until_due(self) -> None:
        """Wait for the time of the next heartbeat, or for another answer to the question what the process makes."""
        told = self.host.alive, self.host.engines
        for _ in range(ceil(self.every / LOOK)):
            await asyncio.sleep(min(LOOK, self.every).total_seconds())
            if (self.host.alive, self.host.engines) != told:
                return

    async def _beat(self, away_since: float | None) -> float | None:
        """Beat once. The answer is the monotonic time since which the database is away, None where it is not."""
        began = time.monotonic()
        try:
            await self.store.beat(self.now())
        except Unavailable as error:
            if away_since is None:
                log.warning("database_away", why=str(error))
            return away_since or began
        except StoreOutgrown as error:
            log.critical("version_too_old", why=str(error), remedy="upgrade Stillmotion here", consequence="it ends")
            self.host.dismissed.set()
        except Exception:
            log.exception("heartbeat_broke")
            return away_since
        else:
            if away_since is not None:
                log.info("database_back", away_seconds=round(time.monotonic() - away_since, 1))
        return None

    def now(self) -> ProcessReport:
        """The report of this moment."""
        return replace(
            self.first,
            seen_at=self.clock.now(),
            is_able=self.host.alive,
            engines=self.host.engines,
            lanes=self.host.lanes,
        )

    async def _forget(self) -> None:
        try:
            await self.store.forget_process(self.first.name.id)
        except Unavailable as error:
            log.info("process_not_forgotten", why=str(error))
