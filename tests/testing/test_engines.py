"""The contract suite of engines: the embedded engine passes it, and each violation is detected."""

import inspect
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import Ability, Entry, SizeRule
from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.rendering import Frame, Picture, Rendering, RenderJob, Report, Wants, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.testing.engines import EngineContract

ENTRY = Entry("plain", "even", frozenset({Ability.FIRST}), fps=10, sizes=SizeRule(step=16))
CHECKS = [name for name, _ in inspect.getmembers(EngineContract, inspect.isfunction) if name.startswith("test_")]


class TestParallax(EngineContract):
    """The contract suite over the embedded engine."""

    entry = read_catalogue().entries["parallax"]

    def engine(self):
        return Parallax()


class Even:
    """An engine with frames of one colour, and at most one flaw."""

    def __init__(self, flaw: str = "") -> None:
        self.flaw = flaw
        self.name = "even/1" if flaw == "name" else "even/plain"
        self.wants = Wants(ENTRY.sizes, fps=ENTRY.fps)
        self.clips = 0

    def render(self, job: RenderJob, report: Report) -> Rendering:
        self._check(job)
        self.clips += 1
        count = ENTRY.frames.nearest(job.seconds * ENTRY.fps) + (self.flaw == "count")
        plan = "a push in" if self.flaw == "plan" else json.dumps({"seed": job.seed})
        size = FrameSize(job.size.width + 16, job.size.height) if self.flaw == "size" else job.size
        return Rendering(size, 20 if self.flaw == "fps" else ENTRY.fps, count, self._drawn(job, count, report), plan)

    def _check(self, job: RenderJob) -> None:
        if job.frame0 is not None and (job.frame1 is None or self.flaw == "end ignored"):
            return
        match self.flaw:
            case "refusal":
                raise ValueError("no picture")
            case "code":
                raise GenerationFailed("Image required", "This engine needs one picture.")
            case "sentence":
                raise GenerationFailed("image_required", "no picture")
            case "passing":
                raise GenerationFailed("image_required", "This engine needs one picture.", permanent=False)
        raise GenerationFailed("image_required", "This engine needs one picture.")

    def _drawn(self, job: RenderJob, count: int, report: Report):
        for index in range(count - (self.flaw == "short")):
            if self.flaw == "deaf at checkpoints":
                with suppress(RenderCancelled):
                    checkpoint()
            self._report(report, index, count)
            yield self._frame(job, index)
        report(0.5 if self.flaw == "half" else 1.0)

    def _report(self, report: Report, index: int, count: int) -> None:
        if self.flaw == "silent" or (self.flaw == "seldom" and index % 2):
            return
        told = {"falling": (count - index) / count, "beyond": 2.0, "below": -1.0}.get(self.flaw, index / count)
        try:
            report(told)
        except RenderCancelled:
            if self.flaw != "deaf":
                raise

    def _frame(self, job: RenderJob, index: int) -> Frame:
        size = job.size
        seen = 0 if job.frame0 is None or self.flaw == "blind" else brightness(job.frame0)
        grey = (seen + index + (self.clips if self.flaw in ("memory", "leftover") else 0)) % 256
        area = size.width * size.height * (1 if self.flaw == "planes" else 3) // (1 if self.flaw == "planes" else 2)
        drawn = np.full(area, grey, np.uint8)
        if self.flaw == "random":
            drawn[0] = np.random.default_rng().integers(256)
            drawn[1] = np.random.default_rng().integers(256)
        width = size.width + (2 if self.flaw == "frame size" else 0)
        return Frame(width, size.height, drawn.tobytes())


def brightness(picture: Picture) -> int:
    return int(np.frombuffer(picture.pixels, np.uint8).astype(np.int64).sum() % 251)


class Kept(EngineContract):
    entry = ENTRY
    seconds = 1.0

    def __init__(self, flaw: str = "") -> None:
        self.flaw = flaw

    def engine(self):
        return Even(self.flaw)


@pytest.mark.parametrize("check", CHECKS)
def test_an_engine_without_a_flaw_keeps_every_promise(check):
    getattr(Kept(), check)()


FLAWS = {
    "test_it_has_the_name_that_the_catalogue_gives_it": ["name"],
    "test_every_frame_has_the_size_of_the_plan": ["size", "planes", "frame size"],
    "test_there_are_as_many_frames_as_planned": ["count", "fps", "short"],
    "test_the_same_seed_makes_the_same_clip": ["random"],
    "test_another_picture_makes_another_clip": ["blind", "memory"],
    "test_progress_rises_to_the_end": ["falling", "beyond", "below", "half"],
    "test_it_has_a_checkpoint_for_each_frame_at_least": ["silent", "seldom"],
    "test_a_cancel_ends_it_wherever_it_comes_and_harms_no_later_clip": ["deaf", "deaf at checkpoints", "leftover"],
    "test_pictures_that_it_cannot_use_are_refused_in_a_sentence": [
        "refusal",
        "code",
        "sentence",
        "passing",
        "end ignored",
    ],
    "test_its_plan_is_a_json_object": ["plan"],
}


def test_every_promise_has_a_flaw_that_breaks_it():
    assert set(FLAWS) == set(CHECKS)


@pytest.mark.parametrize(("check", "flaw"), [(check, flaw) for check, flaws in FLAWS.items() for flaw in flaws])
def test_a_broken_promise_is_noticed(check, flaw):
    with pytest.raises(AssertionError):
        getattr(Kept(flaw), check)()


def test_a_package_without_a_catalogue_of_its_own_is_told_which_entry_is_meant(tmp_path):
    file = Path(tmp_path, "models.toml")
    file.write_text('[models.plain]\nengine = "even"\nabilities = ["first"]\n')
    entry = read_catalogue(file).entries["plain"]
    assert (entry.engine_name, entry.is_outside, entry.is_local) == ("even/plain", True, True)
