"""Last uses of keys, written down in the background."""

import asyncio

import structlog

from stillmotion.application.access import Access
from stillmotion.domain.errors import Unavailable

KEEP_SECONDS = 15.0

log = structlog.get_logger(__name__)


class UseKeeper:
    """Writer of the last uses that a server knows of, every quarter of a minute, until it is cancelled."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        while True:
            try:
                await asyncio.sleep(KEEP_SECONDS)
            finally:
                await self._keep()

    async def _keep(self) -> None:
        try:
            await self._access.keep_uses()
        except Unavailable as error:
            log.warning("uses_not_kept", why=str(error))
        except Exception:
            log.exception("uses_broke")
