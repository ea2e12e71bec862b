"""Checks of the parts that the service is made of."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import structlog

from stillmotion.domain.errors import Unavailable

Check = Callable[[], Awaitable[None]]
"""A readiness check of one part. Raises `Unavailable` with a sentence that names the missing thing."""

PATIENCE: Final = timedelta(seconds=2)
"""Time after which a part that has not answered does not work."""

WATCHED_EVERY: Final = timedelta(seconds=30)
TROUBLED_EVERY: Final = timedelta(seconds=5)
"""Intervals of looks at the parts that can be done without: each look writes to the storage."""

_NO_CHECKS: Final[Mapping[str, Check]] = MappingProxyType({})
_LOG = structlog.get_logger("stillmotion.http")


async def troubles(checks: Mapping[str, Check], patience: timedelta) -> Mapping[str, str]:
    """The reasons why parts do not work, by part; nothing of those that work."""
    found = await asyncio.gather(*(_trouble(name, check, patience.total_seconds()) for name, check in checks.items()))
    return {name: trouble for name, trouble in zip(checks, found, strict=True) if trouble is not None}


async def _trouble(name: str, check: Check, patience: float) -> str | None:
    try:
        async with asyncio.timeout(patience):
            await check()
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {patience:g} seconds"
    except Exception:
        _LOG.exception("readiness_check_failed", part=name)
        return "the check itself failed: see the log"
    return None


class WatchedParts:
    """Parts that the service can do without for a while, and their troubles as of the last look.

    A slow part holds up no readiness check, which a balancer may wait a second for.
    """

    def __init__(self, checks: Mapping[str, Check] = _NO_CHECKS, patience: timedelta = PATIENCE) -> None:
        self.checks = checks
        self.troubles: Mapping[str, str] = {}
        self._patience = patience

    async def run(self) -> None:
        """Look at all parts now and then, until cancelled."""
        while True:
            self.troubles = await troubles(self.checks, self._patience)
            await asyncio.sleep((TROUBLED_EVERY if self.troubles else WATCHED_EVERY).total_seconds())
