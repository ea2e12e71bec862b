"""The whole service over one data directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from secrets import token_hex
from typing import NamedTuple, Protocol

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.directory.data_directory import DataDirectory
from stillmotion.adapters.identifiers import new_token, new_uuid7
from stillmotion.application.callbacks.delivery import Callbacks, DeliveryLog
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.failpoints import no_fault
from stillmotion.application.generations import Generations
from stillmotion.application.history.failures import Failures
from stillmotion.application.history.links import Links
from stillmotion.application.history.lists import Lists
from stillmotion.application.leases import Work
from stillmotion.application.metrics import ATTEMPTS, Tally
from stillmotion.application.models.supervision import ModelReadings
from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.database import Store
from stillmotion.application.ports.notifications import Changes, QueueSignal
from stillmotion.application.ports.outbound import CallbackSender
from stillmotion.application.ports.store import Dialects
from stillmotion.application.ports.tracing import NO_TRACING, Tracing
from stillmotion.application.preview_watch import PreviewWatch
from stillmotion.application.retention import Retention
from stillmotion.application.sessions import Sessions
from stillmotion.application.uploads import Uploads
from stillmotion.composition.engines import encodes, offered, read_words
from stillmotion.composition.entrance import entrance
from stillmotion.composition.installation import open_storage, storage_marks
from stillmotion.composition.outbound import callback_trials, outbound
from stillmotion.composition.preflight import tell_troubles
from stillmotion.composition.premises import premises, running
from stillmotion.composition.secrets import LINKS, SHARES, secret_of
from stillmotion.composition.watching import checks, measures, other_workers, setting_views
from stillmotion.composition.weights import pull_tasks
from stillmotion.composition.workers import (
    Telemetry,
    attempt_context,
    heartbeats,
    name_of_this_process,
    shows_on_demand,
    worker_host,
)
from stillmotion.config import Settings
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.operators.processes import ProcessRole
from stillmotion.http.app import App, build_app, dialects
from stillmotion.http.edge.services import Draining, Services
from stillmotion.media.input.heif import reads_heic
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.background.callbacks import Deliverer
from stillmotion.worker.background.displacement import DisplacedWatch
from stillmotion.worker.background.duties import Duties, DutyKeeper
from stillmotion.worker.background.housekeeping import Housekeeper
from stillmotion.worker.background.key_uses import UseKeeper
from stillmotion.worker.background.reads import SharedReads
from stillmotion.worker.background.reaper import Reaper
from stillmotion.worker.background.sweeps import Sweeper, UploadSweeper
from stillmotion.worker.background.tallies import TallyKeeper
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.renderer.handle import RendererProcess
from stillmotion.worker.renderer.signals import return_memory


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: `app` answers requests, and `drain` ends the rendering before the store closes."""

    app: App
    host: WorkerHost
    changes: Changes
    draining: Draining
    sessions: Sessions
    has_subscriptions: bool

    async def drain(self, grace: timedelta) -> None:
        """End event streams, refuse submits and claim no more work. Renders end within `grace`, or are handed back."""
        self.draining.has_begun = True
        self.changes.end()
        await self.host.drain(grace)


@asynccontextmanager
async def service(
    settings: Settings,
    address: str,
    faults: Faults | None = None,
    spawned: RendererProcess | None = None,
    tracing: Tracing = NO_TRACING,
) -> AsyncIterator[Service]:
    """The service over a data directory, from its lock to its workers; stopped on the way out.

    `address` is the base of links in callbacks if no `public_url` is set. `faults` are for tests. `spawned` is a
    renderer that is loading already. Raises `StillmotionError` if the directory, database or storage cannot be used.
    """
    fault, told = faults or no_fault, Telemetry(Tally(), tracing)
    async with premises(settings, ProcessRole.SERVER, fault, told.tally.ended) as ground:
        place, store, clock, signal, announcements, changes = ground
        objects, connections, models = open_storage(settings, fault), outbound(settings), offered(settings)
        work = Work(store, objects, clock, new_token, fault, worker=name_of_this_process())
        context = attempt_context(settings, work, connections, (signal, announcements), place.scratch, fault, told)
        host, others = await worker_host(settings, context, store, models, faults, spawned)
        workers = other_workers(settings, store, place.directory, work)
        allowed = await entrance(settings, store, clock, signal, pulls := pull_tasks(settings, store, clock))
        ids = new_uuid7, new_token
        uploads = Uploads(store, objects, clock, *ids, reads_heic=reads_heic())
        generations = Generations(store, objects, signal, connections.guard, clock, *ids, models, uploads, fault)
        services = Services(
            **allowed._asdict(),
            generations=generations,
            **_history(store, generations, announcements, settings)._asdict(),
            uploads=uploads,
            callback_trials=callback_trials(connections, clock),
            previews=PreviewWatch(store, clock, shows_on_demand(settings)),
            changes=changes,
            asset_urls=AssetUrls(objects, clock, *secret_of(settings).derived(LINKS)),
            objects=objects,
            clock=clock,
            **checks(settings, store, objects, models, host, others, workers)._asdict(),
            servers={each.entry.name: each for each in others},
            run_id=token_hex(4),
            model_states=ModelReadings(store, models, clock).states,
            measures=measures(store, place.directory, host, workers),
        )
        bodies = dialects(services.asset_urls, settings.public_url or address)
        duties = DutyKeeper(store, clock, work.worker.id)
        parts: list[_Runs] = [host, heartbeats(host, store, work, ProcessRole.SERVER), pulls, duties]
        parts += _upkeep(settings, store, services, context, host, GuardedCallbackSender(connections), bodies, duties)
        if not is_shared(settings.store):
            await _succeed(store, place.directory, work, duties, told.tally)
        async with running(*(each.run() for each in parts), tell_troubles(settings, objects, storage_marks(settings))):
            app = build_app(_as_set(services, settings, told))
            yield Service(app, host, changes, services.draining, allowed.sessions, bool(await store.subscriptions()))


async def _succeed(store: ProcessStore, directory: DataDirectory, work: Work, duties: DutyKeeper, tally: Tally) -> None:
    """Take the place of the last server at once: the directory's lock proves that it is gone.

    Unless other processes render, every lease is a leftover of it, too.
    """
    await duties.take_over()
    for each in await store.processes():
        if each.role is ProcessRole.SERVER:
            await store.forget_process(each.name.id)
    if not directory.workers.any_taken:
        tally.count(ATTEMPTS, "lost", by=await work.reclaim_all())


class _Runs(Protocol):
    """Work in the background."""

    async def run(self) -> None: ...


def _upkeep(
    settings: Settings,
    store: Store,
    services: Services,
    context: AttemptContext,
    host: WorkerHost,
    sender: CallbackSender,
    bodies: Dialects,
    duties: Duties,
) -> list[_Runs]:
    """The background work of a server besides rendering."""
    clock, tally = context.clock, context.tally
    callbacks = Callbacks(store, sender, sign, clock, context.chance, context.fault, tally, context.tracing)
    reads = SharedReads(services.read_limits, store, clock, context.chance)
    return [
        *([reads] if is_shared(settings.store) else []),
        Deliverer(callbacks, bodies, context.announcements, duties),
        Reaper(context, lambda: host.held, duties),
        Sweeper(Retention(store, services.objects, clock), duties),
        UploadSweeper(services.uploads, duties),
        Housekeeper(store, clock, duties),
        DisplacedWatch(lambda: store.displaced),
        TallyKeeper(tally, store, store),
        UseKeeper(services.access),
        services.watched,
    ]


def _as_set(services: Services, settings: Settings, told: Telemetry) -> Services:
    """The services with the parts that depend on the settings alone."""
    return replace(
        services,
        tracing=told.tracing,
        generations=replace(
            services.generations, can_encode=encodes, submitted=told.tally.submitted, tracing=told.tracing
        ),
        public_url=settings.public_url,
        version=version("stillmotion"),
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        access_log=settings.access_log == "on",
        settings=setting_views(settings),
        return_memory=return_memory,
        read_words=read_words,
    )


class _History(NamedTuple):
    """The parts of the services that an owner looks back with."""

    lists: Lists
    failures: Failures
    links: Links
    delivery_log: DeliveryLog


def _history(store: Store, generations: Generations, announcements: QueueSignal, settings: Settings) -> _History:
    clock = generations.clock
    links = Links(store, store, clock, new_uuid7, *secret_of(settings).derived(SHARES))
    return _History(Lists(store), Failures(store, generations), links, DeliveryLog(store, store, announcements, clock))
