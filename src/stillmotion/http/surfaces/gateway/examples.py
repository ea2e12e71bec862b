"""Examples in the API reference: the founding document's own requests and responses."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from stillmotion.http.surfaces.gateway.translate import UNFINISHED_MESSAGE
from stillmotion.http.surfaces.gateway.wire import Assets, Generation, ImageKeyframe, Keyframes, RequestEcho

_ID = "f25c04db-19f7-4b51-871c-af6ed0b32f55"
_PICTURE = "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg"
_PROMPT = "leaning girl"
_CDN = "https://storage.cdn-luma.com/dream_machine/29a0547c-674c-4616-ada7-031e67edf924"

SUBMIT: Mapping[str, str] = {"url": _PICTURE, "prompt": _PROMPT}
GET_STATUS: Mapping[str, str] = {"task_id": _ID}

QUEUED = Generation(
    id=_ID,
    generation_type="video",
    state="queued",
    failure_reason=None,
    created_at=datetime(2024, 12, 6, 15, 0, 46, 232527, UTC),
    assets=None,
    model="ray-1-6",
    request=RequestEcho(
        generation_type="video",
        prompt=_PROMPT,
        aspect_ratio="16:9",
        loop=False,
        keyframes=Keyframes(frame0=ImageKeyframe(_PICTURE), frame1=None),
        callback_url=None,
    ),
    msg=UNFINISHED_MESSAGE,
)
COMPLETED = replace(
    QUEUED,
    state="completed",
    created_at=datetime(2024, 12, 6, 15, 0, 46, 232000, UTC),
    assets=Assets(
        video=f"{_CDN}/7785ccf3-a9a3-4831-9c16-1158e317d61b_video0881f13ea6a1e4facbef70182188ea534.mp4",
        image=f"{_CDN}/22d44709-77a6-42d8-bf67-af1e87019236_video_0_thumb.jpg",
    ),
    msg=msgspec.UNSET,
)
FAILED = replace(
    QUEUED,
    state="failed",
    failure_reason="The picture could not be read: it is not a PNG, JPEG, WebP, AVIF, GIF or TIFF file.",
    msg=msgspec.UNSET,
)
