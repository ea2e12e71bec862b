"""Services: the use cases and ports that the HTTP edge works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import CollectorRegistry

from stillmotion.application.access import Access, ReadLimits
from stillmotion.application.administration import AdminAccess
from stillmotion.application.callbacks.delivery import DeliveryLog
from stillmotion.application.callbacks.trials import CallbackTrials
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.generations import Generations
from stillmotion.application.history.failures import Failures
from stillmotion.application.history.links import Links
from stillmotion.application.history.lists import Lists
from stillmotion.application.models.prospects import Prospects
from stillmotion.application.ports.notifications import Changes
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.record import UsageLedger
from stillmotion.application.ports.tracing import NO_TRACING, Tracing
from stillmotion.application.ports.values import Clock
from stillmotion.application.preview_watch import PreviewWatch
from stillmotion.application.sessions import Sessions
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.application.uploads import Uploads
from stillmotion.domain.models.reading import ReadWords, unread
from stillmotion.domain.models.states import ReadStates, all_ready
from stillmotion.http.edge.keyless import Keyless
from stillmotion.http.edge.measures import Measures, OtherServer
from stillmotion.http.edge.parts import PATIENCE, Check, WatchedParts
from stillmotion.http.edge.request_ring import RequestRing


@dataclass(frozen=True, slots=True)
class EdgeTiming:
    """Intervals of the HTTP edge.

    An event stream with nothing to tell for `heartbeat` sends a comment, as a sign of life. It looks at the row after
    `look` without news: a worker in a process of its own tells nobody here. A part of the service that does not answer
    a readiness check within `check` does not work.
    """

    heartbeat: timedelta = timedelta(seconds=15)
    look: timedelta = timedelta(seconds=2)
    check: timedelta = PATIENCE


EDGE_TIMING = EdgeTiming()


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting as administrators see it: a secret's value is `set`, or None where it is not set."""

    name: str
    value: object
    source: str
    is_secret: bool


@dataclass(slots=True)
class Draining:
    """Shutdown state of a server. Once it `has_begun`, submits are refused and all else is answered."""

    has_begun: bool = False


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and the few ports that the edge calls itself.

    `run_id` is a short text of `[A-Za-z0-9_-]`, unique to this run; request ids begin with it. `public_url` is the base
    of all links, empty for the address that each caller used. `admin` is None if there is no administration over HTTP.
    `readiness` holds a check for each part by the name that `/readyz` shows, `servers` the other servers by name. The
    service can do without the `watched` parts for a while.
    Metrics are registered in `registry`, a fresh one for each application. `return_memory` gives freed memory back to
    the system, which may take milliseconds. Pages of `cors_origins` may call the API. Requests
    come through `trusted_proxies` proxies, whose last addresses of X-Forwarded-For are believed. `keyless` lends a key
    to callers of this machine who have none. With `access_log` each request is a line in the log. `read_words` reads
    prompts as engines do, and `model_states` tells which models are ready. `recent` holds the last requests. `settings`
    are shown to administrators.
    """

    access: Access
    generations: Generations
    lists: Lists
    failures: Failures
    links: Links
    delivery_log: DeliveryLog
    callback_trials: CallbackTrials
    previews: PreviewWatch
    uploads: Uploads
    sessions: Sessions
    subscriptions: Subscriptions
    ledger: UsageLedger
    changes: Changes
    asset_urls: AssetUrls
    objects: ObjectStore
    clock: Clock
    run_id: str
    measures: Measures
    read_limits: ReadLimits = field(default_factory=ReadLimits)
    admin: AdminAccess | None = None
    readiness: Mapping[str, Check] = field(default_factory=dict)
    watched: WatchedParts = field(default_factory=WatchedParts)
    servers: Mapping[str, OtherServer] = field(default_factory=dict)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    public_url: str = ""
    version: str = "0"
    draining: Draining = field(default_factory=Draining)
    return_memory: Callable[[], None] = lambda: None
    cors_origins: Sequence[str] = ()
    trusted_proxies: int = 0
    keyless: Keyless | None = None
    access_log: bool = False
    read_words: ReadWords = unread
    model_states: ReadStates = all_ready
    recent: RequestRing = field(default_factory=RequestRing)
    settings: Sequence[SettingView] = ()
    timing: EdgeTiming = EDGE_TIMING
    tracing: Tracing = NO_TRACING

    @property
    def prospects(self) -> Prospects:
        """The use case of plans."""
        return Prospects(self.generations.acceptance, self.access.store, self.clock, self.read_words)
