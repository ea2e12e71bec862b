"""Encoding: every browser plays the clip, and a failed one leaves no file."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.rendering import Frame, Rendering, cancellable_by
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.frames import rgb
from stillmotion.media.input import clips
from stillmotion.media.input.probe import BrokenClip, probe
from stillmotion.media.output.encoder import OPTIONS, can_encode, encode
from stillmotion.media.output.stills import write_thumbnail
from tests.media.clips import frame_of, luma_of, texture

SIZE = FrameSize(128, 72)
RED = (63, 102, 240)
"""BT.709 limited-range Y, U, V of pure red."""


def flat(yuv: tuple[int, int, int], size: FrameSize = SIZE) -> Frame:
    area = size.width * size.height
    planes = np.concatenate([np.full(area, yuv[0]), np.full(area // 4, yuv[1]), np.full(area // 4, yuv[2])])
    return Frame(size.width, size.height, planes.astype(np.uint8))


def rendering(frames: Iterator[Frame], count: int, **more) -> Rendering:
    return Rendering(size=SIZE, fps=24, frame_count=count, frames=frames, plan="{}", **more)


def grey_ramp(count: int) -> Iterator[Frame]:
    return (flat((16 + index * 4, 128, 128)) for index in range(count))


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_a_clip_holds_every_frame_at_a_constant_rate(tmp_path, codec):
    clip = encode(rendering(grey_ramp(30), 30, telling_frame=7), tmp_path / "clip.mp4", OPTIONS[codec])
    facts = probe(clip.path, whole=True)
    assert (facts.size, facts.fps, facts.frame_count, facts.codec) == (SIZE, 24, 30, codec)
    assert facts.seconds == pytest.approx(1.25)
    assert clip.frame_count == 30
    assert clip.byte_count == clip.path.stat().st_size
    assert clip.telling.planes[0] == 16 + 7 * 4


@pytest.mark.parametrize(("codec", "profile"), [(VideoCodec.H264, "High"), (VideoCodec.AV1, "Main")])
def test_the_stream_says_what_its_colours_are(tmp_path, codec, profile):
    encode(rendering(iter([flat(RED)] * 5), 5), tmp_path / "clip.mp4", OPTIONS[codec])
    with av.open(str(tmp_path / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert context.profile == profile
        assert context.pix_fmt == "yuv420p"
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    steps = set(np.diff(sorted(stamps)).tolist())
    assert len(steps) == 1


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_playing_starts_with_the_first_frame_and_lasts_as_long_as_the_frames(tmp_path, codec):
    """An edit list skips the delay that reordered frames would cause at the beginning."""
    encode(rendering(grey_ramp(60), 60), tmp_path / "clip.mp4", OPTIONS[codec])
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        assert times == pytest.approx([index / 24 for index in range(60)])
        assert float(stream.duration * stream.time_base) == 2.5
        assert container.duration == 2_500_000
        assert stream.codec_context.codec_tag == {VideoCodec.H264: "avc1", VideoCodec.AV1: "av01"}[codec]


def test_an_av1_file_says_in_its_head_what_a_browser_asks_before_it_plays(tmp_path):
    """The `codecs` parameter comes from the box av1C: marker and version, profile and level, depth and chroma."""
    clip = encode(rendering(grey_ramp(30), 30), tmp_path / "clip.mp4", OPTIONS[VideoCodec.AV1])
    content = clip.path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    box = content[content.index(b"av1C") + 4 :][:3]
    marker, profile, level, depth = box[0], box[1] >> 5, box[1] & 31, 10 if box[2] & 0b0100_0000 else 8
    assert (marker, f"av01.{profile}.{level:02}M.{depth:02}") == (0x81, "av01.0.00M.08")
    assert box[2] & 0b0001_1100 == 0b0000_1100


def test_one_keyframe_is_enough_for_a_clip_of_the_usual_length_and_longer_ones_have_more(tmp_path):
    for count, keyframes in ((120, 1), (250, 3)):
        encode(
            rendering((flat((60, 128, 128)) for _ in range(count)), count), tmp_path / "c.mp4", OPTIONS[VideoCodec.AV1]
        )
        with av.open(str(tmp_path / "c.mp4")) as container:
            assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) == keyframes


def test_a_machine_without_the_encoder_draws_nothing_and_says_what_to_ask_for(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"libx264"})
    drawn = []
    frames = (drawn.append(frame) or frame for frame in grey_ramp(4))
    with pytest.raises(
        GenerationFailed, match="cannot compress it as av1, as its PyAV lacks libsvtav1: ask for h264"
    ) as no:
        encode(rendering(frames, 4), tmp_path / "clip.mp4", OPTIONS[VideoCodec.AV1])
    assert (no.value.code, no.value.permanent, drawn, list(tmp_path.iterdir())) == ("codec_missing", True, [], [])


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_equal_frames_give_equal_bytes(tmp_path, codec):
    for name in ("one.mp4", "two.mp4"):
        encode(rendering(grey_ramp(12), 12), tmp_path / name, OPTIONS[codec])
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_no_byte_comes_from_memory_that_nobody_wrote(tmp_path, codec):
    """On glibc each of these processes fills new memory with another value. On other systems they only run."""
    write = f"write_clip(Path(sys.argv[1]), zoom, 41, SIZE, VideoCodec.{codec.name})"
    script = f"import sys; from tests.media.clips import *; {write}"
    digests = set()
    for fill in ("0", "85", "170"):
        path = tmp_path / f"{fill}.mp4"
        words = [sys.executable, "-c", script, str(path)]
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        subprocess.run(words, check=True, env=environment, cwd=Path(__file__).parents[3], timeout=60)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("codec", list(VideoCodec))
@pytest.mark.parametrize("error", [RenderCancelled("stop"), GenerationFailed("bad", "Bad: try another.")])
def test_what_stops_the_frames_leaves_no_file_and_no_thread(tmp_path, error, codec):
    def frames() -> Iterator[Frame]:
        yield from grey_ramp(4)
        raise error

    before = threading.active_count()
    with pytest.raises(type(error)):
        encode(rendering(frames(), 30), tmp_path / "clip.mp4", OPTIONS[codec])
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_a_cancel_is_noticed_while_the_encoder_is_waited_for(tmp_path, codec):
    """All frames are drawn and the encoder lags behind, so only its own checkpoints can stop it."""
    drawn, size = threading.Event(), FrameSize(1280, 720)

    def frames() -> Iterator[Frame]:
        yield from (frame_of(texture(size, shift)) for shift in range(30))
        drawn.set()

    def check() -> None:
        if drawn.is_set():
            raise RenderCancelled

    large = Rendering(size, 24, 30, frames(), "{}")
    with pytest.raises(RenderCancelled), cancellable_by(check):
        encode(large, tmp_path / "clip.mp4", OPTIONS[codec])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_a_failure_worth_another_attempt(tmp_path):
    with pytest.raises(GenerationFailed) as failure:
        encode(rendering(grey_ramp(50), 50), tmp_path / "nowhere" / "clip.mp4")
    assert failure.value.code == "video_encode_failed"
    assert not failure.value.permanent


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("count", [3, 50])
def test_a_disk_that_is_full_during_the_frames_or_only_at_their_end_ends_the_encoding(tmp_path, count):
    """Nothing of the shorter clip is written before its end."""
    path = tmp_path / "clip.mp4"
    path.symlink_to("/dev/full")
    with pytest.raises(GenerationFailed) as failure:
        encode(rendering(grey_ramp(count), count), path)
    assert isinstance(failure.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("good", [3, 50])
def test_a_mistake_while_encoding_is_raised_and_leaves_no_clip(tmp_path, good):
    """The other frames, more than the queue holds, are no whole clip."""
    frames = [*grey_ramp(good), replace(flat((16, 128, 128)), planes="no bytes"), *grey_ramp(20)]
    with pytest.raises(TypeError, match="bytes-like object is required"):
        encode(rendering(iter(frames), len(frames)), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_av1_is_smaller_and_as_true(tmp_path):
    """The comparison leaves out noise, as our clips have little of it."""
    count, sizes = 24, {}
    drawn = [frame_of(texture(shift=index)) for index in range(count)]
    for codec in VideoCodec:
        assert can_encode(codec)
        clip = encode(Rendering(drawn_size(drawn), 24, count, iter(drawn), "{}"), tmp_path / codec, OPTIONS[codec])
        sizes[codec] = clip.byte_count
        for frame, was in zip(clips.frames(clip.path), drawn, strict=True):
            error = np.mean((luma_of(frame) - luma_of(was)) ** 2)
            assert error < 255**2 / 10**4
    assert sizes[VideoCodec.AV1] < sizes[VideoCodec.H264]


def drawn_size(frames: list[Frame]) -> FrameSize:
    return FrameSize(frames[0].width, frames[0].height)


def test_no_frames_are_a_failure(tmp_path):
    with pytest.raises(GenerationFailed):
        encode(rendering(iter([]), 0), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_frames_are_drawn_no_further_ahead_than_the_queue(tmp_path):
    drawn: list[int] = []

    def frames() -> Iterator[Frame]:
        for index, frame in enumerate(grey_ramp(20)):
            drawn.append(index)
            yield frame

    encode(rendering(frames(), 20), tmp_path / "clip.mp4")
    assert drawn == list(range(20))


def test_a_truncated_or_foreign_file_is_no_clip(tmp_path):
    path = tmp_path / "clip.mp4"
    encode(rendering(grey_ramp(30), 30), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 200])
    with pytest.raises(BrokenClip):
        probe(path, whole=True)
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + whole)
    path.write_bytes(b"not a clip")
    with pytest.raises(BrokenClip):
        probe(path)


def test_the_thumbnail_shows_the_frame_in_its_colours(tmp_path):
    written = write_thumbnail(flat(RED), tmp_path / "thumbnail.jpg")
    assert written == (tmp_path / "thumbnail.jpg").stat().st_size
    with Image.open(tmp_path / "thumbnail.jpg") as image:
        assert image.size == (SIZE.width, SIZE.height)
        assert np.abs(np.asarray(image)[30, 60].astype(int) - (255, 0, 0)).max() <= 6
        assert not image.getexif()


def test_black_and_white_are_the_ends_of_the_range():
    assert rgb(flat((16, 128, 128)))[0, 0].tolist() == [0, 0, 0]
    assert rgb(flat((235, 128, 128)))[0, 0].tolist() == [255, 255, 255]


def test_a_clips_last_frame_is_about_as_true_as_its_first(tmp_path):
    """If frames hardly differ, x264's defaults give the last ones the fewest bits."""
    size, grain = FrameSize(320, 180), np.random.default_rng(1).normal(0, 6, (180, 320))
    turns = np.sin(2 * np.pi * np.arange(96) / 96)
    drawn = [frame_of(texture(size, 2 * turn) + grain) for turn in turns]
    encode(Rendering(size, 24, 96, iter(drawn), "{}"), tmp_path / "loop.mp4")
    shown = list(clips.frames(tmp_path / "loop.mp4"))
    errors = [float(np.mean((luma_of(drawn[at]) - luma_of(shown[at])) ** 2)) for at in (0, -1)]
    assert errors[1] < 2 * errors[0]
