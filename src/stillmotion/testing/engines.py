"""Contract of an engine, as tests that a package runs over its own engine.

pytest collects a subclass whose name begins with `Test`::

    class TestKenBurns(EngineContract):
        entry = read_catalogue(Path("models.toml")).entries["slideshow"]

Each test is a promise that the service relies on. Each loads the engine anew, by its entry point.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.planning import refusals
from stillmotion.domain.rendering import Engine, Picture, Rendering, RenderJob, cancellable_by
from stillmotion.domain.request import FrameSize, GenerationRequest, Keyframe
from stillmotion.engines.installed import load
from stillmotion.media.transform.fit import fitted


@dataclass
class MadeClip:
    """Finished clip: the planes and the size of every frame, every reported fraction, and the number of checkpoints.

    A report is a checkpoint too.
    """

    rendering: Rendering
    frames: list[bytes]
    sizes: list[tuple[int, int]]
    reports: list[float]
    checkpoints: int


@dataclass
class StopAt:
    """`Report` that records the fractions. The `call`th report or checkpoint and all later ones cancel the render."""

    call: float = math.inf
    told: list[float] = field(default_factory=list)
    calls: int = 0

    def __call__(self, fraction: float) -> None:
        """`Report`."""
        self.told.append(fraction)
        self.check()

    def check(self) -> None:
        """The check behind `checkpoint`."""
        self.calls += 1
        if self.calls >= self.call:
            raise RenderCancelled


def sample(width: int, height: int, seed: int = 0) -> Picture:
    """A picture of smooth colours that are unlike those of another seed."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin((3 + seed + channel) * across + (5 - channel) * down + seed) for channel in range(3)]
    return Picture(width, height, np.uint8(127.5 + 127.5 * np.stack(waves, axis=-1)).tobytes())


class EngineContract:
    """Promises of an engine, for one entry of the catalogue.

    `sizes` are the frame sizes of the clips, `seconds` their length. A subclass makes them smaller for a slow engine.
    """

    entry: ClassVar[Entry]
    prompt: ClassVar[str] = "a slow push in"
    seconds: ClassVar[float] = 1.0
    sizes: ClassVar[Sequence[tuple[int, int]]] = ((192, 108), (96, 160))

    def engine(self) -> Engine:
        """The engine under test. A subclass may override it, to take an engine that is not installed or was loaded."""
        return load(self.entry)

    def test_it_has_the_name_that_the_catalogue_gives_it(self) -> None:
        """Generations are queued, and answered, under that name."""
        assert self.engine().name == self.entry.engine_name

    def test_every_frame_has_the_size_of_the_plan(self) -> None:
        """The caller was told that size before the clip was accepted."""
        engine = self.engine()
        for size in self.sizes:
            clip = self.made(engine, size)
            planned = self.entry.sizes.nearest(FrameSize(*size))
            assert clip.rendering.size == planned, f"asked for {planned}, the rendering says {clip.rendering.size}"
            assert set(clip.sizes) == {(planned.width, planned.height)}, "a frame has another size than the clip"
            assert {len(each) for each in clip.frames} == {planned.width * planned.height * 3 // 2}, "no I420 planes"

    def test_there_are_as_many_frames_as_planned(self) -> None:
        """A player and the service's own proof count them."""
        clip = self.made(self.engine())
        planned = self.entry.frames.nearest(self.seconds * self.entry.fps)
        assert clip.rendering.fps == self.entry.fps
        assert (clip.rendering.frame_count, len(clip.frames)) == (planned, planned)
        assert 0 <= clip.rendering.telling_frame < planned, "the frame for the thumbnail is none of the clip's"

    def test_the_same_seed_makes_the_same_clip(self) -> None:
        """A second attempt, in another process, is the clip that the first would have been."""
        assert self.made(self.engine()).frames == self.made(self.engine()).frames

    def test_another_picture_makes_another_clip(self) -> None:
        """No state of one generation may reach the next."""
        if self._pictures()[0] is None:
            return
        engine = self.engine()
        first, other = self.made(engine), self.made(engine, seed=1)
        assert first.frames != other.frames
        assert self.made(engine).frames == first.frames, "an engine that made another clip makes this one otherwise"

    def test_progress_rises_to_the_end(self) -> None:
        """It is shown to the caller, and renews the lease of the generation."""
        told = self.made(self.engine()).reports
        assert told, "nothing was reported"
        assert min(told) >= 0, "a fraction is below 0"
        assert max(told) <= 1, "a fraction is above 1"
        assert told == sorted(told), "a fraction is smaller than one before it"
        assert told[0] < told[-1] > 0.9, "the last fraction is not near 1"

    def test_it_has_a_checkpoint_for_each_frame_at_least(self) -> None:
        """A cancel arrives at a report or a `checkpoint`: frequent ones make a cancel quick."""
        clip = self.made(self.engine())
        assert clip.checkpoints >= len(clip.frames)

    def test_a_cancel_ends_it_wherever_it_comes_and_harms_no_later_clip(self) -> None:
        """`RenderCancelled`, out of a report or a checkpoint, is passed on; the next clip is as if nothing had been."""
        engine = self.engine()
        whole = self.made(engine)
        for call in sorted({1, max(1, whole.checkpoints // 2), max(1, whole.checkpoints)}):
            stop = StopAt(call)
            ended = self.ending(engine, report=stop)
            assert isinstance(ended, RenderCancelled), f"cancelled at checkpoint {call}, it ended with {ended!r}"
            assert stop.calls == call, "it went on after the cancel"
        assert self.made(engine).frames == whole.frames

    def test_pictures_that_it_cannot_use_are_refused_in_a_sentence(self) -> None:
        """`GenerationFailed`, with a code for programs and a sentence for people; no other exception, and no clip."""
        engine = self.engine()
        for first, last in ((False, False), (True, False), (False, True), (True, True)):
            keyframes = [Keyframe(key="x") if there else None for there in (first, last)]
            asked = GenerationRequest(prompt=self.prompt, frame0=keyframes[0], frame1=keyframes[1])
            if not refusals(self.entry, asked):
                continue
            pictures = [sample(64, 48, seed) if there else None for seed, there in enumerate((first, last))]
            failed = self.ending(engine, pictures=pictures)
            assert isinstance(failed, GenerationFailed), f"first={first}, last={last} ended with {failed!r}"
            assert re.fullmatch(r"[a-z][a-z0-9_]*", failed.code), f"{failed.code!r} is no code"
            assert re.fullmatch(r"[A-Z].*[.!?]", failed.reason), f"{failed.reason!r} is no sentence"
            assert failed.permanent, "another attempt would end the same way"

    def test_its_plan_is_a_json_object(self) -> None:
        """It is kept with the generation, and shown to its owner."""
        plan = self.made(self.engine()).rendering.plan
        try:
            told = json.loads(plan)
        except ValueError:
            told = None
        assert isinstance(told, dict), f"{plan!r} is no JSON object"

    def _pictures(self, seed: int = 0) -> list[Picture | None]:
        """The fewest pictures that the entry's abilities make a clip of."""
        for first, last in ((True, False), (True, True), (False, False)):
            keyframes = [Keyframe(key="x") if there else None for there in (first, last)]
            if not refusals(self.entry, GenerationRequest(prompt="x", frame0=keyframes[0], frame1=keyframes[1])):
                return [
                    sample(64, 48, 10 * seed + place) if there else None for place, there in enumerate((first, last))
                ]
        raise AssertionError(f"{self.entry.name} has no abilities")

    def made(
        self,
        engine: Engine,
        asked: tuple[int, int] | None = None,
        *,
        seed: int = 0,
        pictures: Sequence[Picture | None] | None = None,
        report: "StopAt | None" = None,
    ) -> MadeClip:
        """A clip made as a renderer process has it made."""
        size = FrameSize(*(asked or self.sizes[0]))
        size = size if engine.wants.sizes is None else engine.wants.sizes.nearest(size)
        frame0, frame1 = (
            each if each is None or engine.wants.sizes is None else fitted(each, size)
            for each in (pictures or self._pictures(seed))
        )
        report = report or StopAt()
        job = RenderJob(prompt=self.prompt, frame0=frame0, frame1=frame1, size=size, seconds=self.seconds, seed=7)
        frames, sizes = [], []
        with cancellable_by(report.check):
            rendering = engine.render(job, report)
            for frame in rendering.frames:
                frames.append(bytes(memoryview(frame.planes).cast("B")))
                sizes.append((frame.width, frame.height))
        return MadeClip(rendering, frames, sizes, report.told, report.calls)

    def ending(self, engine: Engine, **how: Any) -> Exception | None:
        """The exception that a clip ends with; None for a clip that is drawn to its end."""
        try:
            self.made(engine, **how)
        except Exception as error:
            return error
        return None
