"""How far a render is, told so that equal parts take equal time: what is left can be reckoned from what is done.

How long each part of a render takes is learned from the renders before, for each shape of clip by itself.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from stillmotion.domain.rendering import Report


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: before the first step, for a step, for a frame of decoding. At first a guess at their proportions."""

    before: float = 2.0
    step: float = 1.0
    frame: float = 0.05

    def whole(self, steps: int, frames: int) -> float:
        """How long a clip takes."""
        return self.before + self.step * steps + self.frame * frames


class StepTimes:
    """What was learned of one model on one device."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Spent] = {}

    def expected(self, shape: Hashable) -> Spent:
        """How long the parts of such a clip take, as far as is known."""
        return self._known.get(shape, Spent())

    def knows(self, shape: Hashable) -> bool:
        """Whether that is measured."""
        return shape in self._known

    def learn(self, shape: Hashable, spent: Spent) -> None:
        """Remember how long they took the last time."""
        self._known[shape] = spent


class Course:
    """One render's way from its beginning to its last frame."""

    def __init__(
        self,
        pace: StepTimes,
        shape: Hashable,
        steps: int,
        frames: int,
        report: Report,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace, self._shape, self._steps, self._frames = pace, shape, max(1, steps), max(1, frames)
        self._report, self._now = report, now
        self._expected = pace.expected(shape)
        self._whole = self._expected.whole(self._steps, self._frames)
        self._began = self._step_began = now()
        self._step, self._blocks, self._a_step = 0, 0, 0
        self._spent = Spent()
        self._done = 0.0

    def pause(self) -> None:
        """No more is done than before."""
        self._report(self._done)

    def begin(self) -> None:
        """The steps begin, perhaps anew: what was told of them stays told."""
        self._began = self._step_began = self._now()
        self._step = self._blocks = 0
        self.pause()

    def before_block(self) -> None:
        """The network is about to run one of its blocks."""
        if self._step == 0 and self._blocks == 0:
            self._step_began = self._now()
            self._spent = replace(self._spent, before=self._step_began - self._began)
        part = min(1.0, self._blocks / self._a_step) if self._a_step else 0.0
        self._blocks += 1
        self._at(self._expected.before + self._expected.step * (self._step + part))

    def after_step(self) -> None:
        """One step more is done."""
        self._step, self._a_step, self._blocks = self._step + 1, self._blocks, 0
        self._spent = replace(self._spent, step=(self._now() - self._step_began) / self._step)
        self._at(self._expected.before + self._expected.step * self._step)

    def decoding(self) -> None:
        """All steps are done."""
        self._began = self._now()

    def after_frame(self, count: int) -> None:
        """So many frames are decoded and handed on."""
        self._spent = replace(self._spent, frame=(self._now() - self._began) / count)
        self._at(self._whole - self._expected.frame * (self._frames - count))

    def arrived(self) -> None:
        """All is done: the next clip of this shape is told by what this one took."""
        self._pace.learn(self._shape, self._spent)
        self._at(self._whole)

    def _at(self, seconds: float) -> None:
        self._done = max(self._done, min(1.0, seconds / self._whole))
        self._report(self._done)
