"""Sweeps in the background: generations and uploads that were kept long enough."""

import asyncio
from datetime import timedelta

import structlog

from stillmotion.application.retention import BATCH, Retention
from stillmotion.application.uploads import Uploads
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.duties import Duty
from stillmotion.worker.background.duties import EVERY_DUTY, Duties

EVERY = timedelta(minutes=1)

BETWEEN_BATCHES = timedelta(seconds=1)
"""Pause between batches: a sweep is never urgent."""

log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeper of generations, a batch at a time, until it is cancelled. It works while its process holds the duty."""

    def __init__(self, retention: Retention, duties: Duties = EVERY_DUTY) -> None:
        self._retention, self._duties = retention, duties

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._duties.turn(Duty.SWEEPS)
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


SWEEP_SECONDS = 60.0

log = structlog.get_logger(__name__)


class UploadSweeper:
    """Sweeper of uploads, once a minute, until it is cancelled. It works while its process holds the duty."""

    def __init__(self, uploads: Uploads, duties: Duties = EVERY_DUTY) -> None:
        self._uploads, self._duties = uploads, duties

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._duties.turn(Duty.UPLOADS)
            try:
                gone = await self._uploads.expire()
            except Unavailable as error:
                log.warning("uploads_not_swept", why=str(error))
            except Exception:
                log.exception("upload_sweep_broke")
            else:
                if gone:
                    log.info("uploads_swept", count=gone)
            await asyncio.sleep(SWEEP_SECONDS)
