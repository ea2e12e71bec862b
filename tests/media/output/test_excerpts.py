"""Excerpts: a poster and a small clip that shows all of a clip's motion at next to no cost."""

import time

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stillmotion.domain.rendering import Frame, Rendering
from stillmotion.domain.request import FrameSize
from stillmotion.media.excerpts import MOST_FRAMES, excerpt_places, excerpt_rate, excerpt_size
from stillmotion.media.input.probe import probe
from stillmotion.media.output.encoder import EncodeOptions, encode
from stillmotion.media.output.excerpt import Excerpt
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.import_clip import ClipForm, take_over
from tests.media.clips import frame_of, texture, write_clip

HD = FrameSize(1280, 720)
MOST_BYTES = 150_000
MOST_OF_ENCODING = 0.05


def noise(size: FrameSize, seed: int) -> Frame:
    """A frame that hardly compresses."""
    planes = np.random.default_rng(seed).integers(16, 236, size.width * size.height * 3 // 2, np.uint8)
    return Frame(size.width, size.height, planes)


def excerpt_of(size: FrameSize, fps: int, frames) -> Excerpt:
    excerpt = Excerpt(size, fps)
    for _ in excerpt.passing(iter(frames), len(frames)):
        pass
    return excerpt


@pytest.mark.parametrize(
    ("clip", "small"),
    [((1280, 720), (320, 180)), ((720, 1280), (208, 370)), ((720, 720), (278, 278)), ((128, 96), (128, 96))],
)
def test_it_is_small_and_has_the_clips_shape(clip, small):
    assert excerpt_size(FrameSize(*clip)) == FrameSize(*small)


@given(st.integers(1, 3600), st.integers(1, 120))
def test_its_frames_are_places_of_the_clip_from_the_beginning_on(count, fps):
    places = excerpt_places(count, fps)
    assert 1 <= len(places) <= MOST_FRAMES
    assert places[0] == 0
    assert list(places) == sorted(set(places))
    assert places[-1] < count


@pytest.mark.parametrize(("count", "fps", "seconds"), [(120, 24, 3.0), (288, 24, 3.0), (48, 24, 2.0), (14, 7, 2.0)])
def test_it_lasts_three_seconds_at_most_and_shows_the_motion_to_its_end(tmp_path, count, fps, seconds):
    size = FrameSize(128, 72)
    frames = [frame_of(np.full((72, 128), 20 + 200 * index / count)) for index in range(count)]
    excerpt_of(size, fps, frames).write(tmp_path / "preview.mp4")
    facts = probe(tmp_path / "preview.mp4", whole=True)
    assert (facts.codec, facts.fps, facts.size) == ("h264", excerpt_rate(fps), size)
    assert facts.seconds == pytest.approx(seconds, abs=0.1)
    with av.open(str(tmp_path / "preview.mp4")) as container:
        assert not container.streams.audio
        shown = [frame.to_ndarray()[:72].mean() for frame in container.decode(video=0)]
    assert shown[0] == pytest.approx(20, abs=3)
    assert shown[-1] > 20 + 200 * 0.9
    content = (tmp_path / "preview.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_worst_of_frames_stays_below_the_limit(tmp_path):
    excerpt_of(HD, 24, [noise(HD, seed) for seed in range(40)]).write(tmp_path / "noise.mp4")
    hard = Excerpt(FrameSize(320, 240), 12, [noise(FrameSize(320, 240), seed) for seed in range(MOST_FRAMES)])
    hard.write(tmp_path / "hard.mp4")
    assert (tmp_path / "noise.mp4").stat().st_size < MOST_BYTES
    assert (tmp_path / "hard.mp4").stat().st_size < MOST_BYTES


def test_a_poster_is_a_small_picture_without_metadata(tmp_path):
    Excerpt(HD, 24).write_poster(frame_of(texture(HD)), tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as poster:
        assert (poster.format, poster.size) == ("JPEG", (320, 180))
        assert not poster.getexif()
    assert (tmp_path / "poster.jpg").stat().st_size < 40_000


@pytest.mark.slow
def test_it_costs_next_to_nothing_beside_the_clips_own_encoding(tmp_path):
    frames = [frame_of(texture(HD, shift=index)) for index in range(120)]

    def floor():
        encode(Rendering(HD, 24, len(frames), iter(frames), ""), tmp_path / "clip.mp4")

    def small():
        excerpt = excerpt_of(HD, 24, frames)
        excerpt.write(tmp_path / "preview.mp4")
        excerpt.write_poster(frames[0], tmp_path / "poster.jpg")

    assert min(spent(small) for _ in range(3)) <= MOST_OF_ENCODING * min(spent(floor) for _ in range(2))


def spent(work) -> float:
    """Processor time of all threads: the machine may be busy with something else."""
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.mark.parametrize("recoded", [False, True], ids=["copied", "compressed anew"])
def test_another_servers_clip_has_one_too(tmp_path, recoded):
    theirs = write_clip(tmp_path / "theirs.mp4", lambda index: texture(shift=index))
    decoder = DecoderProcess()
    try:
        kept = slice(1, None) if recoded else slice(None)
        taken = take_over(theirs, tmp_path / "ours.mp4", ClipForm(EncodeOptions(), kept), decoder, lambda _: None)
    finally:
        decoder.close()
    assert len(taken.small) == len(excerpt_places(taken.frame_count, taken.fps))
    assert {(each.width, each.height) for each in taken.small} == {(320, 180)}
