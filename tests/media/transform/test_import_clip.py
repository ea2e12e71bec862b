"""Import of other servers' clips in the service's format, and pictures in the form that such a server wants."""

import io
from contextlib import suppress

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.input.probe import probe
from stillmotion.media.output.encoder import OPTIONS, EncodeOptions
from stillmotion.media.output.faststart import NotMovable, write_index_first
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.fit import write_fitted
from stillmotion.media.transform.import_clip import ClipForm, take_over
from tests.media.clips import SIZE, texture, write_clip

PLAIN = ClipForm(EncodeOptions())


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "theirs.mp4", lambda index: texture(shift=index))


@pytest.fixture
def decoder():
    process = DecoderProcess()
    yield process
    process.close()


def foreign_clip(path, codec="mpeg4", layout="yuv420p", size=(97, 63), count=12, **options):
    """A clip in the form of other programs: the index at the end, an odd size, another codec."""
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, layout
        for index in range(count):
            pixels = np.full((size[1], size[0], 3), 20 * index % 255, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decoded(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}], ids=["index last", "index first"])
def test_what_a_browser_plays_keeps_its_pictures_and_gets_its_index_first(tmp_path, decoder, options):
    theirs = foreign_clip(tmp_path / "theirs.mp4", codec="libx264", size=(96, 64), **options)
    taken = take_over(theirs, tmp_path / "ours.mp4", PLAIN, decoder, lambda _: None)
    assert (taken.size, taken.fps, taken.frame_count) == (FrameSize(96, 64), 10, 12)
    assert probe(tmp_path / "ours.mp4", whole=True).frame_count == 12
    for mine, original in zip(decoded(tmp_path / "ours.mp4"), decoded(theirs), strict=True):
        assert np.array_equal(mine, original)


@pytest.mark.parametrize(
    ("codec", "layout", "size"),
    [("mpeg4", "yuv420p", (96, 64)), ("libx264", "yuv444p", (97, 63))],
    ids=["a codec that browsers do not play", "a layout that they do not play, of odd size"],
)
def test_what_no_browser_plays_is_compressed_anew(tmp_path, codec, layout, size, decoder):
    theirs = foreign_clip(tmp_path / "theirs.mp4", codec, layout, size)
    take_over(theirs, tmp_path / "ours.mp4", PLAIN, decoder, lambda _: None)
    facts = probe(tmp_path / "ours.mp4", whole=True)
    assert (facts.codec, facts.frame_count, facts.size) == ("h264", 12, FrameSize(96, size[1] // 2 * 2))
    means = [frame[: facts.size.height].mean() for frame in decoded(tmp_path / "ours.mp4")]
    assert means[11] > means[5] > means[0]


@pytest.mark.parametrize("theirs", list(VideoCodec))
@pytest.mark.parametrize("asked", list(VideoCodec))
def test_a_codec_that_was_asked_for_is_had_whatever_the_clip_came_in(tmp_path, theirs, asked, decoder):
    came = write_clip(tmp_path / "theirs.mp4", lambda index: texture(shift=index), codec=theirs)
    took = take_over(came, tmp_path / "ours.mp4", ClipForm(OPTIONS[asked], recoded=True), decoder, lambda _: None)
    facts = probe(tmp_path / "ours.mp4", whole=True)
    assert (facts.codec, facts.frame_count, took.byte_count) == (asked, 24, (tmp_path / "ours.mp4").stat().st_size)
    assert (decoded(tmp_path / "ours.mp4")[5] == decoded(came)[5]).all() == (asked is theirs)


@pytest.mark.parametrize(("kept", "count"), [(slice(1, None), 23), (slice(None, -1), 23), (slice(1, -1), 22)])
def test_a_frame_that_is_shown_elsewhere_is_left_out(clip, tmp_path, kept, count, decoder):
    take_over(clip, tmp_path / "ours.mp4", ClipForm(EncodeOptions(), kept), decoder, lambda _: None)
    assert probe(tmp_path / "ours.mp4", whole=True).frame_count == count


def test_a_long_index_is_moved_with_every_offset_in_it(tmp_path, decoder):
    theirs = foreign_clip(tmp_path / "theirs.mp4", codec="libx264", size=(96, 64), count=600)
    write_index_first(theirs, tmp_path / "moved.mp4")
    assert (tmp_path / "moved.mp4").stat().st_size == theirs.stat().st_size
    assert probe(tmp_path / "moved.mp4", whole=True).frame_count == 600


@given(st.binary(max_size=400))
def test_no_bytes_make_more_of_moving_than_a_refusal(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("moved")
    head = len(content).to_bytes(4, "big")
    for each in (content, b"\0\0\0\x08ftyp" + head + b"moov" + content + b"\0\0\0\x08mdat"):
        (folder / "theirs.mp4").write_bytes(each)
        with suppress(NotMovable):
            write_index_first(folder / "theirs.mp4", folder / "ours.mp4")


@pytest.mark.parametrize("damage", ["cut short", "not a clip", "empty", "no pictures"])
def test_a_file_that_is_no_whole_clip_is_refused_and_may_be_tried_again(clip, tmp_path, damage, decoder):
    whole = clip.read_bytes()
    content = {
        "cut short": whole[: len(whole) * 2 // 3],
        "not a clip": b"<html>502 Bad Gateway</html>",
        "empty": b"",
        "no pictures": whole[: whole.index(b"mdat")],
    }[damage]
    theirs = tmp_path / "damaged.mp4"
    theirs.write_bytes(content)
    with pytest.raises(GenerationFailed) as refused:
        take_over(theirs, tmp_path / "ours.mp4", PLAIN, decoder, lambda _: None)
    assert (refused.value.code, refused.value.permanent) == ("remote_clip_broken", False)


def test_a_playlist_that_calls_itself_a_clip_leads_nowhere(tmp_path, decoder):
    theirs = tmp_path / "list.mp4"
    theirs.write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret'}\n")
    with pytest.raises(GenerationFailed):
        take_over(theirs, tmp_path / "ours.mp4", PLAIN, decoder, lambda _: None)


def a_picture(width, height, bright_at):
    """Grey with a bright disc at these fractions of width and height."""
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    away = np.hypot(x - bright_at[0] * width, y - bright_at[1] * height)
    grey = np.where(away < 0.15 * min(width, height), 230, 90).astype(np.uint8)
    return Picture(width, height, np.repeat(grey[:, :, None], 3, axis=2).tobytes())


@pytest.mark.parametrize("bright_at", [(0.2, 0.5), (0.8, 0.5)])
def test_a_picture_is_cropped_around_what_it_shows_to_exactly_the_size(tmp_path, bright_at):
    write_fitted(a_picture(400, 200, bright_at), FrameSize(96, 96), tmp_path / "fitted.png")
    with Image.open(io.BytesIO((tmp_path / "fitted.png").read_bytes())) as image:
        assert (image.format, image.size) == ("PNG", (96, 96))
        pixels = np.asarray(image.convert("L"), float)
    assert (pixels > 200).mean() > 0.06


def test_a_picture_of_the_right_shape_is_not_cropped(tmp_path):
    pixels = np.repeat(np.clip(texture(SIZE), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    write_fitted(Picture(SIZE.width, SIZE.height, pixels.tobytes()), SIZE, tmp_path / "fitted.png")
    with Image.open(tmp_path / "fitted.png") as image:
        assert np.array_equal(np.asarray(image), pixels)
