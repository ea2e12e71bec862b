"""What the HTTP edge is given to work with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from prometheus_client import CollectorRegistry

from stillmotion.application.access import Access, ReadLimits
from stillmotion.application.administration import AdminAccess
from stillmotion.application.callbacks import DeliveryLog
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.generations import Generations
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.signals import Changes
from stillmotion.application.ports.values import Clock
from stillmotion.application.uploads import Uploads
from stillmotion.http.edge.keyless import Keyless

Check = Callable[[], Awaitable[None]]
"""Returns when a part of the service works; raises `Unavailable` with a sentence that says what is missing."""


@dataclass(frozen=True, slots=True)
class EdgeTiming:
    """Intervals of the HTTP edge.

    An event stream with nothing to tell for `heartbeat` sends a comment, as a sign of life. It looks at the row after
    `look` without news: a worker in a process of its own tells nobody here. A part of the service that does not answer
    a readiness check within `check` does not work.
    """

    heartbeat: timedelta = timedelta(seconds=15)
    look: timedelta = timedelta(seconds=2)
    check: timedelta = timedelta(seconds=2)


EDGE_TIMING = EdgeTiming()


@dataclass(slots=True)
class Draining:
    """The state of a server that is about to stop: once it `has_begun`, submits are refused, the rest is answered."""

    has_begun: bool = False


class OtherServer(Protocol):
    """What is known of a server that makes clips for this one."""

    @property
    def trouble(self) -> str | None:
        """Why it is left alone just now, None where it works."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and the few ports that the edge itself needs.

    `run_id` is a short text of `[A-Za-z0-9_-]` that no other run has: request ids begin with it. `public_url` is
    the base of the links given out (no trailing slash needed), empty to answer with the address each caller used.
    `admin` is None where there is no administration over HTTP.
    `readiness` holds a check for each part by the name that `/readyz` shows; `servers` the other servers that make
    clips for this one, by name. Metrics are registered in `registry`, which must be a fresh one for each application.
    `return_memory` gives freed memory back to the system; it may take milliseconds. Pages of `cors_origins` may call
    the API; `keyless` lends a key to callers of this machine who have none; with `access_log` each request is a line in
    the log.
    """

    access: Access
    generations: Generations
    delivery_log: DeliveryLog
    uploads: Uploads
    changes: Changes
    asset_urls: AssetUrls
    objects: ObjectStore
    clock: Clock
    run_id: str
    read_limits: ReadLimits = field(default_factory=ReadLimits)
    admin: AdminAccess | None = None
    readiness: Mapping[str, Check] = field(default_factory=dict)
    servers: Mapping[str, OtherServer] = field(default_factory=dict)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    public_url: str = ""
    version: str = "0"
    draining: Draining = field(default_factory=Draining)
    return_memory: Callable[[], None] = lambda: None
    cors_origins: Sequence[str] = ()
    keyless: Keyless | None = None
    access_log: bool = False
    timing: EdgeTiming = EDGE_TIMING
