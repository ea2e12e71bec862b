"""Examples of the Dream Machine's API in the API reference."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from msgspec.structs import replace

from stillmotion.http.edge.record_fields import EXAMPLE_COMPLETED, EXAMPLE_ENDED, EXAMPLE_WAITING
from stillmotion.http.surfaces.dreammachine.wire import (
    Concept,
    DreamMachineAssets,
    DreamMachineGeneration,
    DreamMachineImageKeyframe,
    DreamMachineKeyframes,
    DreamMachineRequestEcho,
    GenerationList,
    Media,
)

_ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"
_PICTURE = "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg"
_VIDEO = f"https://video.example/assets/generations/{_ID}/4f1c.mp4?expires=1764151200&signature=9c2e"
_THUMBNAIL = f"https://video.example/assets/generations/{_ID}/77b0.jpg?expires=1764151200&signature=9c2e"

_POSTER = f"https://video.example/assets/generations/{_ID}/5a31.jpg?expires=1764151200&signature=1d0b"
_PREVIEW = f"https://video.example/assets/generations/{_ID}/c8f2.mp4?expires=1764151200&signature=8e47"
_ASSETS = DreamMachineAssets(_VIDEO, _THUMBNAIL, poster=_POSTER, preview_video=_PREVIEW)

CREATE: Mapping[str, Any] = {
    "model": "ray-2",
    "prompt": "leaning girl",
    "keyframes": {"frame0": {"type": "image", "url": _PICTURE}},
    "concepts": [{"key": "push_in"}],
    "duration": "5s",
    "resolution": "720p",
}
UPSCALE: Mapping[str, Any] = {"resolution": "1080p"}
REFRAME: Mapping[str, Any] = {"media": {"url": _VIDEO}, "aspect_ratio": "9:16", "model": "ray-2"}

QUEUED = DreamMachineGeneration(
    id=_ID,
    generation_type="video",
    state="queued",
    failure_reason=None,
    created_at=datetime(2024, 12, 6, 15, 0, 46, 232527, UTC),
    assets=None,
    model="ray-2",
    request=DreamMachineRequestEcho(
        generation_type="video",
        model="ray-2",
        prompt="leaning girl",
        aspect_ratio=None,
        loop=False,
        keyframes=DreamMachineKeyframes(frame0=DreamMachineImageKeyframe(_PICTURE)),
        duration="5s",
        resolution="720p",
        concepts=(Concept("push_in"),),
        callback_url=None,
    ),
    progress=0.0,
    **cast("Any", EXAMPLE_WAITING),
    started_at=None,
    finished_at=None,
    failure_code=None,
)
_ENDED = replace(
    QUEUED,
    **EXAMPLE_ENDED,
    started_at=datetime(2024, 12, 6, 15, 0, 54, 118200, UTC),
    finished_at=datetime(2024, 12, 6, 15, 0, 59, 734105, UTC),
)
COMPLETED = replace(
    _ENDED,
    state="completed",
    assets=_ASSETS,
    progress=1.0,
    **EXAMPLE_COMPLETED,
)
FAILED = replace(
    _ENDED,
    state="failed",
    failure_reason=(
        "Failed to read user input frames: The image could not be decoded: save it again with an image editor, or send"
        " another."
    ),
    cost=0.0,
    failure_code="image_decode_failed",
)
RETRIED = replace(QUEUED, id="0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44", retry_of=_ID)
CANCELLED = replace(_ENDED, state="failed", failure_reason="The generation was cancelled.", started_at=None, cost=0.0)
UPSCALED = replace(
    QUEUED, request=replace(QUEUED.request, generation_type="upscale_video", resolution="1080p", source=_ID)
)
REFRAMED = replace(
    QUEUED,
    request=replace(
        QUEUED.request, generation_type="reframe_video", aspect_ratio="9:16", source=_ID, media=Media(_VIDEO)
    ),
)
LISTED = GenerationList((COMPLETED,), count=1, limit=100, offset=0, has_more=False, total=1, next=None, previous=None)
