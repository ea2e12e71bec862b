"""What is kept, for how long, and how it goes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stillmotion.application.ports.objects import ListedObject, ObjectStore
from stillmotion.application.ports.store import GenerationStore, RetentionStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import INPUTS, RESULTS, folders_of, generation_of

BATCH = 100
"""Generations that go in one step of a sweep."""

GRACE = timedelta(hours=1)
"""How old an object must be before it can be an orphan: an upload is stored before the row that names it."""

QUARANTINE = "quarantine"
QUARANTINE_DAYS = 7
"""Orphans are set aside for so long, under the day on which they were found."""


async def remove_objects(store: GenerationStore, objects: ObjectStore, generation_id: str) -> int:
    """Remove all that lies in storage for a deleted generation; how many objects that were. Raises `Unavailable`."""
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
    """What a collection found: generations expired, generations whose objects were still to be removed, orphans.

    Of orphans also the bytes; `discarded` were in quarantine long enough, `unfinished` were half written.
    """

    expired: int = 0
    removals: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    discarded: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """Removes what was kept long enough, and what belongs to nothing. Raises `Unavailable` where it cannot go on."""

    store: RetentionStore
    objects: ObjectStore
    clock: Clock

    async def sweep(self, limit: int = BATCH) -> int:
        """Finish what deletions began, then delete what has expired; how many generations it was about.

        What is cut off in between is found again by the next.
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
        """Everything that can go: what a sweep removes, then orphans, into quarantine, and out of it after a week."""
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
        """What `collect` would find now, changing nothing. Generations are counted up to `limit`."""
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
        """Objects in the generations' folders that nothing names, and that are older than the grace."""
        for folder in (RESULTS, INPUTS):
            async for found in self.objects.list(folder):
                old = [each for each in found if each.modified_at <= now - GRACE and generation_of(each.key)]
                # Asked after they were found: what is named by then was put there to stay.
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
    """The day in an object's key; of one that somebody else put there, the end of time."""
    parts: Sequence[str] = key.split("/")
    try:
        return date.fromisoformat(parts[1])
    except ValueError:
        return date.max
