"""`GenerationStore`: what every store shows a generation's owner of it."""

import pytest

from stillmotion.domain.keyframes import GenerationKeyframe, ImageKeyframe, StoredKeyframe
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, Purpose, Resolution
from stillmotion.domain.views import KeyframeView, RequestView
from tests.builders import NOON, some_assets
from tests.contracts.test_generation_store import claim, submit

SHOWN = [name for name in vars(RequestView) if not name.startswith("_")]
KINDS = [name for name in vars(KeyframeView) if not name.startswith("_")]


def shown(view):
    """All that a view shows: what it is of may be a store's own form of a request."""
    request = {name: getattr(view.request, name) for name in SHOWN}
    for frame in ("frame0", "frame1"):
        keyframe = request[frame]
        request[frame] = keyframe and {kind: getattr(keyframe, kind) for kind in KINDS}
    return view._replace(request=request)


async def test_the_view_of_a_generation_is_what_was_last_committed(store, subscription):
    generation = (await submit(store, subscription)).generation
    assert shown(await store.view(subscription.id, generation.id)) == shown(generation.view)
    claimed = await store.change(generation.id, claim)
    assert shown(await store.view(subscription.id, generation.id)) == shown(claimed.view)
    done = await store.change(generation.id, lambda each: each.completed(claimed.lease, some_assets(), "{}", NOON))
    assert shown(await store.view(subscription.id, generation.id)) == shown(done.view)
    assert done.view.video == done.assets.video.key


@pytest.mark.parametrize(
    "frame", [None, ImageKeyframe("https://example.com/a.jpg"), StoredKeyframe("inputs/a/b"), GenerationKeyframe("g")]
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
    view = shown(await store.view(subscription.id, generation.id))
    assert view == shown(generation.view)
    assert view.request | asked == view.request
    assert (
        view.request["frame0"] == view.request["frame1"] == (frame and {kind: getattr(frame, kind) for kind in KINDS})
    )


async def test_a_view_shows_what_a_reframed_clip_is_made_of(store, subscription):
    asked = {
        "source_url": "https://example.com/clip.mp4",
        "aspect_ratio": AspectRatio.TALL,
        "purpose": Purpose.REFRAME,
        "placement": Placement(left=-20, width=1280),
    }
    generation = (await submit(store, subscription, prompt="", frame0=None, **asked)).generation
    view = shown(await store.view(subscription.id, generation.id))
    assert view == shown(generation.view)
    assert view.request | asked == view.request
