"""Steps of a render, measured where they happen: decode, render, encode. The last two overlap, frame by frame."""

import time
from collections.abc import Iterator, Sequence

import msgspec

from stillmotion.domain.rendering import Frame


class RenderStep(msgspec.Struct, frozen=True, array_like=True):
    """A step that is over. Times are of the machine's monotonic clock, which all its processes share."""

    name: str
    began: float
    ended: float


class RenderTimes:
    """Clock of one render."""

    def __init__(self) -> None:
        self.began = self._decoded = self._drawing = self._drawn = time.monotonic()

    def decoded(self) -> None:
        """Note that all pictures are read."""
        self._decoded = self._drawing = self._drawn = time.monotonic()

    def drawn(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Pass the frames through, noting the first and the last."""
        for number, frame in enumerate(frames):
            self._drawn = time.monotonic()
            if number == 0:
                self._drawing = self._drawn
            yield frame

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.monotonic() - self.began

    def steps(self) -> Sequence[RenderStep]:
        """The steps of a render that ends now."""
        return (
            RenderStep("decode", self.began, self._decoded),
            RenderStep("render", self._decoded, self._drawn),
            RenderStep("encode", self._drawing, time.monotonic()),
        )
