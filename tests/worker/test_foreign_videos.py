"""Videos at callers' addresses, reframed by real renderer processes, and failures for files of other kinds."""

from fractions import Fraction

import av
import numpy as np
import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import AspectRatio, FrameSize, Purpose
from stillmotion.media.input.clips import frames
from tests.worker.conftest import running
from tests.worker.test_earlier_clips import Desk

WIDE = FrameSize(64, 36)
SQUARE = FrameSize(720, 720)
"""The square frame of 540p."""


def film(path, *, codec="libx264", fps=24, count=24, size=WIDE, layout="yuv420p", turned=0):
    """A video that is bright above and dark below. With `turned` it is displayed rotated, as a phone's may be."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, layout
        pixels = np.full((size.height, size.width, 3), 40, np.uint8)
        pixels[: size.height // 2] = 210
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    if turned:
        path.write_bytes(on_its_side(path.read_bytes()))
    return path


def on_its_side(movie: bytes) -> bytes:
    """The MP4 with a display matrix of a quarter turn to the left (ISO/IEC 14496-12, `tkhd`)."""
    at = movie.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    upright = b"".join(each.to_bytes(4, "big") for each in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
    assert movie[at : at + 36] == upright
    quarter = (0, 2**32 - (1 << 16), 0, 1 << 16, 0, 0, 0, 0, 1 << 30)
    return movie[:at] + b"".join(each.to_bytes(4, "big") for each in quarter) + movie[at + 36 :]


async def reframed(workshop, tmp_path, name, aspect_ratio=AspectRatio.SQUARE):
    async with running(workshop) as bench:
        desk = Desk(bench)
        url = f"https://example.com/{name}"
        done = await desk.made("", frame0=None, purpose=Purpose.REFRAME, source_url=url, aspect_ratio=aspect_ratio)
        return done, (await desk.facts(done, tmp_path) if done.state is State.COMPLETED else None)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("plain.mp4", {}),
        ("film.mov", {"codec": "mpeg4"}),
        ("vp9.webm", {"codec": "libvpx-vp9"}),
        ("vp8.webm", {"codec": "libvpx"}),
        ("moving.gif", {"codec": "gif", "layout": "rgb8", "fps": 20, "count": 20}),
        ("broadcast.mp4", {"fps": Fraction(30000, 1001), "count": 30}),
        ("odd.webm", {"codec": "libvpx", "size": FrameSize(65, 37)}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_a_video_of_any_of_these_kinds_is_reframed(workshop, tmp_path, name, parts):
    film(tmp_path / name, **parts)
    done, facts = await reframed(workshop, tmp_path, name)
    assert done.state is State.COMPLETED, done.failure_reason
    assert (facts.size, facts.frame_count) == (SQUARE, parts.get("count", 24))
    assert facts.fps == round(parts.get("fps", 24))
    assert done.request.seconds == 12.0


async def test_a_film_that_was_held_on_its_side_is_set_upright(workshop, tmp_path):
    film(tmp_path / "held.mp4", size=FrameSize(64, 64), turned=90)
    done, _ = await reframed(workshop, tmp_path, "held.mp4")
    assert done.state is State.COMPLETED, done.failure_reason
    shown = next(iter(frames(tmp_path / "made.mp4")))
    luma = np.frombuffer(shown.planes, np.uint8)[: 720 * 720].reshape(720, 720).astype(int)
    assert luma[360, 100] - luma[360, 620] == pytest.approx(140, abs=15)
    assert luma[100, 360] == pytest.approx(luma[620, 360], abs=20)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\0\0\0\x18ftypisom" + bytes(500), "source_unreadable"),
        (b"\x1a\x45\xdf\xa3" + bytes(500), "source_unreadable"),
        (b"GIF89a" + bytes(500), "source_unreadable"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n" + bytes(500), "source_unreadable"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" + bytes(500), "source_unreadable"),
        (None, "source_too_long"),
    ],
    ids=["no MP4", "no WebM", "no GIF", "a list of files", "a playlist", "thirteen seconds"],
)
async def test_what_is_no_video_or_too_long_fails_once_with_a_sentence(workshop, tmp_path, content, code):
    if content is None:
        film(tmp_path / "given.mp4", fps=4, count=52)
    else:
        (tmp_path / "given.mp4").write_bytes(content)
    done, _ = await reframed(workshop, tmp_path, "given.mp4")
    assert (done.state, done.failure_code, done.attempt) == (State.FAILED, code, 1)
    assert "video" in done.failure_reason
