"""Previews on the renderer's side: now and then a whole file, and never at the clip's cost."""

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
    """One clip's preview, a file in `folder` that is replaced by the next. Above all the one throttle of them.

    `tell` is told of each that is there; with `every` 0 there are none.
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
        """`domain.rendering.Show`. What goes wrong is logged, and then there are no more."""
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
        """Leave no file."""
        for path in (self._path, self._part):
            with suppress(OSError):
                path.unlink()


def shown(frames: Iterator[Frame], show: Show) -> Iterator[Frame]:
    """The frames as they come, each offered."""
    for frame in frames:
        show(lambda: reduced(frame))  # noqa: B023 - it is called at once, or never
        yield frame
