"""Generations from earlier ones: the checks at submit."""

from datetime import timedelta

import pytest

from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.objects import LocalObjects
from stillmotion.application.generations import Generations
from stillmotion.application.uploads import Uploads
from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import MAX_SECONDS, AspectRatio, Keyframe, Purpose, Resolution
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_request, a_subscription, some_assets


class Desk:
    """The use cases over a memory store with one owner, who has a finished generation."""

    def __init__(self, folder) -> None:
        self.clock, self.owner = ManualClock(), a_subscription()
        self.store = MemoryStore(self.clock)
        self.objects = LocalObjects(folder)
        self.uploads = Uploads(self.store, self.objects, self.clock, new_uuid7, new_token)
        self.generations = Generations(
            self.store,
            self.objects,
            InProcessSignal(),
            UrlGuard(AddressPolicy()),
            self.clock,
            new_uuid7,
            new_token,
            read_catalogue(),
            self.uploads,
        )

    async def submit(self, owner=None, **parts):
        return (await self.generations.submit(owner or self.owner, "gateway", a_request(**parts))).generation

    async def finished(self, **parts) -> str:
        generation = await self.submit(**parts)
        until = self.clock.now() + timedelta(seconds=15)
        claimed = await self.store.change(generation.id, lambda each: each.claimed(until))
        assets, now = some_assets(generation.id), self.clock.now()
        await self.store.change(generation.id, lambda each: each.completed(claimed.lease, assets, "{}", now))
        return generation.id


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


async def test_an_upscaled_clip_is_as_long_as_its_source_and_made_by_no_engine(desk):
    source = await desk.finished(seconds=9.0)
    made = await desk.submit(
        purpose=Purpose.UPSCALE, source=source, prompt="", frame0=None, resolution=Resolution.P1080
    )
    assert (made.engine, made.request.seconds, made.request.resolution) == ("resample/1", 9.0, Resolution.P1080)
    assert (await desk.store.find(made.id)).request.source == source


async def test_a_reframed_clip_keeps_its_sources_length_and_area(desk):
    source = await desk.finished(seconds=3.0, resolution=Resolution.P540)
    made = await desk.submit(
        purpose=Purpose.REFRAME, source=source, prompt="", frame0=None, aspect_ratio=AspectRatio.TALL
    )
    assert (made.request.seconds, made.request.resolution) == (3.0, Resolution.P540)
    with pytest.raises(InvalidRequest, match="x_start"):
        await desk.submit(
            purpose=Purpose.REFRAME,
            source=source,
            prompt="",
            frame0=None,
            aspect_ratio=AspectRatio.TALL,
            placement=Placement(left=600),
        )


async def test_a_placement_is_judged_in_the_frame_of_the_reframed_clip(desk):
    """The frame is tall: 720 pixels wide at 720p, and 1080 at 1080p."""
    source = await desk.finished(resolution=Resolution.P1080)
    parts = {"prompt": "", "frame0": None, "aspect_ratio": AspectRatio.TALL, "placement": Placement(left=900)}
    made = await desk.submit(purpose=Purpose.REFRAME, source=source, **parts)
    assert made.request.placement == Placement(left=900)


async def test_a_request_that_breaks_a_rule_is_refused_with_every_problem(desk):
    with pytest.raises(InvalidRequest) as refused:
        await desk.submit(prompt=" ", seconds=99, seed=-1)
    assert [problem.field for problem in refused.value.problems] == ["prompt", "seconds", "seed"]


async def test_anyones_video_counts_as_the_longest_clip_and_comes_from_a_public_address(desk):
    parts = {"purpose": Purpose.REFRAME, "prompt": "", "frame0": None, "aspect_ratio": AspectRatio.TALL}
    made = await desk.submit(source_url="https://example.com/film.mp4", **parts)
    assert (made.engine, made.request.seconds, made.request.source) == ("resample/1", MAX_SECONDS, None)
    with pytest.raises(InvalidRequest, match=r"^source\.url: "):
        await desk.submit(source_url="http://127.0.0.1/film.mp4", **parts)


async def test_a_clip_is_not_upscaled_to_less_than_it_has(desk):
    source = await desk.finished(resolution=Resolution.P1080)
    with pytest.raises(InvalidRequest, match="resolution: must be above the video's own 1080p"):
        await desk.submit(purpose=Purpose.UPSCALE, source=source, prompt="", frame0=None)


@pytest.mark.parametrize("whose", ["unknown", "another's", "unfinished"])
async def test_what_is_not_there_to_start_from_is_named(desk, whose):
    asker = a_subscription() if whose == "another's" else desk.owner
    if whose == "unfinished":
        earlier, why = (await desk.submit()).id, "is queued: give the id of a completed generation"
    else:
        earlier = await desk.finished() if whose == "another's" else new_uuid7()
        why = "is not one of your generations: give the id of one"
    asked = [
        ("frame0.id", {"frame0": Keyframe(id=earlier)}),
        ("frame1.id", {"frame1": Keyframe(id=earlier)}),
        ("source", {"purpose": Purpose.UPSCALE, "source": earlier, "resolution": Resolution.P2160}),
    ]
    for field, parts in asked:
        with pytest.raises(InvalidRequest) as refused:
            await desk.submit(asker, **parts)
        assert [(problem.field, problem.message) for problem in refused.value.problems] == [(field, why)]
