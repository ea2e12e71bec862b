"""Clips that another server made, looked through and converted frame by frame.

FFmpeg reads a stranger's bytes here: run it in a decoder (`stillmotion.media.decoder`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import av.video.reformatter  # loaded before a decoder may open no more files
from av.container import InputContainer

from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize
from stillmotion.media.clip_facts import MAX_CLIP_FRAMES, MAX_CLIP_PIXELS, ONE_FILE, Surveyed, unreadable
from stillmotion.media.encode import BT709, LIMITED_RANGE

LAYOUT: Final = "yuv420p"
READ: Final = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
PLAYED: Final = frozenset({"h264", "av1"})
SOUND: Final = frozenset({"aac", "opus", "mp3"})
THREADS: Final = 2
TELLING: Final = 0.3
"""Where in a clip the thumbnail is taken from: by then what moves has begun to."""
UNTOLD: Final = Fraction(24)
"""The rate of a clip that tells none."""


def survey(clip: Path | BinaryIO) -> Surveyed:
    """Decode the whole clip. Raises `GenerationFailed` where it is damaged, too large or none."""
    with _opened(clip) as container:
        stream = container.streams.video[0]
        claimed, telling, count = stream.frames, None, 0
        for picture in container.decode(stream):
            if telling is None or count == round(claimed * TELLING):
                telling = _plain(picture, _even(stream))
            count += 1
            if count > MAX_CLIP_FRAMES:
                raise unreadable()
        if telling is None or (claimed and count != claimed):
            raise unreadable()
        return Surveyed(_even(stream), stream.average_rate or UNTOLD, count, _is_played(container), telling)


def frames(clip: Path | BinaryIO) -> Iterator[Frame]:
    """Every frame as ours are: even sides, planar 4:2:0, BT.709, limited range. Raises as `survey` does."""
    with _opened(clip) as container:
        size = _even(container.streams.video[0])
        for picture in container.decode(video=0):
            yield _plain(picture, size)


@contextmanager
def _opened(clip: Path | BinaryIO) -> Iterator[InputContainer]:
    try:
        file = str(clip) if isinstance(clip, Path) else clip
        with av.open(file, "r", format="mp4", options=dict(ONE_FILE)) as container:
            if not container.streams.video:
                raise unreadable()
            stream = container.streams.video[0]
            size = _even(stream)
            context: Any = stream.codec_context
            if context.codec.canonical_name not in READ or not 4 <= size.width * size.height <= MAX_CLIP_PIXELS:
                raise unreadable()
            context.thread_count = THREADS
            yield container
    except (av.FFmpegError, ValueError) as error:
        raise unreadable() from error


def _is_played(container: InputContainer) -> bool:
    """Whether there is nothing in it but pictures that every browser plays, and perhaps sound that it plays."""
    stream = container.streams.video[0]
    context: Any = stream.codec_context
    whole_rate = stream.average_rate is not None and stream.average_rate.denominator == 1
    plain = (
        context.codec.canonical_name in PLAYED
        and context.pix_fmt == LAYOUT
        and not stream.width % 2 | stream.height % 2
    )
    sound = [each for each in container.streams if each.type == "audio"]
    heard = all(each.codec_context.name in SOUND for each in container.streams.audio)
    return whole_rate and plain and heard and len(sound) <= 1 and len(container.streams) == 1 + len(sound)


def _plain(picture: av.VideoFrame, size: FrameSize) -> Frame:
    plain = picture.reformat(size.width, size.height, LAYOUT, dst_colorspace=BT709, dst_color_range=LIMITED_RANGE)
    return Frame(size.width, size.height, plain.to_ndarray().reshape(-1))


def _even(stream: Any) -> FrameSize:
    return FrameSize(stream.width // 2 * 2, stream.height // 2 * 2)
