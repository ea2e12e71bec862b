"""Examples of the videos API in the API reference."""

from collections.abc import Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from stillmotion.http.edge.record_fields import EXAMPLE_COMPLETED, EXAMPLE_ENDED, EXAMPLE_WAITING
from stillmotion.http.surfaces.openai.wire import Deleted, Failure, Model, Models, Video, Videos

_ID = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"

CREATE: Mapping[str, object] = {
    "prompt": "leaning girl",
    "input_reference": {"image_url": "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg"},
    "model": "sora-2",
    "seconds": "4",
    "size": "1280x720",
}

QUEUED: Final = Video(
    id=_ID,
    object="video",
    model="sora-2",
    status="queued",
    progress=0,
    created_at=1764676800,
    completed_at=None,
    expires_at=None,
    size="1280x720",
    seconds="4",
    prompt="leaning girl",
    error=None,
    **cast("Any", EXAMPLE_WAITING),
    started_at=None,
    finished_at=None,
)
_ENDED: Final = replace(QUEUED, **EXAMPLE_ENDED, started_at=1764676807, finished_at=1764676812)
COMPLETED: Final = replace(_ENDED, status="completed", progress=100, completed_at=1764676812, **EXAMPLE_COMPLETED)
FAILED: Final = replace(
    _ENDED,
    status="failed",
    error=Failure("image_gone", "The uploaded image is no longer stored: upload it again."),
    cost=0.0,
)
LISTED: Final = Videos("list", (COMPLETED,), _ID, _ID, has_more=False)
DELETED: Final = Deleted(_ID)
MODEL: Final = Model("sora-2", "model", 1764676800, "stillmotion", "parallax/1")
MODELS: Final = Models("list", (MODEL,))
