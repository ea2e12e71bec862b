"""Upscaling and reframing of finished clips, frame by frame, and their plans."""

import json
from itertools import islice

import numpy as np
import pytest

from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.frames import as_picture
from stillmotion.media.input import clips
from stillmotion.media.input.probe import probe
from stillmotion.media.output.encoder import encode
from stillmotion.media.output.stills import write_thumbnail
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.resample import Source, motion_plan, reframe, upscale
from tests.media.clips import SIZE, disc, luma_of, texture, write_clip

TALL = FrameSize(180, 320)


def ignore(fraction: float) -> None:
    del fraction


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(float(np.mean((one - other) ** 2)), 1e-9))


@pytest.fixture(scope="module")
def decoder():
    process = DecoderProcess()
    yield process
    process.close()


@pytest.fixture
def moving(tmp_path, decoder):
    return Source(decoder, write_clip(tmp_path / "moving.mp4", lambda index: texture(shift=index)))


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_an_upscaled_clip_has_the_same_frames_larger(tmp_path, codec, decoder):
    source = Source(decoder, write_clip(tmp_path / "clip.mp4", lambda index: texture(shift=index), codec=codec))
    made = encode(upscale(source, FrameSize(480, 270), ignore), tmp_path / "large.mp4")
    facts = probe(made.path, whole=True)
    assert (facts.size, facts.fps, facts.frame_count) == (FrameSize(480, 270), 24, 24)
    for index, (frame, was) in enumerate(zip(clips.frames(made.path), clips.frames(source.video), strict=True)):
        truth = texture(FrameSize(480, 270)) * 0 + _at_scale(1.5, index)
        assert psnr(luma_of(frame), truth) > 32
        assert luma_of(frame).mean() == pytest.approx(luma_of(was).mean(), abs=0.7)


def _at_scale(scale: float, shift: float) -> np.ndarray:
    """`texture` sampled at a finer scale, with aligned pixel centres."""
    x = (np.arange(round(SIZE.width * scale)) + 0.5)[None, :] / scale - 0.5 + shift
    y = (np.arange(round(SIZE.height * scale)) + 0.5)[:, None] / scale - 0.5
    return 120 + 40 * np.sin(x / 9) * np.cos(y / 7) + 30 * np.sin((x + 2 * y) / 23)


def test_the_plan_says_that_it_is_a_resample_and_of_what(moving, decoder):
    source = Source(decoder, moving.video, plan='{"camera": ["push_in"]}')
    plan = json.loads(upscale(source, FrameSize(640, 360), ignore).plan)
    assert plan == {
        "made_by": "resample",
        "purpose": "upscale_video",
        "from": [320, 180],
        "to": [640, 360],
        "filter": "lanczos (luma), bicubic (chroma)",
        "source": {"camera": ["push_in"]},
    }


def test_what_goes_on_from_an_upscaled_clip_goes_on_as_its_source_would(moving, decoder):
    source = Source(decoder, moving.video, plan='{"ending": {"speed": 1}}')
    larger = upscale(source, FrameSize(640, 360), ignore).plan
    largest = upscale(Source(decoder, moving.video, plan=larger), FrameSize(1280, 720), ignore).plan
    assert json.loads(motion_plan(largest)) == {"ending": {"speed": 1}}
    assert motion_plan(reframe(source, TALL, None, ignore).plan) == ""
    assert motion_plan("") == ""
    assert motion_plan("no json") == "no json"


def test_frames_are_resampled_as_they_are_asked_for(moving):
    said: list[float] = []
    rendering = upscale(moving, FrameSize(640, 360), said.append)
    said.clear()
    assert len(list(islice(rendering.frames, 3))) == 3
    # The last value is reported again during the wait for a frame.
    assert len(set(said)) == 3
    assert said[-1] < 0.2


def test_a_cancel_stops_it_between_two_frames(moving, tmp_path):
    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise RenderCancelled

    with pytest.raises(RenderCancelled):
        encode(upscale(moving, FrameSize(640, 360), stop), tmp_path / "large.mp4")
    assert not (tmp_path / "large.mp4").exists()
    with pytest.raises(RenderCancelled):
        encode(reframe(moving, TALL, None, stop), tmp_path / "tall.mp4")


def test_progress_never_goes_back(moving, tmp_path):
    for make in (upscale, lambda *given: reframe(given[0], given[1], None, given[2])):
        said: list[float] = []
        encode(make(moving, TALL, said.append), tmp_path / "made.mp4")
        assert said == sorted(said)
        assert said[-1] == 1.0


def middle_of_the_bright(frame) -> float:
    bright = luma_of(frame) > 150
    return float(np.argwhere(bright)[:, 1].mean()) / frame.width if bright.any() else float("nan")


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
def test_a_still_subject_gets_a_still_window_around_it(tmp_path, at, decoder):
    source = Source(decoder, write_clip(tmp_path / "still.mp4", lambda _: disc(at)))
    rendering = reframe(source, TALL, None, ignore)
    assert json.loads(rendering.plan)["window"] == "still"
    frames = list(rendering.frames)
    assert {(frame.width, frame.height) for frame in frames} == {(180, 320)}
    assert all(0.3 < middle_of_the_bright(frame) < 0.7 for frame in frames)
    assert psnr(luma_of(frames[0]), luma_of(frames[-1])) > 40


def test_a_subject_that_crosses_the_picture_is_followed_without_jitter(tmp_path, decoder):
    count = 96
    source = Source(decoder, write_clip(tmp_path / "going.mp4", lambda index: disc(0.2 + 0.6 * index / count), count))
    rendering = reframe(source, TALL, None, ignore)
    assert json.loads(rendering.plan)["window"] == "follows the subject"
    middles = np.array([middle_of_the_bright(frame) for frame in rendering.frames])
    assert (middles > 0.2).all()
    assert (middles < 0.8).all()
    bends = np.abs(np.diff(middles * TALL.width, 2))
    assert bends.max() < 2.0, "the window moves by fractions of a pixel, and never jumps"


def test_a_picture_that_fits_keeps_its_pixels_and_its_border_mirrors_it(moving):
    rendering = reframe(moving, FrameSize(320, 400), Placement(top=40), ignore)
    plan = json.loads(rendering.plan)
    assert plan["picture"] == [0, 40, 320, 180]
    assert plan["border"] == "blurred mirror image"
    frame, was = next(rendering.frames), clips.first(moving.video)
    seen = luma_of(frame)
    assert np.array_equal(seen[40:220], luma_of(was))
    assert abs(seen[39] - seen[40]).mean() < 6, "no edge where the picture ends"
    assert abs(np.diff(seen[300:], axis=0)).mean() < abs(np.diff(seen[40:220], axis=0)).mean() / 2, (
        "far away it is soft"
    )


@pytest.mark.parametrize(
    ("placement", "shown"),
    [
        (Placement(), [0, 108, 180, 102]),
        (Placement(left=-100, top=0, height=320), [-100, 0, 568, 320]),
        (Placement(left=30, top=31, width=61, height=200), [30, 32, 60, 200]),
        (Placement(left=-1000, top=-1000, width=1180, height=1320), [-1000, -1000, 1180, 1320]),
        (Placement(left=100, top=-60, width=1200, height=100), [100, -60, 1200, 100]),
    ],
)
def test_a_placement_is_carried_out_whatever_it_leaves_bare(moving, placement, shown):
    rendering = reframe(moving, TALL, placement, ignore)
    assert json.loads(rendering.plan)["picture"] == shown
    frame = next(rendering.frames)
    assert (frame.width, frame.height, len(frame.planes)) == (180, 320, 180 * 320 * 3 // 2)


def test_an_enlarged_part_lies_where_it_was_put(moving):
    """The result equals a crop of the whole enlarged picture."""
    part = next(reframe(moving, TALL, Placement(left=-200, top=-100, width=640, height=360), ignore).frames)
    whole = next(upscale(moving, FrameSize(640, 360), ignore).frames)
    wanted = luma_of(whole)[100:, 200:380][:260]
    assert psnr(luma_of(part)[:258], wanted[:258]) > 38


def test_a_placement_out_of_view_is_refused(moving):
    with pytest.raises(GenerationFailed) as failure:
        reframe(moving, TALL, Placement(left=300, top=0, width=100, height=100), ignore)
    assert failure.value.code == "reframe_out_of_view"


def test_the_thumbnail_shows_the_frame_that_the_sources_did(tmp_path, decoder):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: disc(0.2 + 0.025 * index))
    for wanted, frame in ((0, clips.first(clip)), (23, clips.last(clip))):
        write_thumbnail(frame, tmp_path / "thumbnail.jpg")
        source = Source(decoder, clip, tmp_path / "thumbnail.jpg")
        assert upscale(source, FrameSize(640, 360), ignore).telling_frame == wanted
    assert upscale(Source(decoder, clip), FrameSize(640, 360), ignore).telling_frame == 0


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_the_first_and_the_last_frame_are_found(tmp_path, codec):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: texture(shift=5 * index), 70, codec=codec)
    frames = list(clips.frames(clip))
    assert len(frames) == 70
    assert np.array_equal(luma_of(clips.first(clip)), luma_of(frames[0]))
    assert np.array_equal(luma_of(clips.last(clip)), luma_of(frames[-1]))
    picture = as_picture(frames[-1])
    assert (picture.width, picture.height, len(picture.pixels)) == (320, 180, 320 * 180 * 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov",
    ],
)
def test_what_is_no_clip_of_ours_is_refused(tmp_path, content, decoder):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    for make in (
        lambda: upscale(Source(decoder, path), SIZE, ignore),
        lambda: clips.last(path),
        lambda: clips.first(path),
    ):
        with pytest.raises(GenerationFailed) as failure:
            make()
        assert failure.value.code == "clip_unreadable"


def test_a_clip_that_breaks_off_is_refused_and_leaves_no_file(tmp_path, decoder):
    path = write_clip(tmp_path / "clip.mp4", lambda index: texture(shift=7 * index), 48)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(GenerationFailed) as failure:
        encode(upscale(Source(decoder, path), FrameSize(640, 360), ignore), tmp_path / "large.mp4")
    assert failure.value.code == "clip_unreadable"
    assert not (tmp_path / "large.mp4").exists()
