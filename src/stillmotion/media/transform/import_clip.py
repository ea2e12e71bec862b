"""Clips that another server made, and videos of callers, become files like our own.

A decoder reads them; here nothing of theirs is decoded.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Frame, Rendering, Report, checkpoint
from stillmotion.domain.request import MAX_SECONDS
from stillmotion.media.input.clip_facts import Surveyed
from stillmotion.media.output.encoder import Clip, EncodeOptions, encode
from stillmotion.media.output.faststart import NotMovable, write_index_first
from stillmotion.media.sandbox.client import DecoderProcess

SPARE_SECONDS: Final = 0.5
"""By how much a caller's video may be longer than a clip: films are cut at a frame, and rates are rounded."""
FASTEST: Final = 120
"""Frames a second of a clip that is compressed anew."""


def take_over(
    source: Path,
    video: Path,
    kept: slice,
    decoder: DecoderProcess,
    options: EncodeOptions,
    report: Report,
    broken: FailureKind = FailureKind.REMOTE_CLIP_BROKEN,
    longest: float = math.inf,
) -> Clip:
    """Have every frame of `source` decoded, and write it to `video` so that it plays from its first byte on.

    `kept` says which frames of it: all but the first, or all but the last. Raises `broken` for a clip that is not
    whole, `SOURCE_TOO_LONG` for one of more than `longest` seconds.
    """
    try:
        surveyed = decoder.survey(source)
        if surveyed.frame_count > longest * surveyed.fps:
            raise FailureKind.SOURCE_TOO_LONG.error()
        frames = range(surveyed.frame_count)[kept]
        if not frames:
            raise broken.error()
        if not (surveyed.is_played and len(frames) == surveyed.frame_count and _is_moved(source, video)):
            return _compressed(source, video, frames, surveyed, decoder, options, report)
        facts = decoder.facts(video)
    except GenerationFailed as failure:
        if failure.code != FailureKind.CLIP_UNREADABLE.code:
            raise
        raise broken.error() from failure
    return Clip(video, facts.size, round(facts.fps), facts.frame_count, video.stat().st_size, surveyed.telling)


def take_in(source: Path, video: Path, decoder: DecoderProcess, options: EncodeOptions) -> Clip:
    """A caller's own video as `take_over` has it.

    Raises `GenerationFailed` (`SOURCE_UNREADABLE` or `SOURCE_TOO_LONG`).
    """
    longest = MAX_SECONDS + SPARE_SECONDS
    return take_over(source, video, slice(None), decoder, options, _unreported, FailureKind.SOURCE_UNREADABLE, longest)


def _unreported(_: float) -> None:
    """Report of a preparation, whose fraction is none of the job's."""
    checkpoint()


def _is_moved(source: Path, video: Path) -> bool:
    try:
        write_index_first(source, video)
    except NotMovable:
        return False
    return True


def _compressed(
    source: Path,
    video: Path,
    kept: range,
    surveyed: Surveyed,
    decoder: DecoderProcess,
    options: EncodeOptions,
    report: Report,
) -> Clip:
    """The clip made anew, without its sound."""

    def drawn() -> Iterator[Frame]:
        with closing(decoder.converted(source)) as frames:
            for index, frame in enumerate(frames):
                if index in kept:
                    report((index - kept.start) / len(kept))
                    yield frame

    rate = min(FASTEST, max(1, round(surveyed.fps)))
    rendering = Rendering(surveyed.size, rate, len(kept), drawn(), "")
    clip = encode(rendering, video, options)
    return Clip(clip.path, clip.size, clip.fps, clip.frame_count, clip.byte_count, surveyed.telling)
