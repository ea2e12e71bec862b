"""`GenerationStore`: the view of a generation that its owner gets."""

import pytest

from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, GenerationRequest, Keyframe, Purpose, Resolution
from tests.builders import NOON, some_assets
from tests.contracts.test_generation_store import claim, submit


async def test_the_view_of_a_generation_is_what_was_last_committed(store, subscription):
    generation = (await submit(store, subscription)).generation
    assert await store.view(subscription.id, generation.id) == generation.view
    claimed = await store.change(generation.id, claim)
    assert await store.view(subscription.id, generation.id) == claimed.view
    done = await store.change(generation.id, lambda each: each.completed(claimed.lease, some_assets(), "{}", NOON))
    assert await store.view(subscription.id, generation.id) == done.view
    assert done.view.video == done.assets.video.key


@pytest.mark.parametrize(
    "frame", [None, Keyframe(url="https://example.com/a.jpg"), Keyframe(key="inputs/a/b"), Keyframe(id="g")]
)
async def test_a_view_shows_all_that_was_asked(store, subscription, frame):
    asked = {
        "prompt": "a lake",
        "aspect_ratio": AspectRatio.TALL,
        "loop": True,
        "seconds": 7.5,
        "resolution": Resolution.P1080,
        "concepts": ("orbit_left", "handheld"),
        "callback_url": "https://example.com/told",
        "model": "ray-2",
    }
    generation = (await submit(store, subscription, frame0=frame, frame1=frame, **asked)).generation
    view = await store.view(subscription.id, generation.id)
    assert view == generation.view
    assert view.request == GenerationRequest(frame0=frame, frame1=frame, **asked)


async def test_a_view_shows_what_a_reframed_clip_is_made_of(store, subscription):
    asked = {
        "source_url": "https://example.com/clip.mp4",
        "aspect_ratio": AspectRatio.TALL,
        "purpose": Purpose.REFRAME,
        "placement": Placement(left=-20, width=1280),
    }
    generation = (await submit(store, subscription, prompt="", frame0=None, **asked)).generation
    view = await store.view(subscription.id, generation.id)
    assert view == generation.view
    assert view.request == GenerationRequest("", **asked)
