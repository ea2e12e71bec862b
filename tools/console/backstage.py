"""Backstage: the service's own use cases at a time of one's choice, to give a data directory a past.

Every row is written by the use case that writes it in service: a submit, a claim, an end, an attempt at a callback.
The clock alone is ours.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from uuid_utils import uuid7

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_callback_secret, new_token
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.store.sqlite import SqliteStore, open_store
from stillmotion.application.callbacks.delivery import Callbacks
from stillmotion.application.download_urls import AssetUrls
from stillmotion.application.generations import Generations
from stillmotion.application.leases import Rendered, RenderedFile, Work
from stillmotion.application.ports.store import Dialects
from stillmotion.application.products import Products
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.application.uploads import Uploads
from stillmotion.composition.administration import administration_over
from stillmotion.composition.engines import offered
from stillmotion.composition.installation import Missing, directory_of, open_storage
from stillmotion.composition.outbound import outbound
from stillmotion.composition.secrets import KEYS, LINKS, fingerprints, secret_of
from stillmotion.config import Settings
from stillmotion.domain.assets import AssetKind
from stillmotion.domain.callbacks import DeliveryState
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import GenerationRequest
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.app import dialects

SURFACE = "dream-machine"


@dataclass
class SetClock:
    """A `Clock` that is set by hand."""

    time: datetime

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.time.timestamp()

    def new_id(self) -> str:
        """A UUID of version 7 of this time, so that ids sort by it."""
        return str(uuid7(nanoseconds=int(self.time.timestamp() * 1e9)))


@dataclass(frozen=True)
class Made:
    """A clip that the renderer really made: its files by their kind, and the generation that they were made for."""

    files: Mapping[AssetKind, Path]
    generation: Generation

    @property
    def rendered(self) -> Rendered:
        """The clip as a worker hands it over."""
        video, thumbnail, poster, preview = (_file(self.files[each]) for each in AssetKind)
        made = self.generation
        return Rendered(video, thumbnail, made.plan, made.size, made.seed, poster, preview)


def _file(path: Path) -> RenderedFile:
    content = path.read_bytes()
    return RenderedFile(str(path), len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Backstage:
    """The use cases over one store and one clock. No generation may wait while another is played."""

    clock: SetClock
    store: SqliteStore
    products: Products
    subscriptions: Subscriptions
    generations: Generations
    work: Work
    callbacks: Callbacks
    bodies: Dialects
    random: Random
    present: datetime

    async def submit(self, customer: Subscription, request: GenerationRequest) -> Generation:
        """A generation that waits from now on."""
        return (await self.generations.submit(customer, SURFACE, request)).generation

    async def complete(self, generation: Generation, made: Made, took: timedelta) -> None:
        """Let a worker claim the waiting generation and finish it with this clip."""
        claimed = await self._claimed(generation)
        self.clock.time += took
        lease = claimed.lease
        await self.work.complete(lease, made.rendered, self.work.new_keys(lease))
        await self._announce()

    async def fail(self, generation: Generation, failure: GenerationFailed, took: timedelta) -> None:
        """Let workers claim the waiting generation and fail, as often as such a failure is tried again."""
        state = State.QUEUED
        while state is State.QUEUED:
            claimed = await self._claimed(generation)
            self.clock.time += took
            state = (await self.work.fail(claimed.lease, failure)).state
        await self._announce()

    async def cancel(self, customer: Subscription, generation: Generation) -> None:
        """Let its owner change their mind."""
        await self.generations.cancel(customer, generation.id)

    async def _claimed(self, generation: Generation) -> Generation:
        self.clock.time += timedelta(seconds=self.random.uniform(0.1, 3))
        claimed = await self.work.claim()
        if claimed is None or claimed.id != generation.id:
            raise RuntimeError("another generation waits: play one at a time")
        return claimed

    async def _announce(self) -> None:
        """Deliver what is due. A refused message is tried again as the schedule says, up to the present."""
        began = self.clock.time
        while due := await self.callbacks.due(1):
            delivery = due[0]
            while delivery.state is DeliveryState.PENDING and delivery.due_at < self.present:
                self.clock.time = max(began, delivery.due_at)
                found = await self.store.find_due(delivery.id)
                if found is None:
                    break
                delivery = await self.callbacks.deliver(found, self.bodies[found.generation.surface](found.announced))
            self.clock.time = began


@asynccontextmanager
async def backstage(settings: Settings, start: datetime, seed: int = 19) -> AsyncIterator[Backstage]:
    """The use cases over a data directory, which is made if there is none. The clock begins at `start`."""
    clock, random = SetClock(start), Random(seed)
    directory = directory_of(settings, Missing.MAKE)
    directory.keep_private()
    store = open_store(directory.database, clock=clock, fingerprints=partial(fingerprints, settings, directory))
    with closing(store):
        objects, connections = open_storage(settings), outbound(settings)
        uploads = Uploads(store, objects, clock, clock.new_id, new_token)
        subscriptions = Subscriptions(
            store, clock, clock.new_id, new_token, new_callback_secret, *secret_of(settings).derived(KEYS)
        )
        yield Backstage(
            clock,
            store,
            administration_over(settings, store).products,
            subscriptions,
            Generations(
                store,
                objects,
                InProcessSignal(),
                connections.guard,
                clock,
                clock.new_id,
                new_token,
                offered(settings),
                uploads,
            ),
            Work(store, objects, clock, new_token),
            Callbacks(store, GuardedCallbackSender(connections), sign, clock, random.random),
            dialects(
                AssetUrls(objects, clock, *secret_of(settings).derived(LINKS)),
                settings.public_url or "http://127.0.0.1",
            ),
            random,
            SystemClock().now(),
        )
