"""Stored previews: they appear during a render, and are deleted at its end, whatever it is."""

import asyncio
import dataclasses
import os
import signal
from datetime import timedelta

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.application.preview_watch import WATCHED_FOR, PreviewWatch
from stillmotion.domain.assets import PREVIEW_SUFFIX, AssetKind
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.lifecycle import State
from stillmotion.worker.timing import WorkerTiming
from tests.builders import ManualClock
from tests.waiting import eventually_async
from tests.worker.conftest import running


def stored(workshop, generation_id):
    folder = workshop.scratch.parent / "objects" / "generations" / generation_id
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


async def shown(bench, prompt="long slow"):
    """A running generation with a preview."""
    generation = await bench.until(await bench.submit(prompt), lambda each: each.preview is not None)
    found = await bench.workshop.objects.find(generation.preview)
    content = b"".join([piece async for piece in bench.workshop.objects.read(generation.preview, 0, found.size)])
    assert (content[:2], content[-2:]) == (b"\xff\xd8", b"\xff\xd9"), "a whole JPEG"
    assert generation.preview.startswith(f"generations/{generation.id}/")
    assert len(generation.preview.rpartition("/")[2]) == 43 + len(PREVIEW_SUFFIX)
    return generation


async def gone(workshop, generation_id, left=0):
    await eventually_async(
        lambda: len(stored(workshop, generation_id)) == left and not list(workshop.scratch.iterdir())
    )


async def test_on_demand_one_is_stored_only_once_somebody_looks(workshop):
    shop = dataclasses.replace(workshop, previews_on_demand=True)
    async with running(shop) as bench:
        unseen, seen = [await bench.submit(prompt) for prompt in ("slow slow slow", "long slow")]
        shown_then = []
        done = await bench.until(unseen, lambda each: shown_then.append(each.preview) or each.is_terminal)
        assert (done.state, set(shown_then)) == (State.COMPLETED, {None})
        assert len(stored(shop, unseen)) == len(AssetKind)
        await bench.rendering(seen)
        assert (await bench.find(seen)).preview is None
        await PreviewWatch(bench.store, shop.clock, is_needed=True).look_at([seen])
        await bench.until(seen, lambda each: each.preview is not None)


async def test_a_look_that_goes_on_is_noted_now_and_then():
    clock, noted = ManualClock(), []

    class Notes:
        async def watch_previews(self, ids, until):
            noted.append((ids, until - clock.now()))

    watch = PreviewWatch(Notes(), clock, is_needed=True)
    for _ in range(3):
        await watch.look_at(["a"])
        clock.advance(seconds=2)
    await watch.look_at(["a", "b"])
    assert noted == [(["a"], WATCHED_FOR), (["a", "b"], WATCHED_FOR)]
    await PreviewWatch(Notes(), clock, is_needed=False).look_at(["a"])
    assert len(noted) == 2


async def test_it_goes_when_the_clip_is_there(workshop):
    async with running(workshop) as bench:
        generation = await shown(bench, "slow slow slow")
        done = await bench.ended(generation.id)
        await gone(workshop, done.id, left=len(AssetKind))
    assert (done.state, done.preview) == (State.COMPLETED, None)
    kept = {each.key.rpartition("/")[2] for each in done.assets}
    assert set(stored(workshop, done.id)) == kept


async def test_it_goes_with_a_cancel_and_with_a_deletion(workshop):
    async with running(workshop) as bench:
        generation = await shown(bench)
        now = workshop.clock.now()
        cancelled = await bench.store.change(generation.id, lambda each: each.cancelled(now))
        workshop.signal.withdraw(generation.id)
        await gone(workshop, generation.id)
        deleted = await shown(bench)
        await bench.store.delete(deleted.id)
        workshop.signal.withdraw(deleted.id)
        await gone(workshop, deleted.id)
    assert cancelled.preview is None


async def test_it_goes_with_its_renderer_and_the_next_attempt_has_another(workshop):
    async with running(workshop) as bench:
        first = await shown(bench)
        os.kill(bench.renderers[-1].pid, signal.SIGKILL)
        again = await bench.until(first.id, lambda each: each.attempt == 2)
        assert again.preview is None
        second = await bench.until(first.id, lambda each: each.preview is not None)
        assert second.preview != first.preview
        assert stored(workshop, first.id) == [second.preview.rpartition("/")[2]]


async def test_it_goes_when_the_work_is_handed_back(workshop):
    async with running(workshop) as bench:
        generation = await shown(bench)
        await bench.host.drain(timedelta(0))
        after = await bench.find(generation.id)
    assert (after.state, after.preview, stored(workshop, generation.id)) == (State.QUEUED, None, [])


async def test_who_takes_back_what_a_dead_worker_held_removes_it(workshop):
    async with running(workshop) as bench:
        generation = await shown(bench)
        key = "generations/" + generation.id + "/" + "lost.jpg"
        await bench.host.drain(timedelta(0))
    # The state that a killed worker would leave.
    lease = (await workshop.work.claim()).lease
    await workshop.objects.put(key, b"picture")
    await workshop.work.renew(lease, 0.5, key)
    assert await workshop.work.reclaim_all() == 1
    assert ((await workshop.work.store.find(generation.id)).preview, stored(workshop, generation.id)) == (None, [])


class Away(LocalObjects):
    """Storage that accepts clips and refuses pictures."""

    async def put(self, key, content):
        raise Unavailable("object storage cannot be reached or written to")


class Stuck(LocalObjects):
    """Storage that never answers for a picture."""

    async def put(self, key, content):
        await asyncio.Event().wait()


@pytest.mark.parametrize("storage", [Away, Stuck])
async def test_storage_in_trouble_costs_pictures_and_nothing_else(workshop, tmp_path, storage):
    objects = storage(tmp_path / "objects")
    work = dataclasses.replace(workshop.work, objects=objects)
    hasty = WorkerTiming(preview_removal=timedelta(seconds=0.2))
    workshop = dataclasses.replace(workshop, objects=objects, work=work, timing=hasty)
    seen = []
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow slow")
        done = await bench.until(generation_id, lambda each: seen.append(each.preview) or each.is_terminal)
    assert (done.state, done.attempt, set(seen)) == (State.COMPLETED, 1, {None})
