"""Progress in proportion to time: equal fractions take equal time, so that the rest can be estimated.

The time of each phase is learned from earlier clips of the same shape.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from stillmotion.domain.rendering import Report


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds before the first step, per step, and per decoded frame. The defaults are a guess at their proportions."""

    before: float = 2.0
    step: float = 1.0
    frame: float = 0.05

    def whole(self, steps: int, frames: int) -> float:
        """Seconds for a whole clip."""
        return self.before + self.step * steps + self.frame * frames


class StepTimes:
    """Times learned of one model on one device."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Spent] = {}

    def expected(self, shape: Hashable) -> Spent:
        """Expected times for a clip of this shape; a guess if none has been rendered yet."""
        return self._known.get(shape, Spent())

    def learn(self, shape: Hashable, spent: Spent) -> None:
        """Record the times of the last clip of this shape."""
        self._known[shape] = spent


class ClipProgress:
    """Progress of one clip, from its beginning to its last frame."""

    def __init__(
        self,
        step_times: StepTimes,
        shape: Hashable,
        steps: int,
        frames: int,
        report: Report,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._step_times, self._shape, self._steps, self._frames = step_times, shape, max(1, steps), max(1, frames)
        self._report, self._now = report, now
        self._expected = step_times.expected(shape)
        self._whole = self._expected.whole(self._steps, self._frames)
        self._began = self._step_began = now()
        self._step, self._blocks, self._a_step = 0, 0, 0
        self._spent = Spent()
        self._done = 0.0

    def begin(self) -> None:
        """The steps begin, perhaps for a second time. Reported progress never goes back."""
        self._began = self._step_began = self._now()
        self._step = self._blocks = 0
        self._report(self._done)

    def before_block(self) -> None:
        """A network is about to run one of its blocks."""
        # The first block ends the preparation: prompt and picture encoding.
        if self._step == 0 and self._blocks == 0:
            self._step_began = self._now()
            self._spent = replace(self._spent, before=self._step_began - self._began)
        # Blocks per step are known from the step before.
        part = min(1.0, self._blocks / self._a_step) if self._a_step else 0.0
        self._blocks += 1
        self._at(self._expected.before + self._expected.step * (self._step + part))

    def after_step(self) -> None:
        """A step is done."""
        self._step, self._a_step, self._blocks = self._step + 1, self._blocks, 0
        self._spent = replace(self._spent, step=(self._now() - self._step_began) / self._step)
        self._at(self._expected.before + self._expected.step * self._step)

    def decoding(self) -> None:
        """All steps are done; decoding begins."""
        self._began = self._now()

    def after_frame(self, count: int) -> None:
        """`count` frames have been decoded and handed on."""
        self._spent = replace(self._spent, frame=(self._now() - self._began) / count)
        self._at(self._whole - self._expected.frame * (self._frames - count))

    def arrived(self) -> None:
        """The clip is complete: learn its times."""
        self._step_times.learn(self._shape, self._spent)
        self._at(self._whole)

    def _at(self, seconds: float) -> None:
        self._done = max(self._done, min(1.0, seconds / self._whole))
        self._report(self._done)
