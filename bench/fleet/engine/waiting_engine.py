"""An engine that waits: a clip costs time and next to no processor, as one that a GPU makes."""

import json
import time
from collections.abc import Iterator

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report, Wants

STEP_SECONDS = 0.1
COUNT = 25


class WaitingEngine:
    """The engine of one catalogue entry. The option `seconds` is the time that a clip takes."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.engine_name
        self.wants = Wants(entry.sizes, fps=entry.fps)
        self._fps = entry.fps
        self._seconds = float(entry.options.get("seconds", 2.0))

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Grey frames, after the wait."""
        return Rendering(
            job.size, self._fps, COUNT, self._frames(job, report), json.dumps({"moves": [], "ignored": []})
        )

    def _frames(self, job: RenderJob, report: Report) -> Iterator[Frame]:
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) > 0:
            report(max(0.0, 1 - left / self._seconds) * 0.9)
            time.sleep(min(STEP_SECONDS, left))
        width, height = job.size.width, job.size.height
        grey = bytes([120]) * (width * height) + bytes([128]) * (width * height // 2)
        yield from [Frame(width, height, grey)] * COUNT
