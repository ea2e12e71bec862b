"""Removing uploads whose day is over."""

import asyncio

import structlog

from stillmotion.application.uploads import Uploads
from stillmotion.domain.errors import Unavailable

SWEEP_SECONDS = 60.0

log = structlog.get_logger(__name__)


class UploadSweeper:
    """Looks once a minute, until it is cancelled."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
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
