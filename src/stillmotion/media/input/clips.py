"""Reader of finished clips of ours, frame by frame.

It belongs into a decoder process (`stillmotion.media.sandbox.decoder`), where a crash or much memory does no harm.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Frame
from stillmotion.media.input.clip_facts import MAX_CLIP_FRAMES, MAX_CLIP_PIXELS, ONE_FILE, ClipFacts
from stillmotion.media.input.probe import BrokenClip, probe

CODECS = frozenset({"h264", "av1"})
LAYOUT = "yuv420p"
THREADS = 2


def facts(clip: Path | BinaryIO) -> ClipFacts:
    """Facts about the clip. Raises `CLIP_UNREADABLE` for a file that is not a whole clip of ours."""
    try:
        found = probe(clip)
    except BrokenClip as error:
        raise FailureKind.CLIP_UNREADABLE.error() from error
    whole_rate = found.fps.denominator == 1 and found.fps > 0
    within = found.size.width * found.size.height <= MAX_CLIP_PIXELS and 0 < found.frame_count <= MAX_CLIP_FRAMES
    even = found.size.width % 2 == 0 == found.size.height % 2
    if found.codec not in CODECS or not whole_rate or not within or not even:
        raise FailureKind.CLIP_UNREADABLE.error()
    return found


def frames(clip: Path | BinaryIO) -> Iterator[Frame]:
    """Every frame in order, one in memory at a time. Raises `CLIP_UNREADABLE` for a damaged file."""
    with _opened(clip) as container:
        for picture in container.decode(video=0):
            yield _frame(picture)


def first(clip: Path | BinaryIO) -> Frame:
    """The clip's first frame. Raises as `frames` does."""
    with _opened(clip) as container:
        for picture in container.decode(video=0):
            return _frame(picture)
    raise FailureKind.CLIP_UNREADABLE.error()


def last(clip: Path | BinaryIO) -> Frame:
    """The clip's last frame. Only its last group of pictures is decoded. Raises as `frames` does."""
    latest = None
    with _opened(clip) as container:
        stream = container.streams.video[0]
        container.seek(stream.duration or 0, stream=stream, backward=True)
        for picture in container.decode(stream):
            latest = picture
        if latest is None:
            raise FailureKind.CLIP_UNREADABLE.error()
        return _frame(latest)


@contextmanager
def _opened(clip: Path | BinaryIO) -> Iterator[InputContainer]:
    try:
        file = str(clip) if isinstance(clip, Path) else clip
        with av.open(file, "r", format="mp4", options=dict(ONE_FILE)) as container:
            if not container.streams.video:
                raise FailureKind.CLIP_UNREADABLE.error()
            context: Any = container.streams.video[0].codec_context
            context.thread_count = THREADS
            yield container
    except av.FFmpegError as error:
        raise FailureKind.CLIP_UNREADABLE.error() from error


def _frame(picture: av.VideoFrame) -> Frame:
    if picture.format.name != LAYOUT:
        raise FailureKind.CLIP_UNREADABLE.error()
    planes = picture.to_ndarray()
    return Frame(picture.width, picture.height, planes.reshape(-1))
