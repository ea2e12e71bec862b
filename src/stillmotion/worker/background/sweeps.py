"""Removing, in the background, what was kept long enough."""

import asyncio
from datetime import timedelta

import structlog

from stillmotion.application.retention import BATCH, Retention
from stillmotion.domain.errors import Unavailable

EVERY = timedelta(minutes=1)
BETWEEN_BATCHES = timedelta(seconds=1)
"""Where there is more to remove than a batch: it is never so urgent that others should wait for it."""

log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeps a batch at a time until it is cancelled."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            pause = EVERY
            try:
                swept = await self._retention.sweep()
            except Unavailable as error:
                log.warning("not_swept", why=str(error))
            except Exception:
                log.exception("sweep_broke")
            else:
                if swept:
                    log.info("swept", generations=swept)
                if swept >= BATCH:
                    pause = BETWEEN_BATCHES
            await asyncio.sleep(pause.total_seconds())
