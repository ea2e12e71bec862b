"""Health: liveness, readiness and metrics."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.http.edge.measures import NO_SERVERS, InstallationMetrics, OtherServer
from stillmotion.http.edge.metrics import Metrics
from stillmotion.http.edge.services import Check
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Reply
from stillmotion.http.server.request import Request

REMEMBERED_SECONDS = 1.0
TROUBLE_REMEMBERED_SECONDS = 0.1
"""Time for which a result is cached, because the checks touch the disk.

A failure is checked again sooner, so that a server that has just started soon counts as ready.
"""

RETRY_SECONDS = 5

_LOG = structlog.get_logger("stillmotion.http")
_ALIVE = Reply(200, b'{"status":"ok"}', [JSON_TYPE, NO_STORE])


async def alive(request: Request) -> Reply:
    """`/healthz`: the process answers."""
    del request
    return _ALIVE


class Readiness:
    """`/readyz`: 200 if all parts work, else 503 with their names. It tells the `servers` in trouble too."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Clock,
        patience: timedelta,
        servers: Mapping[str, OtherServer] = NO_SERVERS,
    ) -> None:
        self._patience = patience.total_seconds()
        self._checks = checks
        self._servers = servers
        self._clock = clock
        self._checking = asyncio.Lock()
        self._known: tuple[float, Reply] | None = None

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        del request
        async with self._checking:
            now = self._clock.monotonic()
            if self._known is None or now >= self._known[0]:
                reply = await self._check()
                kept = REMEMBERED_SECONDS if reply.status == 200 else TROUBLE_REMEMBERED_SECONDS
                self._known = (now + kept, reply)
            return self._known[1]

    async def _check(self) -> Reply:
        found = await asyncio.gather(*(self._trouble(name, check) for name, check in self._checks.items()))
        missing = {name: trouble for name, trouble in zip(self._checks, found, strict=True) if trouble is not None}
        if not missing:
            troubles = {name: each.trouble for name, each in self._servers.items() if each.trouble is not None}
            ready = {"status": "ready", **({"in_trouble": troubles} if troubles else {})}
            return Reply(200, msgspec.json.encode(ready), [JSON_TYPE, NO_STORE])
        body = msgspec.json.encode({"status": "not ready", "missing": missing})
        return Reply(503, body, [JSON_TYPE, NO_STORE, ("Retry-After", str(RETRY_SECONDS))])

    async def _trouble(self, name: str, check: Check) -> str | None:
        """The reason why a part does not work; None if it works."""
        try:
            async with asyncio.timeout(self._patience):
                await check()
        except Unavailable as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {self._patience:g} seconds"
        except Exception:
            _LOG.exception("readiness_check_failed", part=name)
            return "the check itself failed: see the log"
        return None


class MetricsPage:
    """`/metrics`, for Prometheus."""

    def __init__(self, metrics: Metrics, installation: InstallationMetrics) -> None:
        self._metrics = metrics
        self._installation = installation

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        del request
        await self._installation.look()
        return Reply(200, self._metrics.render(), [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4), NO_STORE])
