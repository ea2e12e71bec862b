"""Adapters meet ports: the whole service on one page."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.backup import Manifest, write_backup
from stillmotion.adapters.directory.data_directory import DataDirectory, data_directory
from stillmotion.adapters.directory.worker_places import WorkerPlace
from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.images import HttpImages
from stillmotion.adapters.fetch.resolver import NameServers, parse_name_servers
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.fetch.videos import HttpVideos
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.models.weights import folder_of, trouble_with
from stillmotion.adapters.signals import InProcessChanges, InProcessSignal
from stillmotion.adapters.store.sqlite import SqliteStore
from stillmotion.application.access import Access, ReadLimits
from stillmotion.application.administration import AdminAccess, Administration
from stillmotion.application.callbacks import Callbacks, DeliveryLog
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.generations import Generations
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.signals import Changes, QueueSignal
from stillmotion.application.ports.store import Dialects
from stillmotion.application.ports.values import Clock
from stillmotion.application.products import Products
from stillmotion.application.retention import Retention
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.application.uploads import Uploads
from stillmotion.application.work import Work
from stillmotion.config import Settings, SettingsError
from stillmotion.domain.catalogue import Catalogue, CatalogueError, EngineKind, Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.planning import successor
from stillmotion.domain.rendering import VideoCodec
from stillmotion.domain.subscriptions import Product
from stillmotion.first_look import refuse_absent_devices, tell_absent_devices, tell_troubles
from stillmotion.http.app import SURFACES, build_app, dialects
from stillmotion.http.edge.keyless import opened as opened_to_all
from stillmotion.http.edge.services import Check, Services
from stillmotion.http.server.replies import Handler
from stillmotion.media.input.heif import reads_heic
from stillmotion.opening import KEYS, LINKS, Missing, derived, directory_of, open_storage, opened
from stillmotion.outputs import Output
from stillmotion.worker.attempt import AttemptContext
from stillmotion.worker.background.callbacks import Deliverer
from stillmotion.worker.background.displacement import DisplacedWatch
from stillmotion.worker.background.sweeps import Sweeper, UploadSweeper
from stillmotion.worker.devices import Device, devices_for
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.host import NewRenderer, WorkerHost
from stillmotion.worker.inputs.slow_pictures import slow_decoder
from stillmotion.worker.makers.preparation import Darkroom
from stillmotion.worker.makers.remote import Forwarder
from stillmotion.worker.offer import check_offer
from stillmotion.worker.renderer.process import RENDERER_COMMAND, RendererProcess, common_options, try_out
from stillmotion.worker.renderer.signals import return_memory

ABLE_EVERY = timedelta(seconds=0.25)
"""How often a worker looks whether it can make clips, to say so where a server's readiness is made of it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is started: `app` answers, and `drain` ends the rendering before the store closes."""

    app: Handler
    host: WorkerHost
    changes: Changes
    has_subscriptions: bool

    async def drain(self, grace: timedelta) -> None:
        """End the streams and claim nothing more; let a running render end within `grace`, or hand it back."""
        self.changes.end()
        await self.host.drain(grace)


@asynccontextmanager
async def service(
    settings: Settings, address: str, faults: Faults | None = None, spawned: RendererProcess | None = None
) -> AsyncIterator[Service]:
    """The whole service over one data directory, from its lock to its workers; stopped on the way out.

    `address` is the base of links in callbacks where no `public_url` is set; `faults` are for tests; `spawned` is a
    renderer that loads already. Raises `StillmotionError` where the directory, database or storage cannot be used.
    """
    directory = directory_of(settings, Missing.MAKE)
    fault: Fault = faults or no_fault
    changes = InProcessChanges()
    with directory.lock(), opened(settings, Missing.MAKE, changes.tell, fault) as store:
        clock, signal, announcements = SystemClock(), InProcessSignal(), InProcessSignal()
        objects = open_storage(settings, fault)
        connections = _connections(settings)
        models = _offer(settings)
        work = Work(store, objects, clock, new_token, fault)
        workshop = _workshop(settings, work, connections, (signal, announcements), directory.scratch, fault)
        host, others = await _host(settings, workshop, models, faults, spawned)
        asset_urls = AssetUrls(objects, clock, derived(directory, LINKS))
        uploads = Uploads(store, objects, clock, new_uuid7, new_token, reads_heic=reads_heic())
        services = Services(
            access=Access(store, clock, derived(directory, KEYS)),
            read_limits=ReadLimits(),
            generations=Generations(
                store, objects, signal, connections.guard, clock, new_uuid7, new_token, models, uploads, fault
            ),
            uploads=uploads,
            delivery_log=DeliveryLog(store, store, announcements, clock),
            changes=changes,
            asset_urls=asset_urls,
            objects=objects,
            clock=clock,
            readiness=_checks(store, objects, host, directory, models, others),
            servers={each.entry.name: each for each in others},
            is_closing=lambda: host.stopping,
            run_id=secrets.token_hex(4),
            return_memory=return_memory,
        )
        bodies = dialects(asset_urls, settings.public_url or address)
        callbacks = _callbacks(store, connections, bodies, clock, fault)
        if not directory.workers.any_taken:
            # Whatever the store calls rendering was cut off with the last server.
            await work.reclaim_all()
        parts = (host, Deliverer(callbacks, announcements), *_upkeep(store, objects, clock, uploads))
        async with _running(*(each.run() for each in parts), tell_troubles(settings, objects)):
            edge = build_app(await _as_set(services, settings, store))
            yield Service(edge, host, changes, bool(await store.subscriptions()))


def _workshop(
    settings: Settings,
    work: Work,
    connections: Connections,
    signals: tuple[QueueSignal, QueueSignal],
    scratch: Path,
    fault: Fault,
) -> AttemptContext:
    images, videos, codec = HttpImages(connections, fault=fault), HttpVideos(connections), video_codec(settings)
    return AttemptContext(
        work, images, videos, work.objects, *signals, work.clock, scratch, codec, fault, slow_decoder()
    )


async def _as_set(services: Services, settings: Settings, store: SqliteStore) -> Services:
    """The edge's parts with all that the settings alone decide. Raises `OpenToOthers`."""
    keyless = None
    if settings.open:
        office = _administration(settings, store, services.clock)
        keyless = await opened_to_all(office, settings.host, settings.public_url, settings.cors_origins)
    return replace(
        services,
        admin=_admin_access(settings, store, services.clock),
        public_url=settings.public_url,
        version=version("stillmotion"),
        cors_origins=settings.cors_origins,
        keyless=keyless,
        access_log=settings.access_log == "on",
    )


@asynccontextmanager
async def worker(settings: Settings, faults: Faults | None = None) -> AsyncIterator[WorkerHost]:
    """Renderers alone, over a data directory that a server may hold; stopped on the way out. Raises as `service`."""
    if not settings.renderers:
        raise SettingsError("renderers is 0, so this worker would make nothing: give --renderers 1, or more.")
    directory = directory_of(settings, Missing.REFUSE)
    directory.refuse_unserved()
    fault: Fault = faults or no_fault
    with directory.join() as place, opened(settings, Missing.REFUSE, fault=fault) as store:
        work = Work(store, open_storage(settings, fault), SystemClock(), new_token, fault)
        # The server looks by itself, every second, for what has become due: its own signals do not reach this far.
        signals = InProcessSignal(), InProcessSignal()
        workshop = _workshop(settings, work, _connections(settings), signals, place.scratch, fault)
        host, _ = await _host(settings, workshop, _offer(settings), faults, None)
        watch = DisplacedWatch(lambda: store.displaced).run()
        async with _running(host.run(), watch, _tell_able(host, place), tell_absent_devices(settings)):
            yield host


async def _tell_able(host: WorkerHost, place: WorkerPlace) -> None:
    """Say for as long as the worker runs whether it can make clips: a server counts who can, not who is there."""
    told = False
    while True:
        if host.alive is not told:
            told = host.alive
            place.tell(able=told)
        await asyncio.sleep(ABLE_EVERY.total_seconds())


async def _host(
    settings: Settings,
    workshop: AttemptContext,
    models: Catalogue,
    faults: Faults | None,
    spawned: RendererProcess | None,
) -> tuple[WorkerHost, list[Forwarder]]:
    """What makes the clips, as many at once as the settings say, and the other servers that it asks."""
    new_renderer = await _fit_renderers(settings, faults)
    others = forwarders(models, new_renderer) if settings.renderers else []
    machines = devices(settings, models, faults)
    return WorkerHost(workshop, _after(spawned, new_renderer), settings.renderers, others, machines), others


def _after(spawned: RendererProcess | None, new_renderer: NewRenderer) -> NewRenderer:
    first = iter(() if spawned is None else (spawned,))
    return lambda: next(first, None) or new_renderer()


def _upkeep(
    store: SqliteStore, objects: ObjectStore, clock: Clock, uploads: Uploads
) -> tuple[Sweeper, UploadSweeper, DisplacedWatch]:
    sweeper = Sweeper(Retention(store, objects, clock))
    return sweeper, UploadSweeper(uploads), DisplacedWatch(lambda: store.displaced)


@asynccontextmanager
async def _running(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    # This process has little else to do while its renderers start.
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _checks(
    store: SqliteStore,
    objects: ObjectStore,
    host: WorkerHost,
    directory: DataDirectory,
    models: Catalogue,
    others: Sequence[Forwarder],
) -> dict[str, Check]:
    return {
        "store": store.check,
        "storage": objects.check,
        "worker": partial(_check_worker, host, directory),
        "servers": partial(check_offer, models, others, host),
    }


def _callbacks(store: SqliteStore, connections: Connections, bodies: Dialects, clock: Clock, fault: Fault) -> Callbacks:
    chance = secrets.SystemRandom().random
    return Callbacks(store, GuardedCallbackSender(connections), bodies, sign, clock, chance, fault)


async def _check_worker(host: WorkerHost, directory: DataDirectory) -> None:
    if host.stopping:
        raise Unavailable("the server is shutting down")
    if not (host.alive or directory.workers.any_able):
        raise Unavailable("no renderer is running")


@contextmanager
def administration(settings: Settings, missing: Missing = Missing.REFUSE) -> Iterator[Administration]:
    """The administration of subscriptions over a data directory, whether a server has it open or not."""
    with opened(settings, missing) as store:
        yield _administration(settings, store, SystemClock())


def _administration(settings: Settings, store: SqliteStore, clock: Clock) -> Administration:
    pepper = derived(directory_of(settings, Missing.REFUSE), KEYS)
    surfaces = frozenset(surface.name for surface in SURFACES)
    return Administration(
        Products(store, new_uuid7, surfaces, catalogue(settings), default_product(settings)),
        Subscriptions(store, clock, new_uuid7, new_token, new_callback_secret, pepper),
    )


def _admin_access(settings: Settings, store: SqliteStore, clock: Clock) -> AdminAccess | None:
    if not settings.admin_key:
        return None
    return AdminAccess(_administration(settings, store, clock), clock, settings.admin_key)


@contextmanager
def delivery_log(settings: Settings) -> Iterator[DeliveryLog]:
    """The log of callbacks over a data directory. A server that has it open sees within a second what is replayed."""
    with opened(settings, Missing.REFUSE) as store:
        yield DeliveryLog(store, store, InProcessSignal(), SystemClock())


@contextmanager
def retention(settings: Settings) -> Iterator[Retention]:
    """What is kept in a data directory and its storage, whether a server has it open or not."""
    with opened(settings, Missing.REFUSE) as store:
        yield Retention(store, open_storage(settings), SystemClock())


def backup(settings: Settings, output: Output, *, with_objects: bool) -> Manifest:
    """Write a backup of a data directory that a server may have open. What is in a bucket stays there."""
    return write_backup(
        directory_of(settings, Missing.REFUSE),
        output,
        with_objects=with_objects and settings.storage == "local",
        now=SystemClock().now(),
        version=version("stillmotion"),
    )


def default_product(settings: Settings) -> Product:
    """What a subscription is made for where no other product is named."""
    return Product(
        id=new_uuid7(),
        name="default",
        submits_per_minute=settings.submits_per_minute,
        concurrent_generations=settings.concurrent_generations,
        retention_days=settings.retention_days or None,
    )


def catalogue(settings: Settings) -> Catalogue:
    """The models, and what each wire name stands for. Raises `CatalogueError`."""
    file = Path(settings.catalogue) if settings.catalogue else None
    return read_catalogue(file, settings.models)


def weights_of(entry: Entry, settings: Settings) -> Path:
    """The folder that an entry's weights are in, or are to be pulled into."""
    pulled = Path(settings.weights_dir) if settings.weights_dir else data_directory(settings.data_dir).root / "weights"
    return folder_of(entry, pulled)


def image_source(settings: Settings) -> HttpImages:
    """Fetches pictures as the service would."""
    return HttpImages(_connections(settings))


def renderers(settings: Settings, faults: Faults | None = None) -> NewRenderer:
    """Makes renderers that are not started yet, set up as the settings say."""
    options = common_options(settings.preview_seconds, faults)
    if settings.depth_model:
        file = Path(settings.depth_model).resolve()
        options += ["--depth-model", str(file), "--depth-model-gives", settings.depth_model_gives]
    return lambda: RendererProcess((*RENDERER_COMMAND, *options))


def forwarders(models: Catalogue, new_renderer: NewRenderer) -> list[Forwarder]:
    """The other servers that wire names stand for. Raises `CatalogueError` where one's workflow cannot be used."""
    entries = [each for each in models.offered() if each.engine is EngineKind.FORWARD]
    if not entries:
        return []
    from stillmotion.engines.forward.peers import peer_of

    darkroom = Darkroom(new_renderer)
    return [
        Forwarder(each, peer_of(each), darkroom, partial(successor, models), models.has_stand_in(each))
        for each in entries
    ]


def _offer(settings: Settings) -> Catalogue:
    """The catalogue. Raises `CatalogueError` for what may not or cannot be made here, `SettingsError` for devices."""
    refuse_absent_devices(settings)
    models = catalogue(settings)
    models.check_licences(frozenset(settings.accepted_licences))
    for entry in models.offered():
        trouble = local_trouble(entry, settings)
        if trouble is not None:
            raise CatalogueError(f"The model {entry.name} cannot be made here: {trouble}.")
    return models


def local_trouble(entry: Entry, settings: Settings) -> str | None:
    """Why a model cannot be made on this machine, as far as that shows before it is loaded; None where it can."""
    if not entry.is_local:
        return None
    from stillmotion.engines.diffusers.libraries import missing_library

    missing = missing_library()
    if missing is not None:
        return f"it needs {missing}, which is not installed: pip install 'stillmotion[diffusers]'"
    return trouble_with(weights_of(entry, settings))


def renderer_for(entry: Entry, settings: Settings) -> RendererProcess:
    """A renderer that is not started yet, and makes that model's clips."""
    if not entry.is_local:
        return renderers(settings)()
    return devices_for((_with_weights(entry, settings),), settings.devices)[0].new_renderer()


def _with_weights(entry: Entry, settings: Settings) -> Entry:
    """The entry that names the folder of its weights, wherever they are."""
    return replace(entry, weights=str(weights_of(entry, settings).absolute()))


def devices(settings: Settings, models: Catalogue, faults: Faults | None = None) -> list[Device]:
    """The devices that the offered models run on; none where none is to be run here."""
    offered = models.offered() if settings.renderers else ()
    entries = [_with_weights(each, settings) for each in offered if each.is_local]
    stand_in = partial(successor, models) if any(models.has_stand_in(each) for each in entries) else None
    return devices_for(entries, settings.devices, stand_in, common_options(settings.preview_seconds, faults))


async def model_troubles(settings: Settings) -> dict[str, str | None]:
    """For each model that a wire name stands for, why it cannot be made; None where it can. Raises `CatalogueError`."""
    models = catalogue(settings)
    return {entry.name: await _trouble_of(entry, settings) for entry in models.offered()}


async def _trouble_of(entry: Entry, settings: Settings) -> str | None:
    if entry.must_be_accepted and entry.licence not in settings.accepted_licences:
        return f"its licence {entry.licence} is not accepted: see the setting accepted_licences"
    trouble = local_trouble(entry, settings) if entry.server is None else await server_trouble(entry)
    if trouble is None and entry.is_local:
        # Its libraries take seconds to be there: a server's start leaves this to the renderers.
        from stillmotion.engines.diffusers.preflight import why_unfit

        return why_unfit(_with_weights(entry, settings))
    return trouble


async def server_trouble(entry: Entry) -> str | None:
    """Why another server cannot make clips just now; None where it can."""
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


async def _fit_renderers(settings: Settings, faults: Faults | None) -> NewRenderer:
    """What makes renderers, tried out where a model of the operator's is to be loaded."""
    new_renderer = renderers(settings, faults)
    if settings.depth_model and settings.renderers:
        await try_out(new_renderer())
    return new_renderer


def video_codec(settings: Settings) -> VideoCodec:
    """How clips are compressed. Raises `SettingsError` where this installation cannot do what is set."""
    codec = VideoCodec(settings.video_codec)
    if codec is not VideoCodec.H264:
        # PyAV is large: the server loads it only to ask for what may be missing.
        from stillmotion.media.output.encoder import can_encode

        if not can_encode(codec):
            raise SettingsError(f"video_codec is {codec}, but the installed PyAV has no encoder for it: set h264.")
    return codec


def _connections(settings: Settings) -> Connections:
    try:
        policy = AddressPolicy(parse_networks(settings.fetch_allow_cidrs), parse_networks(settings.fetch_deny_cidrs))
        names = NameServers(parse_name_servers(settings.name_servers))
    except ValueError as error:
        raise SettingsError(f"name_servers: {error}. Write name servers like 10.0.0.2 or 10.0.0.2:5353.") from error
    return Connections(
        UrlGuard(policy, frozenset(settings.fetch_allowed_ports) or None), names, contact=settings.contact
    )
