"""What a worker does with a generation: claim, renew, complete, release, fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from stillmotion.application.ports import Clock, GenerationStore, NewToken, ObjectStore
from stillmotion.domain.assets import RESULTS, Asset, AssetKind, Assets
from stillmotion.domain.errors import GenerationFailed, GenerationNotFound, IllegalTransition, LeaseLost
from stillmotion.domain.generation import Generation, Lease
from stillmotion.domain.lifecycle import State

LEASE = timedelta(seconds=15)
"""A worker that is not heard of for this long has lost its generation."""

_SUFFIXES: Mapping[AssetKind, str] = {AssetKind.VIDEO: "mp4", AssetKind.THUMBNAIL: "jpg"}


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A finished file on the worker's disk: size in bytes, SHA-256 in hex."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a renderer hands over."""

    video: RenderedFile
    thumbnail: RenderedFile
    plan: str


@dataclass(frozen=True, slots=True)
class Work:
    """The queue from the worker's side. A lease that was lost raises `LeaseLost` and changes nothing."""

    store: GenerationStore
    objects: ObjectStore
    clock: Clock
    new_token: NewToken

    async def claim(self) -> Generation | None:
        """Lease the generation that waits longest, or None."""
        until = self.clock.now() + LEASE
        return await self.store.claim_next(lambda generation: generation.claimed(until))

    async def renew(self, lease: Lease, progress: float) -> None:
        """Say that the render is alive and how far it is. Raises `LeaseLost` where it must stop."""
        until = self.clock.now() + LEASE
        await self.store.change(lease.generation_id, lambda generation: generation.renewed(lease, until, progress))

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still good: a look, nothing is changed."""
        generation = await self.store.find(lease.generation_id)
        return generation is not None and generation.state is State.DREAMING and generation.lease == lease

    async def complete(self, lease: Lease, rendered: Rendered) -> Generation:
        """Publish the files under new names, then finish. What was published for a lost lease is removed.

        Raises `LeaseLost`, or `GenerationNotFound` where it was deleted meanwhile.
        """
        assets = Assets(
            await self._publish(lease, AssetKind.VIDEO, rendered.video),
            await self._publish(lease, AssetKind.THUMBNAIL, rendered.thumbnail),
        )
        now = self.clock.now()
        try:
            return await self.store.change(
                lease.generation_id, lambda generation: generation.completed(lease, assets, rendered.plan, now)
            )
        except (LeaseLost, GenerationNotFound):
            for asset in (assets.video, assets.thumbnail):
                await self.objects.delete(asset.key)
            raise

    async def earlier(self, generation: Generation, earlier_id: str) -> tuple[Generation, Assets]:
        """A finished generation of the same owner and what it left. Raises `GenerationFailed` where it is gone."""
        found = await self.store.find(earlier_id)
        if found is None or found.subscription_id != generation.subscription_id or found.assets is None:
            raise GenerationFailed("source_gone", "The earlier generation is no longer there: generate it again.")
        return found, found.assets

    async def release(self, lease: Lease) -> None:
        """Hand the generation back unfinished: no failure is counted."""
        await self.store.change(lease.generation_id, lambda generation: generation.released(lease))

    async def fail(self, lease: Lease, failure: GenerationFailed) -> Generation:
        """Count a failed attempt: tried again, or failed for good."""
        now = self.clock.now()
        return await self.store.change(
            lease.generation_id, lambda generation: generation.attempt_failed(lease, failure, now)
        )

    async def reclaim(self, *, ending_within: timedelta = timedelta(0)) -> int:
        """Take back the generations whose lease has ended; how many there were.

        A server that holds its store alone passes the whole lease at its start: nobody else can be rendering.
        """
        now = self.clock.now()
        taken = 0
        for generation_id in await self.store.leased(now + ending_within):
            taken += await self._take_back(generation_id, ending_within)
        return taken

    async def _take_back(self, generation_id: str, ending_within: timedelta) -> int:
        now = self.clock.now()

        def abandon(generation: Generation) -> Generation:
            if generation.lease_until is None or generation.lease_until > now + ending_within:
                raise LeaseLost("renewed meanwhile")
            return generation.abandoned(now)

        try:
            await self.store.change(generation_id, abandon)
        except (LeaseLost, IllegalTransition, GenerationNotFound):
            return 0
        return 1

    async def _publish(self, lease: Lease, kind: AssetKind, file: RenderedFile) -> Asset:
        key = f"{RESULTS}/{lease.generation_id}/{self.new_token()}.{_SUFFIXES[kind]}"
        await self.objects.put_file(key, file.path)
        return Asset(kind, key, file.size, file.digest)
