"""Work: a worker claims, renews, completes, releases and fails generations."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.integrity import is_kept
from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import EVERY_ENGINE, Change, EngineLimit, Engines, GenerationStore
from stillmotion.application.ports.values import Clock, NewToken
from stillmotion.domain.assets import PREVIEW_SUFFIX, RESULTS, Asset, AssetKind, Assets
from stillmotion.domain.errors import GenerationFailed, GenerationNotFound, IllegalTransition, LeaseLost, Unavailable
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.generation import Generation, Lease, WorkStage
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import NOBODY, WorkerName
from stillmotion.domain.request import FrameSize

LEASE = timedelta(seconds=15)
"""Lease time. A worker that does not renew for so long has lost its generation."""

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A finished file on the worker's disk: size in bytes, SHA-256 in hex."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Result of a render: its files and the plan, the frame's size, and the seed where the engine takes one."""

    video: RenderedFile
    thumbnail: RenderedFile
    plan: str
    size: FrameSize | None = None
    seed: int | None = None
    poster: RenderedFile | None = None
    preview_video: RenderedFile | None = None

    @property
    def files(self) -> Mapping[AssetKind, RenderedFile]:
        """The files by their kind, the clip first."""
        each = zip(AssetKind, (self.video, self.thumbnail, self.poster, self.preview_video), strict=True)
        return {kind: file for kind, file in each if file is not None}


AssetKeys = Mapping[AssetKind, str]
"""The object keys of an attempt's files."""


class WorkStore(GenerationStore, ProcessStore, Protocol):
    """Store of generations and of the processes that make them."""


@dataclass(frozen=True, slots=True)
class Work:
    """The queue as `worker` uses it. Methods with a lost lease raise `LeaseLost` and change nothing."""

    store: WorkStore
    objects: ObjectStore
    clock: Clock
    new_token: NewToken
    fault: Fault = no_fault
    lease_time: timedelta = LEASE
    worker: WorkerName = NOBODY

    async def claim(
        self,
        engines: Engines = EVERY_ENGINE,
        passed_over: Collection[str] = (),
        within: EngineLimit | None = None,
    ) -> Generation | None:
        """Lease the next generation of these engines; None if none waits. `passed_over` are ids of subscriptions.

        None, too, beyond the limit `within`.
        """
        now = self.clock.now()
        until = now + self.lease_time
        claimed = await self.store.claim_next(
            lambda generation: generation.claimed(until, now), engines, passed_over, self.worker, within
        )
        if claimed is not None:
            self.fault(Point.CLAIM_AFTER_COMMIT)
        return claimed

    def lease_of(self, claimed: Generation) -> Lease:
        """Lease of a generation that was claimed just now."""
        return replace(claimed.lease, epoch=self.store.epoch)

    async def renew(
        self, lease: Lease, progress: float, preview: str | None = None, stage: WorkStage = WorkStage.RENDERING
    ) -> datetime | None:
        """Renew the lease, with the progress, preview and stage. Raises `LeaseLost` if the render must stop.

        The answer is the time up to which somebody looks at the previews.
        """
        self._refuse_lost(lease)
        until = self.clock.now() + self.lease_time
        return await self.store.renew(lease, until, progress, preview, stage)

    async def holds(self, lease: Lease) -> bool:
        """True if the lease is still valid. Nothing is changed."""
        if lease.epoch != self.store.epoch:
            return False
        generation = await self.store.find(lease.generation_id)
        return generation is not None and generation.state is State.DREAMING and generation.lease == lease

    async def is_wanted(self, lease: Lease) -> bool:
        """True if the owner has neither cancelled nor deleted the generation."""
        generation = await self.store.find(lease.generation_id)
        return generation is not None and generation.state is not State.CANCELLED

    async def is_over(self, generation_id: str) -> bool:
        """True if the generation has ended or is deleted, so that no worker will claim it again."""
        generation = await self.store.find(generation_id)
        return generation is None or generation.is_terminal

    async def remember(self, lease: Lease, remote: str) -> None:
        """Store the id that another server gave the clip: on disk when this returns, so that a restart uses it."""
        await self._change(lease, lambda generation: generation.remembered(lease, remote))

    def new_keys(self, lease: Lease) -> AssetKeys:
        """New object keys that cannot be guessed."""
        folder = f"{RESULTS}/{lease.generation_id}"
        return {kind: f"{folder}/{self.new_token()}{kind.suffix}" for kind in AssetKind}

    def new_preview(self, lease: Lease) -> str:
        """A new object key for an attempt's preview."""
        return f"{RESULTS}/{lease.generation_id}/{self.new_token()}{PREVIEW_SUFFIX}"

    async def complete(self, lease: Lease, rendered: Rendered, keys: AssetKeys) -> Generation:
        """Publish the files, read them back, then finish. Files of a lost lease are removed again.

        Raises `LeaseLost`, `GenerationNotFound` where it was deleted meanwhile, or `GenerationFailed` where storage
        gives back something else. After `Unavailable` it may be called again, with the same keys: what was done then
        is found done.
        """
        assets = await self._published(rendered, keys)
        now = self.clock.now()
        self.fault(Point.COMPLETE_BEFORE_COMMIT)
        try:
            completed = await self._change(
                lease,
                lambda generation: generation.completed(
                    lease, assets, rendered.plan, now, rendered.size, rendered.seed
                ),
            )
        except (LeaseLost, GenerationNotFound):
            found = await self.store.find(lease.generation_id)
            if found is not None and found.assets == assets:
                return found  # Committed by an earlier call, whose answer was lost.
            await self._remove(keys.values())
            raise
        self.fault(Point.COMPLETE_AFTER_COMMIT)
        return completed

    async def withdraw(self, lease: Lease, keys: AssetKeys) -> None:
        """Remove the files of an attempt that is over, unless the generation names them.

        No `complete` with these keys may be under way, as it could still be committed.
        """
        found = await self.store.find(lease.generation_id)
        if found is not None and found.assets is not None and found.assets.video.key == keys[AssetKind.VIDEO]:
            return
        await self._remove(keys.values())

    async def _published(self, rendered: Rendered, keys: AssetKeys) -> Assets:
        """The assets of published files: all of them, or none where one fails."""
        published: dict[str, Asset] = {}
        for kind, file in rendered.files.items():
            try:
                await self._publish(keys[kind], file)
            except GenerationFailed:
                await self._remove(each.key for each in published.values())
                raise
            published[kind.value] = Asset(kind, keys[kind], file.size, file.digest)
            if kind is AssetKind.VIDEO:
                self.fault(Point.PUBLISH_BETWEEN)
        return Assets(**published)

    async def _remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self.objects.delete(key)

    async def _publish(self, key: str, file: RenderedFile) -> None:
        await self.objects.put_file(key, file.path)
        if not await is_kept(self.objects, key, file.size, file.digest):
            await self.objects.delete(key)
            raise FailureKind.STORAGE_DAMAGED_RESULT.error()

    async def earlier(self, generation: Generation, earlier_id: str) -> tuple[Generation, Assets]:
        """A finished generation of the same owner with its assets. Raises `GenerationFailed` if it is gone."""
        found = await self.store.find(earlier_id)
        if found is None or found.subscription_id != generation.subscription_id or found.assets is None:
            raise FailureKind.SOURCE_GONE.error()
        return found, found.assets

    async def release(self, lease: Lease) -> None:
        """Hand the generation back unfinished: no failure is counted."""
        await self._change(lease, lambda generation: generation.released(lease))

    async def hand_on(self, lease: Lease, engine: str) -> None:
        """Hand the generation to another engine: no failure is counted."""
        await self._change(lease, lambda generation: generation.handed_on(lease, engine))

    async def reroute(self, engine: str, successor: Callable[[Generation], str | None]) -> int:
        """Move the queue of an engine to the engines that `successor` names; the answer is the number moved.

        Nothing is moved while another process makes clips of that engine: the trouble is this machine's alone.
        """
        if await self.others_make(engine):
            return 0
        moved = 0
        for generation_id in await self.store.queued_for(engine):
            found = await self.store.find(generation_id)
            following = None if found is None else successor(found)
            if following is not None:
                moved += await self._moved(generation_id, following)
        return moved

    async def others_make(self, engine: str) -> bool:
        """True while another process can make clips of that engine."""
        now, others = self.clock.now(), await self.store.processes()
        return any(each.makes(engine, now) and each.name != self.worker for each in others)

    async def _moved(self, generation_id: str, engine: str) -> int:
        try:
            await self.store.change(generation_id, lambda generation: generation.rerouted(engine))
        except (LeaseLost, GenerationNotFound):
            return 0
        return 1

    async def fail(self, lease: Lease, failure: GenerationFailed) -> Generation:
        """Count a failed attempt: tried again, or failed for good."""
        now = self.clock.now()
        return await self._change(lease, lambda generation: generation.attempt_failed(lease, failure, now))

    async def _change(self, lease: Lease, change: Change) -> Generation:
        self._refuse_lost(lease)
        return await self.store.change(lease.generation_id, change)

    def _refuse_lost(self, lease: Lease) -> None:
        """Raise `LeaseLost` after a failover: if the claim was lost in it, another worker may have the same attempt."""
        if lease.epoch != self.store.epoch:
            raise LeaseLost(f"attempt {lease.attempt} of {lease.generation_id} was claimed before a failover")

    async def ended(self) -> frozenset[str]:
        """The ids of the generations whose lease has ended by now."""
        return frozenset(await self.store.leased(self.clock.now()))

    async def reclaim(self, only: Collection[str]) -> int:
        """Take back those of the generations whose lease has ended; the answer is their number."""
        now = self.clock.now()
        return sum([await self._take_back(generation_id, now) for generation_id in only])

    async def reclaim_all(self) -> int:
        """Take back every leased generation; the answer is their number.

        A server that starts alone does this: no worker can be rendering.
        """
        leased = await self.store.leased(_END_OF_TIME)
        return sum([await self._take_back(generation_id, _END_OF_TIME) for generation_id in leased])

    async def _take_back(self, generation_id: str, until: datetime) -> int:
        now, lost = self.clock.now(), await self.store.find(generation_id)

        def abandon(generation: Generation) -> Generation:
            if generation.lease_until is None or generation.lease_until > until:
                raise LeaseLost("renewed meanwhile")
            return generation.abandoned(now)

        try:
            await self.store.change(generation_id, abandon)
        except (LeaseLost, IllegalTransition, GenerationNotFound):
            return 0
        if lost is not None and lost.preview is not None:
            # Its worker is gone. If storage is away, the preview becomes an orphan.
            with suppress(Unavailable):
                await self.objects.delete(lost.preview)
        return 1
