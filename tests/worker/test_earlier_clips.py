"""Generations from earlier ones, by real renderer processes: extended, led into, upscaled, reframed."""

import dataclasses
import json

import pytest

from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.application.generations import Generations
from stillmotion.application.uploads import Uploads
from stillmotion.domain.lifecycle import State
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import (
    AspectRatio,
    FrameSize,
    GenerationRequest,
    Keyframe,
    Purpose,
    Resolution,
    VideoCodec,
)
from stillmotion.domain.subscriptions import Subscription
from stillmotion.media.input.probe import probe
from tests.timing import tries
from tests.worker.conftest import PRODUCT, Bench, running

PICTURE = Keyframe(url="https://example.com/picture.png")
SMALL = {"seconds": 1.0, "resolution": Resolution.P540}


class Desk:
    """Submits through the application, as a surface makes them, with a running worker."""

    def __init__(self, bench: Bench) -> None:
        self.bench, shop = bench, bench.workshop
        self.owner = Subscription("s", "tests", PRODUCT, shop.clock.now(), "whsec_eHg=")
        self.generations = Generations(
            bench.store,
            shop.objects,
            shop.signal,
            UrlGuard(AddressPolicy()),
            shop.clock,
            new_uuid7,
            new_token,
            read_catalogue(),
            Uploads(bench.store, shop.objects, shop.clock, new_uuid7, new_token),
        )

    async def submit(self, prompt: str = "a walk", **parts) -> str:
        request = GenerationRequest(**{"prompt": prompt, "frame0": PICTURE} | SMALL | parts)
        return (await self.generations.submit(self.owner, "gateway", request)).generation.id

    async def made(self, prompt: str = "a walk", **parts):
        return await self.bench.ended(await self.submit(prompt, **parts))

    async def another(self, source: str, purpose: Purpose, **parts):
        return await self.made("", frame0=None, purpose=purpose, source=source, **parts)

    async def facts(self, generation, folder):
        await self.bench.workshop.objects.fetch_file(generation.assets.video.key, str(folder / "made.mp4"))
        return probe(folder / "made.mp4", whole=True)


async def test_a_finished_clip_is_upscaled_and_then_reframed(workshop, tmp_path):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source = await desk.made()
        larger = await desk.another(source.id, Purpose.UPSCALE, resolution=Resolution.P720)
        tall = await desk.another(larger.id, Purpose.REFRAME, aspect_ratio=AspectRatio.TALL)
        whole = await desk.another(
            source.id, Purpose.REFRAME, aspect_ratio=AspectRatio.SQUARE, placement=Placement(top=0)
        )
        assert [each.state for each in (source, larger, tall, whole)] == [State.COMPLETED] * 4
        assert (await desk.facts(source, tmp_path)).size == FrameSize(960, 540)
        facts = await desk.facts(larger, tmp_path)
        assert (facts.size, facts.frame_count, facts.fps) == (FrameSize(1280, 720), 8, 24)
        assert (await desk.facts(tall, tmp_path)).size == FrameSize(720, 1280)
        assert (await desk.facts(whole, tmp_path)).size == FrameSize(720, 720)
    plans = [json.loads(each.plan) for each in (larger, tall, whole)]
    assert [plan["purpose"] for plan in plans] == ["upscale_video", "reframe_video", "reframe_video"]
    assert plans[0]["source"] == {"moves": []}
    assert plans[2]["picture"] == [0, 0, 720, 404]
    assert larger.engine == "resample/1"


async def test_a_clip_goes_on_from_the_last_frame_of_another_and_leads_into_the_first(workshop):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source = await desk.made("fade")
        extended = await desk.made("tell", frame0=Keyframe(id=source.id))
        lead_in = await desk.made("tell", frame0=None, frame1=Keyframe(id=source.id))
        between = await desk.made("tell", frame0=Keyframe(id=source.id), frame1=Keyframe(id=source.id))
    plans = [json.loads(each.plan) for each in (extended, lead_in, between)]
    dark, bright = pytest.approx(47, abs=3), pytest.approx(210, abs=3)  # Luma 56 and 196 in limited range, as RGB.
    source_plan = '{"moves": []}'
    assert plans[0] == {"frame0": bright, "frame1": None, "plans": [source_plan, ""], "size": [960, 540]}
    assert plans[1] == {"frame0": None, "frame1": dark, "plans": ["", source_plan], "size": [960, 540]}
    assert plans[2] == {"frame0": bright, "frame1": dark, "plans": [source_plan] * 2, "size": [960, 540]}


async def test_what_it_was_to_be_made_from_may_be_gone_by_then(workshop):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source, stored = await desk.made(), await desk.made()
        await workshop.objects.delete(stored.assets.video.key)
        lost = await desk.another(stored.id, Purpose.UPSCALE, resolution=Resolution.P720)
        blocker = await desk.submit("slow slow")
        waiting = await desk.submit(frame0=Keyframe(id=source.id))
        await bench.store.delete(source.id)
        await bench.ended(blocker)
        gone = await bench.ended(waiting)
    for failed in (lost, gone):
        assert (failed.state, failed.failure_code, failed.attempt) == (State.FAILED, "source_gone", 1)


async def test_nothing_is_made_from_a_clip_that_storage_has_damaged(workshop):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source = await desk.made()
        path = workshop.scratch.parent / "objects" / source.assets.video.key
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        failed = await desk.another(source.id, Purpose.UPSCALE, resolution=Resolution.P720)
        extended = await desk.made(frame0=Keyframe(id=source.id))
    for each in (failed, extended):
        assert (each.state, each.failure_code, each.attempt) == (State.FAILED, "source_damaged", 1)


async def test_an_upscaling_is_cancelled_within_a_quarter_second(workshop):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source, took = await desk.made("long"), []
        for _ in tries(took, 0.25):
            generation_id = await desk.submit(
                "", frame0=None, purpose=Purpose.UPSCALE, source=source.id, resolution=Resolution.P1080
            )
            await bench.rendering(generation_id)
            await bench.until(generation_id, lambda each: each.progress > 0)
            await desk.generations.cancel(desk.owner, generation_id)
            took.append(await bench.emptied())
            assert (await bench.find(generation_id)).state is State.CANCELLED
    assert took[-1] < 0.25


async def test_a_clip_is_in_the_codec_that_was_asked_for_whatever_is_set(workshop, tmp_path):
    async with running(workshop) as bench:
        desk = Desk(bench)
        source = await desk.made("fade", codec=VideoCodec.AV1)
        larger = await desk.another(source.id, Purpose.UPSCALE, resolution=Resolution.P720)
        extended = await desk.made("tell", frame0=Keyframe(id=source.id))
        codecs = [(await desk.facts(each, tmp_path)).codec for each in (source, larger, extended)]
    assert codecs == ["av1", "av1", "h264"]
    assert json.loads(extended.plan)["frame0"] == pytest.approx(210, abs=3)


async def test_clips_are_av1_where_that_is_set(workshop, tmp_path):
    async with running(dataclasses.replace(workshop, codec=VideoCodec.AV1)) as bench:
        desk = Desk(bench)
        source = await desk.made("fade")
        larger = await desk.another(source.id, Purpose.UPSCALE, resolution=Resolution.P720)
        extended = await desk.made("tell", frame0=Keyframe(id=source.id))
        for each in (source, larger, extended):
            assert (await desk.facts(each, tmp_path)).codec == "av1"
    assert json.loads(extended.plan)["frame0"] == pytest.approx(210, abs=3)
