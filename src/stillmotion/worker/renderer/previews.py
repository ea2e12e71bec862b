"""Previews in the renderer: now and then a whole JPEG file, never at the clip's cost."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from stillmotion.domain.rendering import Frame, Picture, Show
from stillmotion.media.output.stills import reduced, write_preview
from stillmotion.worker.renderer.protocol import PREVIEW_SECONDS

NAME = "preview.jpg"

log = logging.getLogger(__name__)


class Previews:
    """Preview of one clip: a file in `folder` that each new one replaces, with the one throttle.

    `tell` is called with each file; with `every` 0 there are none.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[str], None],
        every: float = PREVIEW_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._part = folder / NAME, folder / f".{NAME}.part"
        self._tell, self._every, self._now = tell, every or math.inf, now
        self._due_at = now() + self._every

    def show(self, picture: Callable[[], Picture]) -> None:
        """`domain.rendering.Show`. An error is logged and ends the previews."""
        if self._now() < self._due_at:
            return
        try:
            write_preview(picture(), self._part)
            self._part.replace(self._path)
        except Exception:
            log.warning("there are no previews of this clip", exc_info=True)
            self._due_at = math.inf
            return
        self._tell(str(self._path))
        self._due_at = self._now() + self._every

    def remove(self) -> None:
        """Remove the file."""
        for path in (self._path, self._part):
            with suppress(OSError):
                path.unlink()


def shown(frames: Iterator[Frame], show: Show) -> Iterator[Frame]:
    """Pass the frames through, offering each as a preview."""
    for frame in frames:
        show(lambda: reduced(frame))  # noqa: B023 - it is called at once, or never
        yield frame
