"""Import of foreign clips (from other servers, or uploaded): they become files like our own.

Decoders parse them; here only their frames arrive.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Frame, Rendering, Report, checkpoint
from stillmotion.domain.request import MAX_SECONDS
from stillmotion.media.input.clip_facts import Surveyed
from stillmotion.media.output.encoder import EncodedClip, EncodeOptions, encode
from stillmotion.media.output.excerpt import Excerpt
from stillmotion.media.output.faststart import NotMovable, write_index_first
from stillmotion.media.sandbox.client import DecoderProcess

SPARE_SECONDS: Final = 0.5
"""Seconds by which an uploaded video may exceed the longest clip: cuts fall on frames, and rates are rounded."""
FASTEST: Final = 120
"""Highest frame rate of a re-encoded clip."""


@dataclass(frozen=True, slots=True)
class ClipForm:
    """Form that a foreign clip is to have. `kept` selects frames: all but the first, or all but the last.

    A clip that browsers play is copied, sound included, and any other encoded by `options`; with `recoded` one in
    another codec than theirs is encoded too.
    """

    options: EncodeOptions
    kept: slice = field(default_factory=lambda: slice(None))
    recoded: bool = False


def take_over(
    source: Path,
    video: Path,
    form: ClipForm,
    decoder: DecoderProcess,
    report: Report,
    broken: FailureKind = FailureKind.REMOTE_CLIP_BROKEN,
    longest: float = math.inf,
) -> EncodedClip:
    """Decode every frame of `source`, and write it to `video` for playback from the first byte on.

    Raises `GenerationFailed`: code `remote_clip_broken`, to be tried again, for an incomplete clip; `source_too_long`
    for one of more than `longest` seconds.
    """
    try:
        surveyed = decoder.survey(source)
        if surveyed.frame_count > longest * surveyed.fps:
            raise FailureKind.SOURCE_TOO_LONG.error()
        frames = range(surveyed.frame_count)[form.kept]
        if not frames:
            raise broken.error()
        if not (surveyed.is_played and len(frames) == surveyed.frame_count and _is_moved(source, video)):
            return _compressed(source, video, frames, surveyed, decoder, form.options, report)
        facts = decoder.facts(video)
        if form.recoded and facts.codec != form.options.codec:
            return _compressed(source, video, frames, surveyed, decoder, form.options, report)
    except GenerationFailed as failure:
        if failure.code != FailureKind.CLIP_UNREADABLE.code:
            raise
        raise broken.error() from failure
    told = video, facts.size, round(facts.fps), facts.frame_count, video.stat().st_size
    return EncodedClip(*told, surveyed.telling, surveyed.small)


def take_in(source: Path, video: Path, decoder: DecoderProcess, options: EncodeOptions) -> EncodedClip:
    """Import an uploaded video as `take_over` does.

    Raises `GenerationFailed` (code `source_unreadable` or `source_too_long`).
    """
    longest = MAX_SECONDS + SPARE_SECONDS
    return take_over(source, video, ClipForm(options), decoder, _unreported, FailureKind.SOURCE_UNREADABLE, longest)


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
) -> EncodedClip:
    """The clip re-encoded, without its sound."""

    def drawn() -> Iterator[Frame]:
        with closing(decoder.converted(source)) as frames:
            for index, frame in enumerate(frames):
                if index in kept:
                    report((index - kept.start) / len(kept))
                    yield frame

    rate = min(FASTEST, max(1, round(surveyed.fps)))
    excerpt = Excerpt(surveyed.size, rate)
    rendering = Rendering(surveyed.size, rate, len(kept), excerpt.passing(drawn(), len(kept)), "")
    return replace(encode(rendering, video, options), telling=surveyed.telling, small=tuple(excerpt.frames))
