"""Clock of a database that processes on many machines share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from stillmotion.adapters.clock import SystemClock
from stillmotion.domain.errors import Unavailable

MEASURED_EVERY: Final = timedelta(seconds=30)

SLOW_ROUND_TRIP: Final = 1.0
"""Seconds of a round trip that is no measurement: its time may be off by half of that."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTS_SLEEP: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

log = structlog.get_logger(__name__)


def since_boot() -> float:
    """Seconds that never step back. Where the system can tell, they go on while the machine sleeps."""
    return time.clock_gettime(_COUNTS_SLEEP)


class DatabaseClock:
    """`Clock` that tells the database's time, up to half a round trip: time since the machine's boot plus an offset.

    Up to the first measurement it tells the machine's time. `elapsed` counts seconds between measurements.
    """

    monotonic = staticmethod(time.monotonic)
    """Seconds that never step back."""

    def __init__(self, elapsed: Callable[[], float] = since_boot) -> None:
        self._elapsed = elapsed
        self._offset = (SystemClock().now() - _EPOCH).total_seconds() - elapsed()
        self._is_measured = False

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return _EPOCH + timedelta(seconds=self._elapsed() + self._offset)

    async def measure(self, read: Callable[[], Awaitable[datetime]]) -> None:
        """Measure the offset, where `read` asks the database for its time. Raises `Unavailable`."""
        asked = self._elapsed()
        there = await read()
        answered = self._elapsed()
        if self._is_measured and answered - asked > SLOW_ROUND_TRIP:
            log.info("clock_not_measured", round_trip=round(answered - asked, 3))
            return
        offset = (there - _EPOCH).total_seconds() - (asked + answered) / 2
        log.debug("clock_measured", step=round(offset - self._offset, 6), round_trip=round(answered - asked, 6))
        self._offset, self._is_measured = offset, True

    async def follow(self, read: Callable[[], Awaitable[datetime]], every: timedelta = MEASURED_EVERY) -> None:
        """Measure at intervals, until cancelled. While the database is away, the last offset holds."""
        while True:
            try:
                await self.measure(read)
            except Unavailable as error:
                log.info("clock_not_measured", why=str(error))
            except Exception:
                log.exception("clock_broke")
            await asyncio.sleep(every.total_seconds())
