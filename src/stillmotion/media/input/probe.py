"""Probe of a finished clip of ours: completeness and facts."""

from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import av

from stillmotion.domain.request import FrameSize
from stillmotion.media.input.clip_facts import ONE_FILE, ClipFacts, frame_rate


class BrokenClip(Exception):
    """The file is not a clip that a browser could play from its first bytes on. The message tells the fault."""


def probe(clip: Path | BinaryIO, *, whole: bool = False) -> ClipFacts:
    """Open a clip of ours and decode its first frame, or with `whole` every frame. Raises `BrokenClip`.

    Only for files that we wrote, or inside a decoder: FFmpeg's demuxers must not see untrusted bytes elsewhere.
    """
    with clip.open("rb") if isinstance(clip, Path) else nullcontext(clip) as file:
        if not _starts_with_index(file):
            raise BrokenClip("the index (moov) does not come before the pictures (mdat)")
        file.seek(0)
        try:
            return _facts(file, whole)
        except (av.FFmpegError, OSError) as error:
            raise BrokenClip(str(error)) from error


def _facts(file: BinaryIO, whole: bool) -> ClipFacts:
    with av.open(file, "r", format="mp4", options=dict(ONE_FILE)) as container:
        if not container.streams.video:
            raise BrokenClip("there is no video in it")
        stream = container.streams.video[0]
        decoded = 0
        for _ in container.decode(stream):
            decoded += 1
            if not whole:
                break
        if decoded == 0 or (whole and decoded != stream.frames):
            raise BrokenClip(f"{decoded} frames decode of {stream.frames}")
        fps = frame_rate(stream)
        return ClipFacts(
            size=FrameSize(stream.width, stream.height),
            fps=fps,
            frame_count=stream.frames,
            seconds=float(stream.frames / fps) if fps else 0.0,
            codec=stream.codec_context.codec.canonical_name,
        )


def _starts_with_index(file: BinaryIO) -> bool:
    """True if the box `moov` comes before `mdat` (ISO/IEC 14496-12: size, type, body)."""
    while len(head := file.read(8)) == 8:
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"moov":
            return True
        if kind == b"mdat" or size < 8:
            return False
        file.seek(size - 8, 1)
    return False
