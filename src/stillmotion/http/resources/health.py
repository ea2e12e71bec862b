"""Health: liveness, readiness and metrics."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from stillmotion.application.ports.values import Clock
from stillmotion.http.edge.measures import NO_SERVERS, InstallationMetrics, OtherServer
from stillmotion.http.edge.metrics import Metrics
from stillmotion.http.edge.parts import Check, WatchedParts, troubles
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Reply
from stillmotion.http.server.request import Request

REMEMBERED_SECONDS = 1.0
TROUBLE_REMEMBERED_SECONDS = 0.1
"""Time for which a result is cached, because the checks touch the disk.

A failure is checked again sooner, so that a server that has just started soon counts as ready.
"""

RETRY_SECONDS = 5

_ALIVE = Reply(200, b'{"status":"ok"}', [JSON_TYPE, NO_STORE])


async def alive(request: Request) -> Reply:
    """`/healthz`: the process answers."""
    del request
    return _ALIVE


class Readiness:
    """`/readyz`: 200 if all needed parts work, else 503 with their names. It tells other troubles too.

    These are the troubles of the `watched` parts, and of the `servers`.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Clock,
        patience: timedelta,
        servers: Mapping[str, OtherServer] = NO_SERVERS,
        watched: WatchedParts | None = None,
    ) -> None:
        self._patience = patience
        self._checks = checks
        self._servers = servers
        self._watched = watched or WatchedParts()
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
        missing = await troubles(self._checks, self._patience)
        if not missing:
            others = {name: each.trouble for name, each in self._servers.items() if each.trouble is not None}
            told = {**self._watched.troubles, **others}
            ready = {"status": "ready", **({"in_trouble": told} if told else {})}
            return Reply(200, msgspec.json.encode(ready), [JSON_TYPE, NO_STORE])
        body = msgspec.json.encode({"status": "not ready", "missing": missing})
        return Reply(503, body, [JSON_TYPE, NO_STORE, ("Retry-After", str(RETRY_SECONDS))])


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
