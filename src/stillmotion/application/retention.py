"""Retention: removal of expired generations, of deleted ones' objects, and of orphans."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stillmotion.application.ports.objects import ListedObject, ObjectStore
from stillmotion.application.ports.store import GenerationStore, RetentionStore
from stillmotion.application.ports.values import Clock
from stillmotion.application.storage_owner import refuse_anothers
from stillmotion.domain.assets import INPUTS, RESULTS, folders_of, generation_of

BATCH = 100
"""Generations removed in one step of a sweep."""

GRACE = timedelta(hours=1)
"""Age from which an object can be an orphan. An object is stored before the row that names it."""

QUARANTINE = "quarantine"
QUARANTINE_DAYS = 7
"""Time in quarantine, which has a folder for each day. After it an orphan is deleted."""


async def remove_objects(store: GenerationStore, objects: ObjectStore, generation_id: str) -> int:
    """Remove the objects of a deleted generation; the answer is their number. Raises `Unavailable`."""
    count = 0
    for folder in folders_of(generation_id):
        async for found in objects.list(folder):
            for each in found:
                await objects.delete(each.key)
                count += 1
    await store.removed(generation_id)
    return count


@dataclass(slots=True)
class Collected:
    """Findings of a collection: expired generations, unfinished removals, orphans and their bytes.

    `discarded` orphans were in quarantine long enough; `unfinished` objects were half written.
    """

    expired: int = 0
    removals: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    discarded: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """Removal of expired generations and of orphans. Methods raise `Unavailable` if store or storage is away.

    With `marks` a collection raises `StorageTaken` where the storage has another's mark.
    """

    store: RetentionStore
    objects: ObjectStore
    clock: Clock
    marks: Sequence[str] = ()

    async def sweep(self, limit: int = BATCH) -> int:
        """Finish interrupted removals, then delete expired generations; the answer is the number of generations.

        A removal that is interrupted is finished by the next sweep.
        """
        unfinished = await self.store.removals(limit)
        for generation_id in unfinished:
            await remove_objects(self.store, self.objects, generation_id)
        expired = await self.store.expired(self.clock.now(), limit)
        for generation_id in expired:
            if await self.store.delete(generation_id):
                await remove_objects(self.store, self.objects, generation_id)
        return len(unfinished) + len(expired)

    async def collect(self) -> Collected:
        """Sweep, then put orphans into quarantine, and delete those that were in it for a week."""
        await refuse_anothers(self.objects, self.marks)
        collected = Collected()
        while unfinished := await self.store.removals(BATCH):
            for generation_id in unfinished:
                await remove_objects(self.store, self.objects, generation_id)
            collected.removals += len(unfinished)
        while expired := await self.store.expired(self.clock.now(), BATCH):
            for generation_id in expired:
                await self.store.delete(generation_id)
                await remove_objects(self.store, self.objects, generation_id)
            collected.expired += len(expired)
        now = self.clock.now()
        async for orphan in self._orphans(now):
            await self.objects.move(orphan.key, f"{QUARANTINE}/{now:%Y-%m-%d}/{orphan.key}")
            _count(collected, orphan)
        async for forgotten in self._discarded(now):
            await self.objects.delete(forgotten.key)
            collected.discarded += 1
        collected.unfinished = await self.objects.sweep_unfinished(now - GRACE)
        return collected

    async def look(self, limit: int) -> Collected:
        """The findings of `collect` without its changes. Generations are counted up to `limit`."""
        await refuse_anothers(self.objects, self.marks)
        now = self.clock.now()
        collected = Collected(
            expired=len(await self.store.expired(now, limit)), removals=len(await self.store.removals(limit))
        )
        async for orphan in self._orphans(now):
            _count(collected, orphan)
        async for _ in self._discarded(now):
            collected.discarded += 1
        return collected

    async def _orphans(self, now: datetime) -> AsyncIterator[ListedObject]:
        """Objects in the generations' folders that no row names and that are older than the grace."""
        for folder in (RESULTS, INPUTS):
            async for found in self.objects.list(folder):
                old = [each for each in found if each.modified_at <= now - GRACE and generation_of(each.key)]
                # Asked after the objects were listed: one that a row names by now is no orphan.
                named = await self.store.named([each.key for each in old])
                for each in old:
                    if each.key not in named:
                        yield each

    async def _discarded(self, now: datetime) -> AsyncIterator[ListedObject]:
        async for found in self.objects.list(QUARANTINE):
            for each in found:
                if _quarantined_on(each.key) <= now.date() - timedelta(days=QUARANTINE_DAYS):
                    yield each


def _count(collected: Collected, orphan: ListedObject) -> None:
    collected.orphans += 1
    collected.orphan_bytes += orphan.size


def _quarantined_on(key: str) -> date:
    """The day in a quarantined object's key; the end of time for a foreign object there."""
    parts: Sequence[str] = key.split("/")
    try:
        return date.fromisoformat(parts[1])
    except ValueError:
        return date.max
