"""Reader of foreign clips (of other servers and of callers): survey and conversion, frame by frame.

FFmpeg parses a stranger's bytes here, so it belongs into a decoder process (`stillmotion.media.sandbox.decoder`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import av.video.reformatter  # imported before the sandbox forbids opening files
import numpy as np
from av.container import InputContainer

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.file_types.pictures import SIGNATURE_BYTES
from stillmotion.domain.file_types.videos import video_type
from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize
from stillmotion.media.excerpts import excerpt_places, excerpt_size
from stillmotion.media.frames import BT709, LIMITED_RANGE
from stillmotion.media.input.clip_facts import (
    MAX_CLIP_FRAMES,
    MAX_CLIP_PIXELS,
    ONE_FILE,
    Surveyed,
    frame_rate,
)

LAYOUT: Final = "yuv420p"
READ: Final = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "gif"})
PLAYED: Final = frozenset({"h264", "av1"})
SOUND: Final = frozenset({"aac", "opus", "mp3"})
THREADS: Final = 2
TELLING: Final = 0.3
"""Position of the thumbnail's frame as a share of the clip: by then the movement has begun."""
UNTOLD: Final = Fraction(24)
"""The rate assumed for a clip that states none."""


def survey(clip: Path | BinaryIO) -> Surveyed:
    """Decode the whole clip. Raises `CLIP_UNREADABLE` for one that is damaged or too large, or for another file."""
    with _opened(clip) as container:
        stream = container.streams.video[0]
        claimed, telling, count, is_upright = stream.frames, None, 0, True
        rate = frame_rate(stream) or UNTOLD
        places = excerpt_places(claimed, float(rate)) if 0 < claimed <= MAX_CLIP_FRAMES else ()
        small = []
        for picture in container.decode(stream):
            is_upright = is_upright and not _turns(picture)
            if telling is None or count == round(claimed * TELLING):
                telling = _plain(picture, _even(stream))
            if count in places:
                small.append(_plain(picture, excerpt_size(_even(stream))))
            count += 1
            if count > MAX_CLIP_FRAMES:
                raise FailureKind.CLIP_UNREADABLE.error()
        if telling is None or (claimed and count != claimed):
            raise FailureKind.CLIP_UNREADABLE.error()
        size = FrameSize(telling.width, telling.height)
        is_played = is_upright and bool(small) and _is_played(container)
        return Surveyed(size, rate, count, is_played, telling, tuple(small) if is_played else ())


def frames(clip: Path | BinaryIO) -> Iterator[Frame]:
    """Every frame in our format: upright, even sides, planar 4:2:0, BT.709, limited range. Raises as `survey` does."""
    with _opened(clip) as container:
        size = _even(container.streams.video[0])
        for picture in container.decode(video=0):
            yield _plain(picture, size)


@contextmanager
def _opened(clip: Path | BinaryIO) -> Iterator[InputContainer]:
    try:
        file = str(clip) if isinstance(clip, Path) else clip
        with av.open(file, "r", format=_container(clip), options=dict(ONE_FILE)) as container:
            if not container.streams.video:
                raise FailureKind.CLIP_UNREADABLE.error()
            stream = container.streams.video[0]
            size = _even(stream)
            context: Any = stream.codec_context
            if context.codec.canonical_name not in READ or not 4 <= size.width * size.height <= MAX_CLIP_PIXELS:
                raise FailureKind.CLIP_UNREADABLE.error()
            context.thread_count = THREADS
            yield container
    except (av.FFmpegError, ValueError) as error:
        raise FailureKind.CLIP_UNREADABLE.error() from error


def _container(clip: Path | BinaryIO) -> str:
    """The demuxer for the file's first bytes. FFmpeg must not guess: some demuxers open other files."""
    if isinstance(clip, Path):
        with clip.open("rb") as file:
            beginning = file.read(SIGNATURE_BYTES)
    else:
        beginning = clip.read(SIGNATURE_BYTES)
        clip.seek(0)
    known = video_type(beginning)
    if known is None:
        raise FailureKind.CLIP_UNREADABLE.error()
    return known


def _is_played(container: InputContainer) -> bool:
    """True if every browser plays the file: one video stream, at most one of sound, no other."""
    stream = container.streams.video[0]
    context: Any = stream.codec_context
    whole_rate = frame_rate(stream).denominator == 1 and frame_rate(stream) > 0
    plain = (
        "mp4" in container.format.name
        and context.codec.canonical_name in PLAYED
        and context.pix_fmt == LAYOUT
        and not stream.width % 2 | stream.height % 2
    )
    sound = [each for each in container.streams if each.type == "audio"]
    heard = all(each.codec_context.name in SOUND for each in container.streams.audio)
    return whole_rate and plain and heard and len(sound) <= 1 and len(container.streams) == 1 + len(sound)


def _plain(picture: av.VideoFrame, size: FrameSize) -> Frame:
    plain = picture.reformat(size.width, size.height, LAYOUT, dst_colorspace=BT709, dst_color_range=LIMITED_RANGE)
    planes = plain.to_ndarray().reshape(-1)
    turns = _turns(picture)
    return _turned(planes, size, turns) if turns else Frame(size.width, size.height, planes)


def _turns(picture: av.VideoFrame) -> int:
    """The quarter turns to the left that the file asks of a player."""
    return round(picture.rotation / 90) % 4


def _turned(planes: Any, size: FrameSize, turns: int) -> Frame:
    """A frame turned upright: `turns` quarters to the left."""
    pixels = size.width * size.height
    luma = planes[:pixels].reshape(size.height, size.width)
    chroma = planes[pixels:].reshape(2, size.height // 2, size.width // 2)
    upright = [np.rot90(plane, turns).reshape(-1) for plane in (luma, *chroma)]
    sides = (size.height, size.width) if turns % 2 else (size.width, size.height)
    return Frame(*sides, np.concatenate(upright))


def _even(stream: Any) -> FrameSize:
    return FrameSize(stream.width // 2 * 2, stream.height // 2 * 2)
