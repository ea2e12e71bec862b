"""Clips that another server made become files like our own.

FFmpeg reads a stranger's bytes here: run it in the renderer process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame, Rendering, Report
from stillmotion.domain.request import FrameSize
from stillmotion.media.encode import BT709, LIMITED_RANGE, Clip, EncodeOptions, encode
from stillmotion.media.probe import BrokenClip, probe

OPTIONS: Final = {"protocol_whitelist": "file"}
LAYOUT: Final = "yuv420p"
PLAYED: Final = frozenset({"h264", "av1"})
"""What browsers play, and we keep as it is."""
SOUND: Final = frozenset({"aac", "opus"})
MAX_PIXELS: Final = 4096 * 4096
MAX_FRAMES: Final = 3600
FASTEST: Final = 120
THREADS: Final = 2
TELLING: Final = 0.3
"""Where in a clip the thumbnail is taken from: by then what moves has begun to."""


def take_over(source: Path, video: Path, kept: slice, options: EncodeOptions, report: Report) -> Clip:
    """Decode every frame of `source`, and write it to `video` so that it plays from its first byte on.

    `kept` says which frames of it: all but the first, or all but the last.

    Raises `GenerationFailed` (code `remote_clip_broken`, to be tried again) for what is no whole clip.
    """
    try:
        telling, count, is_played, fps, size = _looked_through(source, report)
        frames = range(count)[kept]
        if is_played and len(frames) == count:
            _remux(source, video)
        else:
            rate = min(FASTEST, max(1, round(fps)))
            encode(Rendering(size, rate, len(frames), _plain_frames(source, size, frames), ""), video, options)
        facts = probe(video)
    except (av.FFmpegError, BrokenClip, OSError, ValueError) as error:
        raise _broken() from error
    if facts.frame_count != len(frames):
        raise _broken()
    return Clip(video, facts.size, round(facts.fps), facts.frame_count, video.stat().st_size, telling)


def _looked_through(source: Path, report: Report) -> tuple[Frame, int, bool, Fraction, FrameSize]:
    """The frame for the thumbnail, how many there are, whether browsers play it, its rate and its even size."""
    with _opened(source) as container:
        stream = container.streams.video[0]
        size, claimed = _even(stream.width, stream.height), stream.frames
        if not 4 <= size.width * size.height <= MAX_PIXELS or claimed > MAX_FRAMES:
            raise _broken()
        telling, count = None, 0
        for picture in container.decode(stream):
            report(count / max(claimed, count + 1))
            if telling is None or count == round(claimed * TELLING):
                telling = _plain(picture, size)
            count += 1
            if count > MAX_FRAMES:
                raise _broken()
        if telling is None or (claimed and count != claimed):
            raise _broken()
        exact = (stream.width, stream.height) == (size.width, size.height)
        is_played = exact and stream.codec_context.codec.canonical_name in PLAYED and stream.format.name == LAYOUT
        return telling, count, is_played, stream.average_rate or Fraction(24), size


def _remux(source: Path, video: Path) -> None:
    """The same pictures, and the sound where there is any, with the index first."""
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    with _opened(source) as incoming, av.open(str(video), "w", format="mp4", options=flags) as outgoing:
        kept: list[Any] = [incoming.streams.video[0]]
        kept += [each for each in incoming.streams.audio[:1] if each.codec_context.name in SOUND]
        copies = {each.index: outgoing.add_stream_from_template(each) for each in kept}
        for packet in incoming.demux(kept):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                outgoing.mux(packet)


def _plain_frames(source: Path, size: FrameSize, kept: range) -> Iterator[Frame]:
    with _opened(source) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index in kept:
                yield _plain(picture, size)


def _plain(picture: av.VideoFrame, size: FrameSize) -> Frame:
    plain = picture.reformat(
        size.width, size.height, LAYOUT, dst_colorspace=BT709, dst_color_range=LIMITED_RANGE
    ).to_ndarray()
    return Frame(size.width, size.height, plain.reshape(-1))


@contextmanager
def _opened(source: Path) -> Iterator[InputContainer]:
    with av.open(str(source), "r", format="mp4", options=dict(OPTIONS)) as container:
        if not container.streams.video:
            raise _broken()
        context: Any = container.streams.video[0].codec_context
        context.thread_count = THREADS
        yield container


def _even(width: int, height: int) -> FrameSize:
    return FrameSize(width // 2 * 2, height // 2 * 2)


def _broken() -> GenerationFailed:
    return GenerationFailed(
        "remote_clip_broken", "The server that made the video sent a file that is not whole.", permanent=False
    )
