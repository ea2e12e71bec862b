"""The worker host: the life of a generation over real renderer processes."""

import asyncio
import dataclasses
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.leases import LEASE
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import MAX_FAILURES
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import Keyframe
from stillmotion.domain.subscriptions import Subscription
from stillmotion.media.input.probe import probe
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.input_stage import POLL
from stillmotion.worker.renderer.handle import RendererProcess
from tests.timing import tries
from tests.waiting import eventually_async
from tests.worker.conftest import FAKE_RENDERER, PRODUCT, Bench, Pictures, png, running


async def cancel(bench: Bench, generation_id: str) -> None:
    now = bench.workshop.clock.now()
    await bench.store.change(generation_id, lambda generation: generation.cancelled(now))
    bench.workshop.signal.withdraw(generation_id)


async def test_a_submitted_generation_becomes_a_clip(workshop, tmp_path):
    async with running(workshop) as bench:
        done = await bench.ended(await bench.submit("a walk"))
        await bench.emptied()  # The scratch files are removed after the end is stored.
    assert (done.state, done.attempt, done.failures, done.plan) == (State.COMPLETED, 1, 0, '{"moves": []}')
    video = tmp_path / "video.mp4"
    await workshop.objects.fetch_file(done.assets.video.key, str(video))
    assert probe(video, whole=True).frame_count == 8
    assert video.stat().st_size == done.assets.video.size
    assert await workshop.objects.find(done.assets.thumbnail.key) is not None


async def test_the_same_over_the_embedded_store(workshop, tmp_path):
    store = open_store(tmp_path / "store.sqlite3")
    workshop = dataclasses.replace(workshop, work=dataclasses.replace(workshop.work, store=store))
    owner = Subscription("s", "tests", PRODUCT, workshop.clock.now(), "whsec_eHg=")
    await store.add_product(PRODUCT)
    await store.add_subscription(owner, [])
    try:
        async with running(workshop) as bench:
            done = await bench.ended(await bench.submit("a walk"))
    finally:
        store.close()
    assert done.state is State.COMPLETED


async def test_a_stored_picture_is_taken_from_storage(workshop):
    await workshop.objects.put("inputs/x/picture", png(36, 64))
    async with running(workshop) as bench:
        done = await bench.ended(await bench.submit("a walk", Keyframe(key="inputs/x/picture")))
        lost = await bench.ended(await bench.submit("a walk", Keyframe(key="inputs/x/gone")))
    assert done.state is State.COMPLETED
    assert (lost.state, lost.failure_code, lost.attempt) == (State.FAILED, "image_gone", 1)


async def test_a_killed_renderer_costs_one_attempt_and_the_next_completes(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow")
        await bench.rendering(generation_id)
        os.kill(bench.renderers[-1].pid, signal.SIGKILL)
        done = await bench.ended(generation_id)
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 2, 1)


async def test_what_crashes_every_renderer_fails_with_a_reason(workshop):
    async with running(workshop) as bench:
        failed = await bench.ended(await bench.submit("crash"))
        after = await bench.ended(await bench.submit("a walk"))
    assert (failed.state, failed.attempt, failed.failures) == (State.FAILED, MAX_FAILURES, MAX_FAILURES)
    assert (failed.failure_code, failed.failure_reason) == (
        "renderer_crashed",
        "The renderer crashed on this generation.",
    )
    assert after.state is State.COMPLETED


async def test_a_cancelled_render_stops_within_a_quarter_second(workshop):
    async with running(workshop) as bench:
        took = []
        for _ in tries(took, 0.25):
            generation_id = await bench.submit("slow slow")
            await bench.rendering(generation_id)
            renderer = bench.renderers[-1]
            await cancel(bench, generation_id)
            took.append(await bench.emptied())
        after = await bench.ended(await bench.submit("a walk"))
    assert took[-1] < 0.25
    assert (await workshop.work.store.find(generation_id)).state is State.CANCELLED
    assert after.state is State.COMPLETED
    assert bench.renderers[-1] is renderer, "it stayed warm"


async def test_the_render_of_what_is_deleted_stops_and_leaves_nothing(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow slow")
        await bench.rendering(generation_id)
        await bench.store.delete(generation_id)
        workshop.signal.withdraw(generation_id)
        await bench.emptied()
        after = await bench.ended(await bench.submit("a walk"))
    assert after.state is State.COMPLETED
    stored = [each.key async for found in workshop.objects.list("generations") for each in found]
    assert sorted(stored) == sorted(after.objects)


async def test_a_renderer_too_busy_to_listen_is_killed_for_a_cancel(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("stubborn")
        await bench.rendering(generation_id)
        await cancel(bench, generation_id)
        after = await bench.ended(await bench.submit("a walk"))
    assert after.state is State.COMPLETED


async def test_an_undecodable_picture_fails_at_once_and_the_renderer_serves_on(workshop):
    async with running(workshop) as bench:
        failed = await bench.ended(await bench.submit("a walk", Keyframe(url="https://example.com/broken.png")))
        after = await bench.ended(await bench.submit("a walk"))
        renderers = [each for each in bench.renderers if each.ready]
    assert (failed.state, failed.attempt, failed.failure_code) == (State.FAILED, 1, "image_decode_failed")
    assert after.state is State.COMPLETED
    assert len(renderers) == 1


@pytest.mark.parametrize("harm", ["segfault", "abort", "allocate"])
async def test_a_picture_that_kills_its_decoder_fails_for_good_and_the_renderer_serves_on(workshop, harm):
    async with running(workshop) as bench:
        failed = await bench.ended(await bench.submit("a walk", Keyframe(url=f"https://example.com/?do={harm}")))
        after = await bench.ended(await bench.submit("a walk"))
    assert (failed.state, failed.attempt, failed.failure_code) == (State.FAILED, 1, "image_decode_failed")
    assert after.state is State.COMPLETED
    assert len(bench.renderers) == 1


async def test_a_decoder_killed_from_outside_costs_attempts_of_which_there_are_three(workshop):
    async with running(workshop) as bench:
        failed = await bench.ended(await bench.submit("a walk", Keyframe(url="https://example.com/?do=be-killed")))
        after = await bench.ended(await bench.submit("a walk"))
    assert (failed.state, failed.failures, failed.failure_code) == (State.FAILED, MAX_FAILURES, "image_decode_failed")
    assert after.state is State.COMPLETED


async def test_a_renderer_killed_while_a_picture_is_decoded_costs_one_attempt(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("a walk", Keyframe(url="https://example.com/?do=dawdle"))
        await bench.until(generation_id, lambda generation: generation.state is State.DREAMING)
        await eventually_async(lambda: bench.renderers[-1].stage == "decoding")
        os.kill(bench.renderers[-1].pid, signal.SIGKILL)
        ended = await bench.ended(generation_id)
    assert (ended.state, ended.attempt, ended.failures) == (State.COMPLETED, 2, 1)


async def test_a_fetch_that_may_yet_succeed_is_tried_three_times(workshop):
    async with running(workshop) as bench:
        missing = await bench.ended(await bench.submit("a walk", Keyframe(url="https://example.com/missing")))
        unreachable = await bench.ended(await bench.submit("a walk", Keyframe(url="https://example.com/unreachable")))
    assert (missing.state, missing.attempt) == (State.FAILED, 1)
    assert (unreachable.state, unreachable.attempt) == (State.FAILED, MAX_FAILURES)


async def test_an_engine_says_no_in_its_own_words(workshop):
    async with running(workshop) as bench:
        refused = await bench.ended(await bench.submit("refuse"))
        broken = await bench.ended(await bench.submit("bug"))
    assert (refused.failure_code, refused.failure_reason) == ("prompt_refused", "This engine will not draw that.")
    assert (broken.failure_code, broken.failures) == ("engine_failed", MAX_FAILURES)
    assert "ZeroDivision" not in broken.failure_reason


async def test_a_full_disk_is_not_the_generations_fault(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("full")
        released = await bench.until(generation_id, lambda each: each.attempt == 1 and each.state is State.QUEUED)
    assert released.failures == 0


async def test_draining_hands_back_what_does_not_end_in_time(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow slow slow")
        await bench.rendering(generation_id)
        await bench.host.drain(timedelta(seconds=0.05))
        released = await bench.find(generation_id)
        assert not bench.host.alive
        pids = [each.pid for each in bench.renderers if each.ready]
    assert (released.state, released.failures, released.lease_until) == (State.QUEUED, 0, None)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_draining_lets_a_render_end_within_the_grace_and_claims_no_other(workshop):
    async with running(workshop) as bench:
        first, second = await bench.submit("slow"), await bench.submit("a walk")
        await bench.rendering(first)
        await bench.host.drain(timedelta(seconds=10))
        assert (await bench.find(first)).state is State.COMPLETED
        assert (await bench.find(second)).state is State.QUEUED


async def test_a_render_in_hand_is_renewed_and_not_reclaimed(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow slow")
        first = await bench.rendering(generation_id)
        renewed = await bench.until(generation_id, lambda each: each.progress > 0)
        assert first.lease_until < renewed.lease_until <= workshop.clock.now() + LEASE
        assert await workshop.work.ended() == frozenset()
        assert await workshop.work.reclaim([generation_id]) == 0
        assert (await bench.ended(generation_id)).attempt == 1


async def test_an_idle_worker_starts_a_generation_at_once(workshop):
    async with running(workshop) as bench:
        waits = []
        for _ in range(5):
            generation_id = await bench.submit("a walk")
            loop = asyncio.get_running_loop()
            began = loop.time()
            await bench.until(generation_id, lambda each: each.state is not State.QUEUED)
            waits.append(loop.time() - began)
            await bench.ended(generation_id)
    assert sorted(waits)[2] < POLL.total_seconds() / 2, "it was told, and did not come to look"


async def test_two_lanes_render_side_by_side(workshop):
    async with running(workshop, lanes=2) as bench:
        await eventually_async(lambda: sum(each.alive for each in bench.renderers) == 2)
        first, second = await bench.submit("slow"), await bench.submit("slow")
        assert (await bench.rendering(first, renderers=2)).state is State.DREAMING
        assert (await bench.find(second)).state is State.DREAMING
        assert {(await bench.ended(each)).state for each in (first, second)} == {State.COMPLETED}


async def test_a_clip_waits_for_storage_to_come_back(workshop):
    class Away(LocalObjects):
        left = 2

        async def put_file(self, key: str, path: str) -> None:
            if self.left:
                self.left -= 1
                raise Unavailable("storage is away")
            await super().put_file(key, path)

    work = dataclasses.replace(workshop.work, objects=Away(workshop.scratch.parent / "objects"))
    async with running(dataclasses.replace(workshop, work=work)) as bench:
        done = await bench.ended(await bench.submit("a walk"))
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 1, 0)


async def test_a_renderer_that_died_idle_costs_the_generation_nothing(workshop):
    class Slow(Pictures):
        async def fetch(self, url: str, destination: str) -> None:
            if bench.renderers[-1].ready and len([each for each in bench.renderers if each.ready]) == 1:
                os.kill(bench.renderers[-1].pid, signal.SIGKILL)
                await eventually_async(lambda: not bench.renderers[-1].alive)
            await super().fetch(url, destination)

    async with running(dataclasses.replace(workshop, images=Slow())) as bench:
        done = await bench.ended(await bench.submit("a walk"))
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 2, 0)


async def test_nothing_is_claimed_while_no_renderer_can_be_started(workshop):
    tried = []

    def broken() -> RendererProcess:
        tried.append(1)
        return RendererProcess((sys.executable, "-c", "raise SystemExit(3)"))

    host = WorkerHost(workshop, broken)
    task = asyncio.create_task(host.run())
    bench = Bench(workshop, workshop.work.store, host)
    generation_id = await bench.submit("a walk")
    await eventually_async(lambda: len(tried) > 1)
    assert not host.alive
    assert (await bench.find(generation_id)).attempt == 0
    await host.drain(timedelta(seconds=5))
    await task


async def test_what_its_owner_deletes_meanwhile_is_forgotten(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow")
        await bench.rendering(generation_id)
        await bench.store.delete(generation_id)
        workshop.signal.withdraw(generation_id)
        after = await bench.ended(await bench.submit("a walk"))
    assert after.state is State.COMPLETED


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_renderer_that_was_spawned_before_the_host_is_its_first_unless_it_is_gone(workshop, is_killed):
    spawned = RendererProcess(FAKE_RENDERER)
    await spawned.spawn()
    if is_killed:
        await spawned.kill()
    made = [spawned]
    waiting = iter(made.copy())

    def new_renderer() -> RendererProcess:
        if (first := next(waiting, None)) is None:
            made.append(RendererProcess(FAKE_RENDERER))
        return first or made[-1]

    host = WorkerHost(workshop, new_renderer)
    task = asyncio.create_task(host.run())
    try:
        bench = Bench(workshop, workshop.work.store, host)
        done = await bench.ended(await bench.submit("a walk"))
        assert [each.alive for each in made] == ([False, True] if is_killed else [True])
    finally:
        await host.drain(timedelta(0))
        await task
    assert (done.state, done.attempt) == (State.COMPLETED, 1)
    assert not any(each.alive for each in made)
