"""Adapters meet ports: the whole service on one page."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.catalogue import read_catalogue
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.data_directory import open_data_directory
from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.connections import Connections
from stillmotion.adapters.fetch.images import HttpImages
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.queue_signal import InProcessSignal
from stillmotion.adapters.store.sqlite import SqliteStore, open_store
from stillmotion.application.access import Access, ReadLimits
from stillmotion.application.administration import AdminAccess, Administration
from stillmotion.application.assets import AssetUrls
from stillmotion.application.callbacks import Callbacks
from stillmotion.application.generations import Generations
from stillmotion.application.ports import Clock, ObjectStore
from stillmotion.application.products import Products
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.application.work import LEASE, Work
from stillmotion.config import Settings, SettingsError
from stillmotion.domain.catalogue import Catalogue, CatalogueError, EngineKind, Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.planning import successor
from stillmotion.domain.rendering import VideoCodec
from stillmotion.domain.subscriptions import Product
from stillmotion.http.app import SURFACES, build_app, dialects
from stillmotion.http.asgi import App
from stillmotion.http.services import Services
from stillmotion.worker.attempt import Workshop
from stillmotion.worker.darkroom import Darkroom
from stillmotion.worker.deliverer import Deliverer
from stillmotion.worker.forwarding import Forwarder
from stillmotion.worker.host import NewRenderer, WorkerHost
from stillmotion.worker.renderer_process import RENDERER_COMMAND, RendererProcess

_KEYS, _LINKS = b"subscription keys", b"asset links"
"""What each secret that we derive from the data directory's is for."""

_ENGINES = frozenset({EngineKind.PARALLAX, EngineKind.FORWARD})
"""What this version can make clips with."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is started: `app` answers, and `drain` ends the rendering before the store closes."""

    app: App
    host: WorkerHost
    has_subscriptions: bool

    async def drain(self, grace: timedelta) -> None:
        """Claim nothing more; let a running render end within `grace`, or hand it back."""
        await self.host.drain(grace)


@asynccontextmanager
async def service(settings: Settings, address: str) -> AsyncIterator[Service]:
    """The whole service over one data directory, from its lock to its workers; stopped on the way out.

    `address` is the base of links in callbacks where no `public_url` is set. Raises `StillmotionError` where the
    directory, the database or the storage cannot be used.
    """
    directory = open_data_directory(settings.data_dir)
    with directory.lock(), _opened(settings) as store:
        clock, signal, announcements = SystemClock(), InProcessSignal(), InProcessSignal()
        objects = _objects(settings)
        connections = _connections(settings)
        models = _offer(settings)
        work = Work(store, objects, clock, new_token)
        workshop = Workshop(
            work,
            HttpImages(connections),
            objects,
            signal,
            announcements,
            clock,
            directory.scratch,
            video_codec(settings),
        )
        others = forwarders(models, renderers(settings)) if settings.renderers else []
        host = await _host(workshop, settings, others)
        asset_urls = AssetUrls(objects, clock, _derived(directory.secret(), _LINKS))
        generations = Generations(store, objects, signal, connections.guard, clock, new_uuid7, new_token, models)
        services = Services(
            access=Access(store, clock, _derived(directory.secret(), _KEYS)),
            read_limits=ReadLimits(clock),
            generations=generations,
            asset_urls=asset_urls,
            objects=objects,
            clock=clock,
            admin=_admin_access(settings, store, clock),
            run_id=secrets.token_hex(4),
            readiness={
                "store": store.check,
                "storage": objects.check,
                "worker": partial(_check_worker, host),
                "servers": partial(_check_servers, models, others),
            },
            servers={each.entry.name: each for each in others},
            public_url=settings.public_url,
            version=version("stillmotion"),
        )
        bodies = dialects(asset_urls, settings.public_url or address)
        callbacks = Callbacks(store, GuardedCallbackSender(connections), bodies, sign, clock)
        # Nobody else can hold this store, so whatever it calls rendering was cut off with the last server.
        await work.reclaim(ending_within=LEASE)
        deliverer = Deliverer(callbacks, announcements)
        async with _running(host, deliverer):
            yield Service(build_app(services), host, has_subscriptions=bool(await store.subscriptions()))


@asynccontextmanager
async def _running(host: WorkerHost, deliverer: Deliverer) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(host.run()), asyncio.create_task(deliverer.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _host(workshop: Workshop, settings: Settings, others: Sequence[Forwarder]) -> WorkerHost:
    """The lanes. Raises `RendererUnfit` where a setting of the renderers' engines is wrong."""
    new_renderer = renderers(settings)
    if settings.depth_model and settings.renderers:
        await _try_out(new_renderer())
    return WorkerHost(workshop, new_renderer, settings.renderers, others)


async def _check_worker(host: WorkerHost) -> None:
    if not host.alive:
        raise Unavailable("no renderer is running")


async def _check_servers(models: Catalogue, others: Sequence[Forwarder]) -> None:
    """Raise `Unavailable` for a model that nobody can make just now."""
    troubles = {each.entry.name: each.trouble for each in others if each.trouble is not None}
    for model in models.models:
        names = [entry.name for entry in models.route(model)]
        if troubles.keys() >= set(names):
            raise Unavailable(f"nobody makes {model} just now: {'; '.join(str(troubles[name]) for name in names)}")


@contextmanager
def administration(settings: Settings) -> Iterator[Administration]:
    """The administration of subscriptions over a data directory, whether a server has it open or not."""
    with _opened(settings) as store:
        yield _administration(settings, store, SystemClock())


def _administration(settings: Settings, store: SqliteStore, clock: Clock) -> Administration:
    pepper = _derived(open_data_directory(settings.data_dir).secret(), _KEYS)
    surfaces = frozenset(surface.name for surface in SURFACES)
    return Administration(
        Products(store, new_uuid7, surfaces, frozenset(catalogue(settings).models), default_product(settings)),
        Subscriptions(store, clock, new_uuid7, new_token, new_callback_secret, pepper),
    )


def _admin_access(settings: Settings, store: SqliteStore, clock: Clock) -> AdminAccess | None:
    if not settings.admin_key:
        return None
    return AdminAccess(_administration(settings, store, clock), clock, settings.admin_key)


def default_product(settings: Settings) -> Product:
    """What a subscription is made for where no other product is named."""
    return Product(
        id=new_uuid7(),
        name="default",
        submits_per_minute=settings.submits_per_minute,
        concurrent_generations=settings.concurrent_generations,
    )


def catalogue(settings: Settings) -> Catalogue:
    """The models, and what each wire name stands for. Raises `CatalogueError`."""
    file = Path(settings.catalogue).expanduser() if settings.catalogue else None
    return read_catalogue(file, settings.models)


def image_source(settings: Settings) -> HttpImages:
    """Fetches pictures as the service would."""
    return HttpImages(_connections(settings))


def renderers(settings: Settings) -> NewRenderer:
    """Makes renderers that are not started yet, set up as the settings say."""
    options: list[str] = []
    if settings.depth_model:
        file = Path(settings.depth_model).expanduser().resolve()
        options = ["--depth-model", str(file), "--depth-model-gives", settings.depth_model_gives]
    return lambda: RendererProcess((*RENDERER_COMMAND, *options))


def forwarders(models: Catalogue, new_renderer: NewRenderer) -> list[Forwarder]:
    """The other servers that wire names stand for. Raises `CatalogueError` where one's workflow cannot be used."""
    entries = [each for each in models.offered() if each.engine is EngineKind.FORWARD]
    if not entries:
        return []
    from stillmotion.engines.forward.peers import peer_of

    darkroom = Darkroom(new_renderer)
    return [Forwarder(each, peer_of(each), darkroom, partial(successor, models)) for each in entries]


def _offer(settings: Settings) -> Catalogue:
    """The catalogue. Raises `CatalogueError` for an offered model that may not or cannot be made here."""
    models = catalogue(settings)
    models.check_licences(frozenset(settings.accepted_licences))
    for entry in models.offered():
        if entry.engine not in _ENGINES:
            raise CatalogueError(
                f"The model {entry.name} is for the engine {entry.engine}, which this version does not have: "
                "let the wire names stand for others."
            )
    return models


async def model_troubles(settings: Settings) -> dict[str, str | None]:
    """For each model that a wire name stands for, why it cannot be made; None where it can. Raises `CatalogueError`."""
    models = catalogue(settings)
    return {entry.name: await _trouble_of(entry, frozenset(settings.accepted_licences)) for entry in models.offered()}


async def _trouble_of(entry: Entry, accepted: frozenset[str]) -> str | None:
    if entry.must_be_accepted and entry.licence not in accepted:
        return f"its licence {entry.licence} is not accepted: see the setting accepted_licences"
    if entry.engine not in _ENGINES:
        return f"this version has no engine called {entry.engine}"
    if entry.server is None:
        return None
    from stillmotion.engines.forward.peers import peer_of

    try:
        peer = peer_of(entry)
        try:
            await peer.check()
        finally:
            await peer.close()
    except (CatalogueError, Unavailable) as error:
        return str(error)
    return None


async def _try_out(renderer: RendererProcess) -> None:
    """Start a renderer and let it go. Raises `RendererUnfit` where a setting of its engines is wrong."""
    try:
        await renderer.start()
    finally:
        await renderer.stop()


def video_codec(settings: Settings) -> VideoCodec:
    """How clips are compressed. Raises `SettingsError` where this installation cannot do what is set."""
    codec = VideoCodec(settings.video_codec)
    if codec is not VideoCodec.H264:
        # PyAV is large: the server loads it only to ask for what may be missing.
        from stillmotion.media.encode import can_encode

        if not can_encode(codec):
            raise SettingsError(f"video_codec is {codec}, but the installed PyAV has no encoder for it: set h264.")
    return codec


@contextmanager
def _opened(settings: Settings) -> Iterator[SqliteStore]:
    store = open_store(open_data_directory(settings.data_dir).database)
    try:
        yield store
    finally:
        store.close()


def _objects(settings: Settings) -> ObjectStore:
    return open_objects(settings.storage, open_data_directory(settings.data_dir).objects, settings.storage_options)


def _connections(settings: Settings) -> Connections:
    try:
        policy = AddressPolicy(parse_networks(settings.fetch_allow_cidrs), parse_networks(settings.fetch_deny_cidrs))
    except ValueError as error:
        raise SettingsError(
            f"fetch_allow_cidrs or fetch_deny_cidrs: {error}. Write networks like 10.0.0.0/8 or ::1/128."
        ) from error
    return Connections(UrlGuard(policy, frozenset(settings.fetch_allowed_ports) or None))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, "sha256")
