"""Preparation of a job for an engine with sizes of its own, or with a need for the end of an earlier clip."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from stillmotion.domain.catalogue import SizeRule
from stillmotion.domain.rendering import Frame, Rendering, RenderJob, Report, Wants
from stillmotion.domain.request import AspectRatio, FrameSize, GenerationRequest
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.worker.renderer.jobs import make
from stillmotion.worker.renderer.protocol import KeyframeFile, Render
from tests.media.clips import write_clip
from tests.worker.conftest import png

BY_32 = SizeRule(step=32, least=1024, most=100_000)


@dataclass
class Curious:
    """An engine that records its jobs."""

    wants: Wants
    name: str = "curious/1"
    jobs: list[RenderJob] = field(default_factory=list)

    def render(self, job: RenderJob, report: Report) -> Rendering:
        self.jobs.append(job)
        planes = bytes(job.size.width * job.size.height * 3 // 2)
        return Rendering(job.size, 8, 2, iter([Frame(job.size.width, job.size.height, planes)] * 2), "{}")


@pytest.fixture(scope="module")
def decoder():
    process = DecoderProcess()
    process.start()
    yield process
    process.close()


def given(decoder, wants, output, aspect_ratio=None, **files) -> RenderJob:
    engine = Curious(wants)
    render = Render(1, engine.name, str(output), GenerationRequest("", aspect_ratio=aspect_ratio), **files)
    make(render, engine, decoder, lambda *_: None)
    return engine.jobs[0]


def brightness(picture) -> float:
    return float(np.frombuffer(picture.pixels, np.uint8).mean())


def test_pictures_are_cut_to_a_size_that_the_engine_makes(decoder, tmp_path):
    (tmp_path / "a.png").write_bytes(png(300, 100))
    (tmp_path / "b.png").write_bytes(png(90, 200))
    files = {name: KeyframeFile(str(tmp_path / file)) for name, file in (("frame0", "a.png"), ("frame1", "b.png"))}
    job = given(decoder, Wants(BY_32), tmp_path, AspectRatio.WIDE, **files)
    assert job.size == BY_32.nearest(FrameSize(1280, 720))
    assert {(each.width, each.height) for each in (job.frame0, job.frame1)} == {(job.size.width, job.size.height)}


def test_pictures_come_as_they_are_to_an_engine_that_makes_any_size(decoder, tmp_path):
    (tmp_path / "a.png").write_bytes(png(300, 100))
    job = given(decoder, Wants(), tmp_path, AspectRatio.WIDE, frame0=KeyframeFile(str(tmp_path / "a.png")))
    assert (job.frame0.width, job.frame0.height, job.size) == (300, 100, FrameSize(1280, 720))


def test_the_end_of_an_earlier_clip_is_given_at_the_engine_s_own_rate(decoder, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: np.full((64, 96), 40.0 + 6 * index))
    job = given(decoder, Wants(BY_32, before=4, fps=12), tmp_path, frame0=KeyframeFile(str(clip), is_clip=True))
    shades = [brightness(each) for each in (*job.before, job.frame0)]
    assert job.extends
    assert len(job.before) == 4
    steps = np.diff(shades)
    # The pictures are two frames apart: 12 of luma, which is 14 in RGB from limited range.
    assert steps == pytest.approx([14] * 4, abs=2)
    assert {(each.width, each.height) for each in job.before} == {(job.size.width, job.size.height)}


def test_of_a_clip_that_is_too_short_only_the_last_frame_is_given(decoder, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: np.full((64, 96), 40.0 + 30 * index), count=3)
    job = given(decoder, Wants(BY_32, before=4, fps=24), tmp_path, frame0=KeyframeFile(str(clip), is_clip=True))
    assert job.before == ()
    assert brightness(job.frame0) == pytest.approx((100 - 16) * 255 / 219, abs=3)


def test_an_engine_that_wants_no_more_is_given_the_last_frame(decoder, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: np.full((64, 96), 40.0 + 6 * index))
    job = given(decoder, Wants(BY_32), tmp_path, frame0=KeyframeFile(str(clip), is_clip=True))
    assert (job.extends, job.before) == (True, ())
    assert brightness(job.frame0) == pytest.approx((40 + 6 * 23 - 16) * 255 / 219, abs=3)
