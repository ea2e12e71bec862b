"""Listening service: sockets, start, drain and stop."""

import asyncio
import gc
import shlex
import socket
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from stillmotion.cli.process import announce, first_of
from stillmotion.composition.service import Service, service
from stillmotion.composition.tracing import traced
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.errors import StillmotionError
from stillmotion.http.edge.keyless import is_loopback
from stillmotion.http.server.path_prefix import prefix_of
from stillmotion.http.server.server import SHUTDOWN_SECONDS, HttpServer, listen, url_of
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.renderer.handle import RendererProcess

COLLECT_AFTER = 20_000
"""Allocations between two collections of cycles. Python's default, 700, is reached by a few open requests."""


class CannotListen(StillmotionError):
    """The address cannot be bound: the message gives the reason and the remedy."""


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    faults: Faults | None,
    spawned: RendererProcess | None,
    environment: Mapping[str, str],
) -> None:
    """Serve until `stop` is set; `spawned` becomes the first renderer. Tracing is as the `environment` asks.

    Raises `StillmotionError`.
    """
    with _listener(settings) as listener, traced(environment) as tracing:
        async with service(settings, url_of(listener), faults, spawned, tracing) as running:
            server = HttpServer(running.app.handler, listener, refusing=running.app.refuse)
            await _announce(settings, server, running)
            _spare_the_collector()
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve())
                await first_of(stop, running.host.dismissed)
                began = time.monotonic()
                # Polls are answered until the end, and submits refused with a sentence rather than a closed door.
                await running.drain(timedelta(seconds=settings.shutdown_grace))
                server.stop(within=max(1, SHUTDOWN_SECONDS - int(time.monotonic() - began)))


def _listener(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no host"
        raise CannotListen(
            f"{settings.host}:{settings.port} cannot be listened on: {why}. "
            "Choose another with --host and --port (0 picks a free port)."
        ) from error


def _spare_the_collector() -> None:
    """Tune the garbage collector: freeze permanent objects and collect less often, as requests leave no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


async def _announce(settings: Settings, server: HttpServer, running: Service) -> None:
    announce(f"Listening on {server.url}  (documentation at {server.url}/docs, data in {settings.place})")
    if settings.open:
        announce(
            "Open: whoever is on this machine needs no key, and acts for one subscription. Not for others to reach."
        )
    elif not running.has_subscriptions:
        if sys.stdout.isatty() and is_loopback(urlsplit(server.url).hostname or ""):
            token = await running.sessions.first_link()
            announce(f"Open {server.url}{quote(prefix_of(settings.public_url))}/#first={token}")
            announce("The link is good once, for ten minutes, in a browser on this machine.")
        else:
            where = "" if is_shared(settings.store) else f" --data-dir {shlex.quote(str(settings.data_dir))}"
            announce(f"There is no key yet. Make one with: stillmotion keys create{where}")
