"""Worker hosts: the one inside a server, and those that are processes of their own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from secrets import SystemRandom, token_hex
from typing import NamedTuple

from stillmotion.adapters.directory.worker_places import WorkerPlace
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import VIDEO, HttpDownload
from stillmotion.adapters.identifiers import new_token
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.leases import Work
from stillmotion.application.metrics import Tally
from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.models import ModelStore
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.tracing import NO_TRACING, Tracing
from stillmotion.application.ports.values import Clock
from stillmotion.composition.engines import (
    devices,
    forwarders,
    makes_embedded,
    offered,
    renderers,
    tried_renderer,
    video_codec,
)
from stillmotion.composition.installation import open_storage
from stillmotion.composition.outbound import outbound
from stillmotion.composition.preflight import tell_absent_devices
from stillmotion.composition.premises import premises, running
from stillmotion.config import Settings, SettingsError
from stillmotion.config.store_urls import is_shared
from stillmotion.domain.catalogue import EMBEDDED, Catalogue
from stillmotion.domain.operators.duties import Duty
from stillmotion.domain.operators.processes import SILENT_AFTER, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.background.dismissal import Dismissal
from stillmotion.worker.background.displacement import DisplacedWatch
from stillmotion.worker.background.duties import DutyKeeper
from stillmotion.worker.background.heartbeats import Heartbeats
from stillmotion.worker.background.reaper import Reaper
from stillmotion.worker.background.tallies import TallyKeeper
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.inputs.slow_pictures import slow_decoder
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.model_desk import ModelDesk
from stillmotion.worker.renderer.handle import RendererProcess
from stillmotion.worker.stands import NewRenderer

ABLE_EVERY = timedelta(seconds=0.25)
"""The pause between two looks at whether a worker can make clips, which a server's readiness depends on."""


@asynccontextmanager
async def worker(
    settings: Settings, faults: Faults | None = None, tracing: Tracing = NO_TRACING
) -> AsyncIterator[WorkerHost]:
    """A worker process: renderers over a data directory that a server has open. Raises as `service` does."""
    if not settings.renderers:
        raise SettingsError("renderers is 0, so this worker would make nothing: give --renderers 1, or more.")
    fault, told = faults or no_fault, Telemetry(Tally(), tracing)
    async with premises(settings, ProcessRole.WORKER, fault, told.tally.ended) as ground:
        place, store, clock, signal, announcements, _ = ground
        work = Work(store, open_storage(settings, fault), clock, new_token, fault, worker=name_of_this_process())
        signals = signal, announcements
        context = attempt_context(settings, work, outbound(settings), signals, place.scratch, fault, told)
        host, _ = await worker_host(settings, context, store, offered(settings), faults)
        watch = DisplacedWatch(lambda: store.displaced).run()
        counting = TallyKeeper(told.tally, store, store).run()
        beating = heartbeats(host, store, work, ProcessRole.WORKER).run()
        duties = DutyKeeper(store, work.clock, work.worker.id, (Duty.REAPER,), partial(_is_unserved, store, work.clock))
        reaping = Reaper(context, lambda: host.held, duties).run()
        dismissing = Dismissal(host, store, work.worker).run()
        telling = _tell_able(host, place.own), tell_absent_devices(settings)
        async with running(host.run(), watch, counting, beating, duties.run(), reaping, dismissing, *telling):
            yield host


async def _is_unserved(store: ProcessStore, clock: Clock) -> bool:
    """True where no server lives that could do a duty."""
    return not await store.has_server(clock.now() - SILENT_AFTER)


def heartbeats(host: WorkerHost, store: ProcessStore, work: Work, role: ProcessRole) -> Heartbeats:
    """The heartbeats of this process."""
    now = work.clock.now()
    first = ProcessReport(work.worker, role, os.getpid(), version("stillmotion"), now, now, is_able=False)
    return Heartbeats(host, store, work.clock, first)


def name_of_this_process() -> WorkerName:
    """A new name for the worker in this process: no other process has it, on any machine, now or later."""
    host = socket.gethostname()
    return WorkerName(f"{host}:{os.getpid()}-{token_hex(2)}", host)


async def _tell_able(host: WorkerHost, place: WorkerPlace | None) -> None:
    """Tell the server, for as long as the worker runs, whether this host can make clips."""
    told = False
    while place is not None:
        if host.alive is not told:
            told = host.alive
            place.tell(able=told)
        await asyncio.sleep(ABLE_EVERY.total_seconds())


class Telemetry(NamedTuple):
    """The counts and the spans of a process."""

    tally: Tally
    tracing: Tracing


def attempt_context(
    settings: Settings,
    work: Work,
    connections: Connections,
    signals: tuple[QueueSignal, QueueSignal],
    scratch: Path,
    fault: Fault,
    told: Telemetry,
) -> AttemptContext:
    """The parts that every attempt works with. `signals` wake the lanes, and the deliverer of callbacks."""
    images = HttpDownload(connections, fault=fault, tally=told.tally)
    videos = HttpDownload(connections, VIDEO, tally=told.tally)
    codec, objects, clock = video_codec(settings), work.objects, work.clock
    files = work, images, videos, objects
    context = AttemptContext(*files, *signals, clock, scratch, codec, fault, slow_decoder())
    chance, on_demand = SystemRandom().random, shows_on_demand(settings)
    return replace(context, tally=told.tally, tracing=told.tracing, chance=chance, previews_on_demand=on_demand)


def shows_on_demand(settings: Settings) -> bool:
    """True where storing a preview is a request to a bucket, or a store of many machines is told of each."""
    return settings.storage != "local" or is_shared(settings.store)


async def worker_host(
    settings: Settings,
    context: AttemptContext,
    store: ModelStore,
    models: Catalogue,
    faults: Faults | None,
    spawned: RendererProcess | None = None,
) -> tuple[WorkerHost, list[RemoteMaker]]:
    """The host of as many renderers as the settings say, and the other servers that it asks.

    Through `store` it takes wishes for models, and tells which it holds.
    `spawned` is its first renderer, where that loads already. Raises `RendererUnfit` and `DepthUnusable` for a depth
    model that will not do.
    """
    new_renderer = renderers(settings, faults, verify=settings.renderers > 0)
    others = forwarders(settings, models, new_renderer, context.tally)
    machines = devices(settings, models, faults)
    first = await tried_renderer(settings, new_renderer) or spawned
    elsewhere = frozenset(each.engine_name for each in models.offered() if each.engine_name != EMBEDDED)
    lanes = settings.renderers if makes_embedded(settings) else 0
    desk = ModelDesk(store, context.clock, context.work.worker.id)
    idle_after = timedelta(minutes=settings.idle_unload_minutes) or None
    new_renderer = _after(first, new_renderer)
    return WorkerHost(context, new_renderer, lanes, others, machines, desk, idle_after, elsewhere), others


def _after(first: RendererProcess | None, new_renderer: NewRenderer) -> NewRenderer:
    once = iter(() if first is None else (first,))
    return lambda: next(once, None) or new_renderer()
