"""The preparation stage: slow inputs of one subscription delay nobody else."""

import asyncio
import dataclasses
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import GenerationFailed, Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.worker.input_stage import PLACES, PLACES_EACH_LANE, SHARES
from stillmotion.worker.renderer.handle import PATIENCE
from tests.timing import tries
from tests.waiting import eventually_async, stays_async
from tests.worker.conftest import PRODUCT, Bench, Pictures, png, running

SHARE = (PLACES + PLACES_EACH_LANE) // SHARES
SLOW = Keyframe(url="https://example.com/slow.png")


@dataclasses.dataclass
class SlowPictures(Pictures):
    """Pictures of which the slow ones wait until a test releases them."""

    let_through: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    under_way: int = 0
    fetched: list[str] = dataclasses.field(default_factory=list)

    async def fetch(self, url: str, destination: str) -> None:
        self.fetched.append(url)
        self.under_way += 1
        try:
            if "slow" in url:
                await self.let_through.wait()
            if "late" in url:
                raise GenerationFailed("image_fetch_timeout", "Its server took too long.", permanent=False)
        finally:
            self.under_way -= 1
        await super().fetch(url, destination)


@pytest.fixture
def pictures():
    return SlowPictures()


@pytest.fixture
def shop(workshop, pictures):
    return dataclasses.replace(workshop, images=pictures)


async def submit_as(bench: Bench, subscription: str, frame0=None, prompt: str = "a walk") -> str:
    now = bench.workshop.clock.now()
    frame0 = frame0 or Keyframe(url="https://example.com/picture.png")
    request = GenerationRequest(prompt=prompt, frame0=frame0, seconds=1.0)
    generation = Generation(f"{subscription}-{now.timestamp():.6f}", subscription, "gateway", request, "fake/1", now)
    await bench.store.submit(Submission(generation, PRODUCT))
    bench.workshop.signal.notify()
    return generation.id


async def test_pictures_that_never_come_do_not_keep_the_lane(shop, pictures):
    async with running(shop) as bench:
        slow = [await submit_as(bench, "attacker", SLOW) for _ in range(10)]
        await eventually_async(lambda: pictures.under_way == SHARE)
        took = []
        for _ in tries(took, 1.0):
            began = shop.clock.monotonic()
            done = await bench.ended(await submit_as(bench, "neighbour"))
            took.append(shop.clock.monotonic() - began)
        assert done.state is State.COMPLETED
        states = [(await bench.find(each)).state for each in slow]
        assert states.count(State.DREAMING) == SHARE
        assert states.count(State.QUEUED) == 10 - SHARE
    assert took[-1] < 1.0


async def test_what_came_slowly_is_made_all_the_same(shop, pictures):
    async with running(shop) as bench:
        slow = [await submit_as(bench, "attacker", SLOW) for _ in range(5)]
        await eventually_async(lambda: pictures.under_way == SHARE)
        pictures.let_through.set()
        ended = [await bench.ended(each) for each in slow]
    assert [(each.state, each.attempt) for each in ended] == [(State.COMPLETED, 1)] * 5
    assert pictures.fetched == [SLOW.url] * 5


async def test_a_second_try_does_not_fetch_again_and_nothing_is_left(shop, pictures):
    async with running(shop) as bench:
        crashing = await submit_as(bench, "one", prompt="crash")
        failed = await bench.ended(crashing)
        await eventually_async(lambda: not list(shop.fetched.root.iterdir()))
    assert (failed.state, failed.attempt) == (State.FAILED, 3)
    assert len(pictures.fetched) == 1


async def test_a_host_that_is_started_again_takes_what_was_fetched_and_removes_what_is_over(shop, pictures):
    async with running(shop) as bench:
        generation_id = await submit_as(bench, "one", prompt="slow slow slow")
        await bench.rendering(generation_id)
    over = shop.fetched.root / "over-long-ago"
    over.mkdir()
    (over / "frame0").write_bytes(b"a picture")
    async with running(shop) as bench:
        done = await bench.ended(generation_id)
        await eventually_async(lambda: not list(shop.fetched.root.iterdir()))
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    assert len(pictures.fetched) == 1


async def test_half_a_picture_is_fetched_again(shop, pictures):
    folder = shop.fetched.root / "half"
    folder.mkdir(parents=True)
    (folder / "frame0.unfinished").write_bytes(png()[:20])
    taken = await shop.fetched.file("half", "frame0", lambda path: pictures.fetch("https://example.com/a", path))
    assert Path(taken).read_bytes() == png()
    assert [each.name for each in folder.iterdir()] == ["frame0"]


async def test_pictures_that_take_long_to_decode_do_not_keep_the_lane(shop):
    endless = Keyframe(url="https://example.com/?do=sleep")
    # A busy machine may take longer than usual to tell the renderer of a cancel, which would then be killed.
    async with running(shop, patience=replace(PATIENCE, cancel=timedelta(seconds=1))) as bench:
        slow = [await submit_as(bench, "attacker", endless) for _ in range(6)]
        await bench.until(slow[0], lambda each: each.state is State.DREAMING)
        took = []
        for _ in tries(took, 3.0):
            began = shop.clock.monotonic()
            done = await bench.ended(await submit_as(bench, "neighbour"))
            took.append(shop.clock.monotonic() - began)
        pids = [each.pid for each in bench.renderers]
        assert done.state is State.COMPLETED
        assert (await bench.find(slow[0])).state is State.DREAMING
        now = shop.clock.now()
        for each in slow:
            await bench.store.change(each, lambda generation: generation.cancelled(now))
            shop.signal.withdraw(each)
        assert await bench.emptied() < 2.0
    assert took[-1] < 3.0
    assert len(pids) == 1, "the renderer stayed warm"


async def test_a_picture_that_takes_long_is_made_all_the_same(shop):
    unhurried = Keyframe(url="https://example.com/?do=linger")
    async with running(shop) as bench:
        done = await bench.ended(await submit_as(bench, "one", unhurried))
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 1, 0)


async def test_all_places_together_have_a_limit(shop, pictures):
    async with running(shop) as bench:
        for number in range(SHARES + 4):
            for _ in range(SHARE):
                await submit_as(bench, f"attacker {number}", SLOW)
        places = PLACES + PLACES_EACH_LANE
        await eventually_async(lambda: pictures.under_way == places)
        await stays_async(lambda: pictures.under_way == places, 0.6)


async def test_a_lane_that_is_busy_claims_nothing(shop, pictures):
    async with running(shop) as bench:
        first = await submit_as(bench, "one", prompt="slow slow")
        await bench.rendering(first)
        second = await submit_as(bench, "two")

        async def is_queued():
            return (await bench.find(second)).state is State.QUEUED

        await stays_async(is_queued, 0.3)
        assert (await bench.ended(second)).state is State.COMPLETED
        assert (await bench.find(first)).state is State.COMPLETED


async def test_a_second_try_comes_after_the_neighbour(shop, pictures):
    late = Keyframe(url="https://example.com/slow-late.png")
    async with running(shop) as bench:
        rendering = await submit_as(bench, "third", prompt="slow slow slow")
        await bench.rendering(rendering)
        attacker = await submit_as(bench, "attacker", late)
        neighbour = await submit_as(bench, "neighbour")
        pictures.let_through.set()
        await bench.ended(neighbour)
        await bench.ended(attacker)
    assert pictures.fetched[-4:] == [late.url, "https://example.com/picture.png", late.url, late.url]


async def test_a_cancel_takes_effect_within_a_quarter_second_while_a_picture_is_fetched(shop, pictures):
    async with running(shop) as bench:
        took = []
        for _ in tries(took, 0.25):
            generation_id = await submit_as(bench, "attacker", SLOW)
            await eventually_async(lambda: pictures.under_way == 1)
            now = shop.clock.now()
            await bench.store.change(generation_id, lambda each, at=now: each.cancelled(at))
            shop.signal.withdraw(generation_id)
            took.append(await bench.emptied())
        assert pictures.under_way == 0
    assert took[-1] < 0.25


async def test_a_cancel_takes_effect_while_what_is_ready_waits_for_a_lane(shop, pictures):
    async with running(shop) as bench:
        waiting = await submit_as(bench, "waiting", SLOW)
        await eventually_async(lambda: pictures.under_way == 1)
        rendering = await submit_as(bench, "rendering", prompt="slow slow slow")
        await bench.rendering(rendering)
        pictures.let_through.set()
        await eventually_async(lambda: pictures.under_way == 0)
        now = shop.clock.now()
        await bench.store.change(waiting, lambda each: each.cancelled(now))
        shop.signal.withdraw(waiting)
        await eventually_async(lambda: not (shop.scratch / f"{waiting}.1").exists())
        assert (await bench.find(rendering)).state is State.DREAMING
        assert (await bench.ended(rendering)).attempt == 1


async def test_a_drain_hands_back_at_once_what_waits_for_its_inputs(shop, pictures):
    async with running(shop) as bench:
        waiting = await submit_as(bench, "waiting", SLOW)
        await eventually_async(lambda: pictures.under_way == 1)
        rendering = await submit_as(bench, "rendering", prompt="slow slow")
        await bench.rendering(rendering)
        draining = asyncio.create_task(bench.host.drain(timedelta(seconds=20)))
        back = await bench.until(waiting, lambda each: each.state is State.QUEUED)
        assert not draining.done(), "it does not wait for what is rendered"
        await draining
        assert (await bench.find(rendering)).state is State.COMPLETED
    assert (back.failures, back.lease_until) == (0, None)


async def test_a_drain_makes_what_was_claimed_just_before(shop):
    class Soon(Pictures):
        async def fetch(self, url: str, destination: str) -> None:
            draining.append(asyncio.create_task(bench.host.drain(timedelta(seconds=20))))
            await eventually_async(lambda: bench.host.stopping)
            await super().fetch(url, destination)

    draining: list[asyncio.Task[None]] = []
    async with running(dataclasses.replace(shop, images=Soon())) as bench:
        generation_id = await submit_as(bench, "one")
        await eventually_async(lambda: draining)
        await draining[0]
        assert (await bench.find(generation_id)).state is State.COMPLETED


async def test_the_lease_is_kept_while_inputs_come(shop, pictures):
    async with running(shop) as bench:
        generation_id = await submit_as(bench, "attacker", SLOW)
        await eventually_async(lambda: pictures.under_way == 1)
        first = await bench.find(generation_id)
        renewed = await bench.until(generation_id, lambda each: each.lease_until > first.lease_until)
        assert generation_id not in await shop.work.ended()
    assert (renewed.state, renewed.attempt) == (State.DREAMING, 1)


async def test_a_scratch_folder_that_is_full_makes_the_lane_rest_and_costs_no_attempt(shop):
    class Full(Pictures):
        tried = 0

        async def fetch(self, url: str, destination: str) -> None:
            self.tried += 1
            if self.tried < 3:
                raise Unavailable("the picture's file cannot be written: No space left on device")
            await super().fetch(url, destination)

    full = Full()
    async with running(dataclasses.replace(shop, images=full)) as bench:
        began = shop.clock.monotonic()
        done = await bench.ended(await submit_as(bench, "one"))
        took = shop.clock.monotonic() - began
    assert (done.state, done.failures) == (State.COMPLETED, 0)
    assert full.tried == 3
    assert took > 2.0, "it rests a second, then two"


async def test_storage_that_is_slow_with_one_picture_keeps_nobody_else_waiting(workshop):
    class Slow(LocalObjects):
        def __init__(self, directory: Path) -> None:
            super().__init__(directory)
            self.reading = 0

        async def fetch_file(self, key: str, path: str) -> None:
            if "slow" in key:
                self.reading += 1
                await asyncio.Event().wait()
            await super().fetch_file(key, path)

    objects = Slow(workshop.scratch.parent / "objects")
    await objects.put("inputs/slow/picture", png())
    shop = dataclasses.replace(workshop, objects=objects, work=dataclasses.replace(workshop.work, objects=objects))
    async with running(shop) as bench:
        await submit_as(bench, "attacker", Keyframe(key="inputs/slow/picture"))
        await eventually_async(lambda: objects.reading == 1)
        done = await bench.ended(await submit_as(bench, "neighbour"))
    assert done.state is State.COMPLETED
