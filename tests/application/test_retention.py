"""Retention: nothing remains of a deleted or expired generation, and orphans are put in quarantine."""

import hashlib

import pytest

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.generations import Generations
from stillmotion.application.leases import Rendered, RenderedFile, Work
from stillmotion.application.retention import Retention
from stillmotion.application.uploads import Uploads
from stillmotion.domain.errors import GenerationNotFound, Unavailable
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import Keyframe
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_key, a_product, a_request, a_subscription


class Storage(LocalObjects):
    """A directory of objects that can be made unavailable."""

    away = False

    async def delete(self, key):
        if self.away:
            raise Unavailable("object storage cannot be reached or written to")
        await super().delete(key)


class House:
    """The use cases over one store and one directory. Its owner's product keeps results for a week."""

    def __init__(self, store, clock, folder):
        self.store, self.clock, self.folder = store, clock, folder
        self.objects = Storage(folder)
        self.owner = a_subscription(a_product(retention_days=7))
        self.generations = Generations(
            store,
            self.objects,
            InProcessSignal(),
            UrlGuard(AddressPolicy()),
            clock,
            new_uuid7,
            new_token,
            read_catalogue(),
            Uploads(store, self.objects, clock, new_uuid7, new_token),
        )
        self.work = Work(store, self.objects, clock, new_token)
        self.retention = Retention(store, self.objects, clock)
        self.rendered = folder.parent / "rendered"
        self.rendered.write_bytes(b"clip")

    async def submit(self):
        request = a_request(frame0=Keyframe(content=b"GIF89a, a picture"))
        return (await self.generations.submit(self.owner, "gateway", request)).generation.id

    def result(self):
        file = RenderedFile(str(self.rendered), 4, hashlib.sha256(b"clip").hexdigest())
        return Rendered(file, file, "{}")

    async def finished(self):
        generation_id = await self.submit()
        lease = (await self.work.claim()).lease
        assert lease.generation_id == generation_id
        await self.work.complete(lease, self.result(), self.work.new_keys(lease))
        return generation_id

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(params=["memory", "sqlite"])
async def house(request, tmp_path):
    # Files get the machine's time, so the clock begins there.
    clock = ManualClock(SystemClock().now())
    store = MemoryStore(clock) if request.param == "memory" else open_store(tmp_path / "stillmotion.db", clock)
    built = House(store, clock, tmp_path / "objects")
    await store.add_product(built.owner.product)
    await store.add_subscription(built.owner, [a_key(built.owner)])
    yield built
    store.close()


async def test_a_deleted_generation_leaves_no_object_and_is_not_found(house):
    kept, deleted = await house.finished(), await house.finished()
    assert len(house.files()) == 6
    await house.generations.delete(house.owner, deleted)
    assert len(house.files()) == 3
    assert not any(deleted in path for path in house.files())
    assert list(await house.store.removals(10)) == []
    with pytest.raises(GenerationNotFound):
        await house.generations.get(house.owner, deleted)
    with pytest.raises(GenerationNotFound):
        await house.generations.delete(house.owner, deleted)
    assert (await house.generations.get(house.owner, kept)).state is State.COMPLETED


async def test_nobody_deletes_what_is_anothers(house):
    generation_id = await house.finished()
    with pytest.raises(GenerationNotFound):
        await house.generations.delete(a_subscription(), generation_id)
    assert len(house.files()) == 3


async def test_what_is_published_for_a_deleted_generation_leaves_nothing(house):
    generation_id = await house.submit()
    lease = (await house.work.claim()).lease
    await house.generations.delete(house.owner, generation_id)
    assert not await house.work.holds(lease)
    with pytest.raises(GenerationNotFound):
        await house.work.complete(lease, house.result(), house.work.new_keys(lease))
    assert house.files() == []


async def test_a_preview_that_is_shown_is_no_orphan_and_one_that_nobody_shows_is(house):
    generation_id = await house.submit()
    lease = (await house.work.claim()).lease
    shown, left = house.work.new_preview(lease), house.work.new_preview(lease)
    for key in (shown, left):
        await house.objects.put(key, b"picture")
    await house.work.renew(lease, 0.5, shown)
    house.clock.advance(hours=2)
    collected = await house.retention.collect()
    assert collected.orphans == 1
    assert await house.objects.find(shown) is not None
    assert await house.objects.find(left) is None
    await house.generations.delete(house.owner, generation_id)
    assert [path for path in house.files() if not path.startswith("quarantine/")] == []


async def test_a_deletion_that_storage_held_up_is_finished_by_a_sweep(house):
    generation_id = await house.finished()
    house.objects.away = True
    await house.generations.delete(house.owner, generation_id)
    assert len(house.files()) == 3
    with pytest.raises(Unavailable):
        await house.retention.sweep()
    house.objects.away = False
    assert await house.retention.sweep() == 1
    assert house.files() == []
    assert await house.retention.sweep() == 0


async def test_a_sweep_removes_what_has_expired_and_nothing_else(house):
    expired = await house.finished()
    house.clock.advance(days=6)
    young, waiting = await house.finished(), await house.submit()
    house.clock.advance(days=1)
    assert await house.retention.sweep() == 1
    assert await house.store.find(expired) is None
    for generation_id in (young, waiting):
        assert await house.store.find(generation_id) is not None
    assert len(house.files()) == 4
    house.clock.advance(days=100)
    assert await house.retention.sweep() == 1
    assert await house.store.find(waiting) is not None, "what was accepted is made, however late"


async def test_a_sweep_is_no_bigger_than_its_batch(house):
    for _ in range(5):
        await house.finished()
    house.clock.advance(days=7)
    assert [await house.retention.sweep(2) for _ in range(4)] == [2, 2, 1, 0]
    assert house.files() == []


async def test_orphans_are_set_aside_for_a_week_and_what_is_named_stays(house):
    generation_id = await house.finished()
    named = house.files()
    orphans = [f"generations/{new_uuid7()}/lost.mp4", f"generations/{generation_id}/older.mp4", "inputs/gone/picture"]
    for key in [*orphans, "elsewhere/of-others"]:
        await house.objects.put(key, b"lost")
    assert (await house.retention.collect()).orphans == 0, "they may be on their way to a row"
    house.clock.advance(hours=2)
    looked = await house.retention.look(10)
    collected = await house.retention.collect()
    assert (looked.orphans, looked.orphan_bytes) == (collected.orphans, collected.orphan_bytes) == (3, 12)
    today = f"{house.clock.now():%Y-%m-%d}"
    assert house.files() == sorted([*named, "elsewhere/of-others", *(f"quarantine/{today}/{key}" for key in orphans)])
    house.clock.advance(days=6)
    assert (await house.retention.collect()).discarded == 0
    house.clock.advance(days=1)
    assert (await house.retention.look(10)).discarded == 3
    again = await house.retention.collect()
    assert (again.discarded, again.expired) == (3, 1)
    assert house.files() == ["elsewhere/of-others"]


async def test_a_collection_says_what_it_did(house):
    for _ in range(3):
        await house.finished()
    house.objects.away = True
    await house.generations.delete(house.owner, await house.finished())
    house.objects.away = False
    (house.folder / "generations" / "broken.mp4#1").write_bytes(b"cl")
    house.clock.advance(days=7)
    looked = await house.retention.look(10)
    assert (looked.expired, looked.removals) == (3, 1)
    collected = await house.retention.collect()
    assert (collected.expired, collected.removals, collected.orphans, collected.unfinished) == (3, 1, 0, 1)
    assert house.files() == []


async def test_the_clock_of_an_hour_is_counted_from_the_objects_own_time(house):
    await house.objects.put("inputs/gone/picture", b"lost")
    house.clock.advance(minutes=59)
    assert (await house.retention.collect()).orphans == 0
    house.clock.advance(minutes=2)
    assert (await house.retention.collect()).orphans == 1
