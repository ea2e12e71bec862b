"""Looking at a finished clip of ours: whether it is whole, and what it holds."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from stillmotion.domain.request import FrameSize


class BrokenClip(Exception):
    """The file is not a clip that a browser could play from its first bytes on. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What a clip holds. `fps` is frames a second, `seconds` its length, `codec` FFmpeg's name: h264 or av1."""

    size: FrameSize
    fps: Fraction
    frame_count: int
    seconds: float
    codec: str


def probe(path: Path, *, whole: bool = False) -> ClipFacts:
    """Open a clip of ours and decode its first frame, or with `whole` every frame. Raises `BrokenClip`.

    Only for files that we wrote: FFmpeg's demuxers are not to be shown a stranger's bytes.
    """
    if not _starts_with_index(path):
        raise BrokenClip(f"{path.name}: the index (moov) does not come before the pictures (mdat)")
    try:
        with av.open(str(path), "r", format="mp4") as container:
            if not container.streams.video:
                raise BrokenClip(f"{path.name}: there is no video in it")
            stream = container.streams.video[0]
            decoded = 0
            for _ in container.decode(stream):
                decoded += 1
                if not whole:
                    break
            if decoded == 0 or (whole and decoded != stream.frames):
                raise BrokenClip(f"{path.name}: {decoded} frames decode of {stream.frames}")
            fps = stream.average_rate or Fraction(0)
            return ClipFacts(
                size=FrameSize(stream.width, stream.height),
                fps=fps,
                frame_count=stream.frames,
                seconds=float(stream.frames / fps) if fps else 0.0,
                codec=stream.codec_context.codec.canonical_name,
            )
    except (av.FFmpegError, OSError) as error:
        raise BrokenClip(f"{path.name}: {error}") from error


def _starts_with_index(path: Path) -> bool:
    """Whether the box `moov` comes before `mdat` (ISO/IEC 14496-12: size, type, body)."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind == b"moov":
                return True
            if kind == b"mdat" or size < 8:
                return False
            file.seek(size - 8, 1)
    return False
