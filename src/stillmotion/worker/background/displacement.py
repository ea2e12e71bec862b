"""Watch over the database's files: a server whose database was removed or replaced says so in its log."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

LOOK_EVERY: Final = timedelta(seconds=1)

_LOG = structlog.get_logger(__name__)


class DisplacedWatch:
    """Watch that logs when the database's files are no longer the opened ones, and when they are again.

    `displaced` returns the problem with its remedy, or None.
    """

    def __init__(self, displaced: Callable[[], str | None]) -> None:
        self._displaced = displaced

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        told = None
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            why = self._displaced()
            if why is not None and told is None:
                _LOG.critical("database_displaced", why=why, consequence="nothing is accepted or claimed")
            elif why is None and told is not None:
                _LOG.warning("database_in_place")
            told = why
