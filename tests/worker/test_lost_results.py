"""A lease that is lost during publication: no orphan of the result is left."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.domain.assets import AssetKind
from stillmotion.domain.errors import LeaseLost, Unavailable
from stillmotion.domain.lifecycle import State
from tests.worker.conftest import running


class Gate(LocalObjects):
    """A store that stops before or after the put of a result's file, until a test releases it."""

    def __init__(self, directory: Path, kind: AssetKind, *, is_behind: bool) -> None:
        super().__init__(directory)
        self.to_pass, self.is_behind = list(AssetKind).index(kind), is_behind
        self.reached, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def put_file(self, key: str, path: str) -> None:
        is_this, self.to_pass = self.to_pass == 0, self.to_pass - 1
        if is_this and not self.is_behind:
            await self._stop()
        await super().put_file(key, path)
        if is_this and self.is_behind:
            await self._stop()

    async def _stop(self) -> None:
        self.reached.set()
        await self.may_go_on.wait()


def with_objects(workshop, objects):
    return dataclasses.replace(workshop, objects=objects, work=dataclasses.replace(workshop.work, objects=objects))


def stored(workshop) -> list[str]:
    return sorted(each.name for each in (workshop.scratch.parent / "objects").rglob("*") if each.is_file())


@pytest.mark.parametrize("kind", AssetKind)
@pytest.mark.parametrize("is_behind", [False, True])
async def test_what_is_cancelled_between_its_puts_leaves_no_object(workshop, kind, is_behind):
    gate = Gate(workshop.scratch.parent / "objects", kind, is_behind=is_behind)
    shop = with_objects(workshop, gate)
    async with running(shop) as bench:
        generation_id = await bench.submit("a walk")
        await gate.reached.wait()
        assert len(stored(shop)) == list(AssetKind).index(kind) + is_behind
        now = shop.clock.now()
        await bench.store.change(generation_id, lambda each: each.cancelled(now))
        shop.signal.withdraw(generation_id)
        await asyncio.sleep(0.1)  # The attempt has noticed the cancel by now.
        gate.may_go_on.set()
        await bench.emptied()
        assert (await bench.find(generation_id)).state is State.CANCELLED
        assert stored(shop) == []
        after = await bench.ended(await bench.submit("a walk"))
    assert after.state is State.COMPLETED
    assert stored(shop) == sorted(key.rpartition("/")[2] for key in after.objects)


async def test_what_another_worker_took_meanwhile_keeps_that_ones_result_and_no_other(workshop):
    gate = Gate(workshop.scratch.parent / "objects", AssetKind.THUMBNAIL, is_behind=True)
    shop = with_objects(workshop, gate)
    async with running(shop) as bench:
        generation_id = await bench.submit("a walk")
        await gate.reached.wait()
        later = shop.clock.now()
        await bench.store.change(generation_id, lambda each: each.abandoned(later))
        shop.signal.withdraw(generation_id)
        await asyncio.sleep(0.1)
        gate.may_go_on.set()
        done = await bench.ended(generation_id)
        await bench.emptied()
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    assert stored(shop) == sorted(key.rpartition("/")[2] for key in done.objects)


async def test_what_is_lost_while_the_store_is_away_leaves_no_object(workshop):
    class Away:
        """A store that cannot write the completion of a generation."""

        def __init__(self, store) -> None:
            self.store, self.tried = store, asyncio.Event()

        def __getattr__(self, name):
            return getattr(self.store, name)

        async def change(self, generation_id, change):
            found = await self.store.find(generation_id)
            try:
                if found is not None and change(found).state is State.COMPLETED:
                    self.tried.set()
                    raise Unavailable("the store is away")
            except LeaseLost:
                pass
            return await self.store.change(generation_id, change)

    away = Away(workshop.work.store)
    shop = dataclasses.replace(workshop, work=dataclasses.replace(workshop.work, store=away))
    async with running(shop) as bench:
        generation_id = await bench.submit("a walk")
        await away.tried.wait()
        assert len(stored(shop)) == len(AssetKind)
        now = shop.clock.now()
        await away.store.change(generation_id, lambda each: each.cancelled(now))
        shop.signal.withdraw(generation_id)
        await bench.emptied()
        assert stored(shop) == []
