"""The whole edge on a real server: on loopback, in a thread, over a store. Nothing is rendered."""

import asyncio
import hashlib
import http.client
import itertools
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop

from stillmotion.adapters.callbacks import sign, why_not_genuine
from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.notifications import InProcessChanges, InProcessSignal
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.access import Access, ReadLimits
from stillmotion.application.administration import AdminAccess, Administration
from stillmotion.application.callbacks.delivery import DeliveryLog
from stillmotion.application.callbacks.trials import CallbackTrials
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.generations import Generations
from stillmotion.application.history.failures import Failures
from stillmotion.application.history.links import Links
from stillmotion.application.history.lists import Lists
from stillmotion.application.models.supervision import ModelReadings, ModelSupervision
from stillmotion.application.operators.action_log import ActionLog
from stillmotion.application.operators.oversight import Oversight
from stillmotion.application.operators.queue_administration import QueueAdministration
from stillmotion.application.operators.service_status import HealthCheck, ServiceStatus, Space
from stillmotion.application.operators.worker_registry import WorkerRegistry
from stillmotion.application.ports.metrics import Buckets
from stillmotion.application.ports.models import WeightsFound
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.application.ports.values import any_codec
from stillmotion.application.preview_watch import PreviewWatch
from stillmotion.application.products import Products
from stillmotion.application.sessions import Sessions
from stillmotion.application.subscriptions import Issued, Subscriptions
from stillmotion.application.uploads import Uploads
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.callbacks import CallbackResponse
from stillmotion.domain.catalogue import Catalogue, Dialect, EngineKind, Entry, Server
from stillmotion.http.app import SURFACES, build_app
from stillmotion.http.edge.measures import DiskSpace, Measures
from stillmotion.http.edge.services import Services
from stillmotion.http.server.request import DEADLINES
from stillmotion.http.server.server import HttpServer, listen
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_product

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
POLL = "/lumalabs-ai-polling/v1/getStatus"
PICTURE_URL = "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg"
PEPPER = b"pepper"
SIGNING_KEY = b"signing key"
ADMIN_KEY = "operator-" * 5
GENEROUS = {"submits_per_minute": 100_000, "reads_per_minute": 1_000_000, "concurrent_generations": 100_000}


@dataclass
class Answered:
    """A received answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@dataclass
class Edge:
    """A running server, with its store, objects and clock."""

    store: Any
    objects: LocalObjects
    clock: ManualClock
    services: Services
    server: HttpServer
    loop: asyncio.AbstractEventLoop
    database: Path
    _names: Any = field(default_factory=itertools.count)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """The answer to one request on a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            content = response.read()
            return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
        finally:
            connection.close()

    @property
    def subscriptions(self) -> Subscriptions:
        return administration_of(self.store, self.clock).subscriptions

    def caller(self, **product: Any) -> "Caller":
        """A caller with a subscription to a product of its own."""
        kept = a_product(**GENEROUS | {"name": f"product {next(self._names)}"} | product)
        self.run(self.store.add_product(kept))
        return Caller(self, self.run(self.subscriptions.issue(kept.name, "somebody")))


@dataclass
class Caller:
    """A caller of the edge, with both keys of a subscription."""

    edge: Edge
    issued: Issued

    def post(self, path: str, body: Any, **headers: str) -> Answered:
        content = body if isinstance(body, bytes) else json.dumps(body)
        given = {"Ocp-Apim-Subscription-Key": self.issued.primary, "Content-Type": "application/json"}
        return self.edge.ask("POST", path, content, given | {name.replace("_", "-"): headers[name] for name in headers})

    def submit(self, body: Any = None, **headers: str) -> Answered:
        return self.post(
            SUBMIT, body if body is not None else {"prompt": "leaning girl", "url": PICTURE_URL}, **headers
        )

    def poll(self, task_id: Any, **headers: str) -> Answered:
        return self.post(POLL, {"task_id": task_id}, **headers)

    def change(self, task_id: str, change: Any) -> Any:
        """Change a stored generation."""
        return self.edge.run(self.edge.store.change(task_id, change))

    def complete(self, task_id: str, video: bytes = b"video" * 1000, thumbnail: bytes = b"thumbnail") -> Assets:
        """Finish a generation with these files."""
        edge, until = self.edge, self.edge.clock.now() + timedelta(seconds=15)
        assets = Assets(
            Asset(AssetKind.VIDEO, f"generations/{task_id}/{new_token()}.mp4", len(video), digest(video)),
            Asset(AssetKind.THUMBNAIL, f"generations/{task_id}/{new_token()}.jpg", len(thumbnail), digest(thumbnail)),
        )
        edge.run(edge.objects.put(assets.video.key, video))
        edge.run(edge.objects.put(assets.thumbnail.key, thumbnail))
        self.change(task_id, lambda generation: generation.claimed(until))
        self.change(task_id, lambda generation: generation.completed(generation.lease, assets, "{}", edge.clock.now()))
        return assets


def digest(content: bytes) -> str:
    """The digest of a file, as stored in a row."""
    return hashlib.sha256(content).hexdigest()


async def no_checks() -> list[HealthCheck]:
    """The checks of a machine that is not looked at."""
    return []


def administration_of(store: Any, clock: ManualClock, objects: Any = None) -> Administration:
    """The operator's use cases over a store."""
    queue = QueueAdministration(store, models(), InProcessSignal(), clock)
    return Administration(
        Products(store, new_uuid7, frozenset(surface.name for surface in SURFACES), models(), a_product()),
        Subscriptions(store, clock, new_uuid7, new_token, new_callback_secret, PEPPER),
        queue,
        ActionLog(store, clock, new_uuid7),
        Oversight(store, objects, InProcessSignal(), clock),
        WorkerRegistry(store, clock),
        ModelSupervision(ModelReadings(store, models(), clock), InProcessSignal(), no_weights, lambda *_: None),
        ServiceStatus(store, queue, clock, no_checks, lambda: Space(free=70, total=100)),
        store,
    )


async def no_weights(_: Entry) -> WeightsFound:
    """The weights of an installation without any."""
    return WeightsFound(pullable=True, trouble="its weights are not here")


def models() -> Catalogue:
    """The models of the edge: the embedded engine, and a remote server with the same abilities."""
    parallax = read_catalogue().entries["parallax"]
    server = Server(Dialect.DREAM_MACHINE, "http://127.0.0.1:9")
    elsewhere = replace(parallax, name="elsewhere", engine=EngineKind.FORWARD, server=server)
    entries = {"parallax": parallax, "elsewhere": elsewhere}
    here = dict.fromkeys(("ray-1-6", "sora-2", "sora-2-pro"), ("parallax",))
    return Catalogue(entries, {**here, "ray-2": ("elsewhere",)})


class Receivers:
    """A `CallbackSender` whose receivers answer as their host says: `gone.example.com` is not there."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> CallbackResponse:
        if "gone.example.com" in url:
            raise CallbackUndeliverable("callback_dns_failed: the host name is not known")
        return CallbackResponse(503 if "busy.example.com" in url else 204)


async def one_worker():
    """The states of the workers: there is one, and it is ready."""
    return {"ready": 1, "not_ready": 0}


def services_over(store: Any, objects: Any, clock: ManualClock, **parts: Any) -> Services:
    """The services of the edge, with a guard that allows only public addresses.

    `parts` replaces services. Its part `catalogue` replaces the models, and `can_encode` what can be compressed.
    """
    guard = UrlGuard(AddressPolicy((), ()))
    offered = parts.pop("catalogue", None) or models()
    uploads = Uploads(store, objects, clock, new_uuid7, new_token)
    can_encode = parts.pop("can_encode", any_codec)
    values = clock, new_uuid7, new_token, offered, uploads
    generations = Generations(store, objects, InProcessSignal(), guard, *values, can_encode=can_encode)
    access = parts.get("access") or Access(store, clock, PEPPER)
    admin = AdminAccess(administration_of(store, clock, objects), clock, parts.pop("admin_key", ADMIN_KEY))
    services = Services(
        access=access,
        sessions=Sessions(store, access, admin, clock, new_token),
        subscriptions=admin.administration.subscriptions,
        ledger=store,
        read_limits=ReadLimits(),
        generations=generations,
        lists=Lists(store),
        failures=Failures(store, generations),
        links=Links(store, store, clock, new_uuid7, SIGNING_KEY),
        delivery_log=DeliveryLog(store, store, InProcessSignal(), clock),
        callback_trials=CallbackTrials(Receivers(), sign, why_not_genuine, guard, clock, new_token),
        uploads=uploads,
        previews=PreviewWatch(store, clock, is_needed=True),
        changes=InProcessChanges(),
        asset_urls=AssetUrls(objects, clock, SIGNING_KEY),
        objects=objects,
        clock=clock,
        admin=admin,
        run_id="test",
        measures=Measures(store, Buckets((0.001,)), one_worker, lambda: DiskSpace(30, 100)),
        version="1.2.3",
    )
    return replace(services, **parts)


@contextmanager
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Edge]]:
    """Starter of edges over a store of the given kind, with replaced services. All of them end with the context."""

    def starting(kind: str = "memory", **parts: Any) -> Edge:
        folder = tmp_path_factory.mktemp("edge")
        database = folder / "stillmotion.db"
        clock = ManualClock()
        changes = InProcessChanges()
        in_memory = kind == "memory"
        store = MemoryStore(clock, changes.tell) if in_memory else open_store(database, clock, changes.tell)
        objects = parts.pop("objects", None) or LocalObjects(folder / "objects")
        deadlines = parts.pop("deadlines", DEADLINES)
        services = services_over(store, objects, clock, **{"changes": changes} | parts)
        loop = uvloop.new_event_loop()
        app, listener = build_app(services), listen("127.0.0.1", 0)
        server = HttpServer(app.handler, listener, shutdown_seconds=1, deadlines=deadlines, refusing=app.refuse)
        thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), daemon=True)
        thread.start()
        edge = Edge(store, objects, clock, services, server, loop, database)
        started.append((edge, thread))
        return edge

    started: list[tuple[Edge, threading.Thread]] = []
    yield starting
    for edge, thread in started:
        edge.loop.call_soon_threadsafe(edge.services.changes.end)
        edge.server.stop()
        thread.join(20)
        edge.loop.close()
        edge.store.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starter of edges that end with the module: each holds up to 14 file descriptors."""
    with starter(tmp_path_factory) as starting:
        yield starting


@pytest.fixture(scope="session")
def start_shared(tmp_path_factory):
    """Starter of edges that tests of every module share."""
    with starter(tmp_path_factory) as starting:
        yield starting


@pytest.fixture(scope="session")
def edge(start_shared):
    """A server that tests share. Each test makes callers of its own."""
    return start_shared()


@pytest.fixture(scope="session", params=["memory", "sqlite"])
def any_edge(request, start_shared):
    """A shared server over each kind of store."""
    return start_shared(request.param)


@pytest.fixture
def caller(edge):
    return edge.caller()
