"""Facts about clips: size, rate, length, codec; and the limits that a clip must keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize

ONE_FILE: Mapping[str, str] = {"protocol_whitelist": "file"}
"""Options for FFmpeg's demuxers: a file's references to other files or URLs are not opened."""

MAX_CLIP_PIXELS = 4096 * 4096
MAX_CLIP_FRAMES = 3600


class Ratio(Protocol):
    """A `Fraction`, or PyAV's own type of it (from PyAV 19 on)."""

    @property
    def numerator(self) -> int:
        """The dividend."""
        ...

    @property
    def denominator(self) -> int:
        """The divisor."""
        ...


class Rate(Protocol):
    """The part of PyAV's video stream that tells its frame rate."""

    @property
    def average_rate(self) -> Ratio | None:
        """Mean frames a second."""
        ...


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """Facts about a clip of ours. `codec` is FFmpeg's name: h264 or av1."""

    size: FrameSize
    fps: Fraction
    frame_count: int
    seconds: float
    codec: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Facts about a foreign clip, found by decoding all of it. `size` is the size after conversion: even sides.

    `is_played`: every browser plays its video stream unchanged. `telling` is the frame for the thumbnail. `small` are
    the frames of an excerpt (`media.excerpts`), of a clip that is played.
    """

    size: FrameSize
    fps: Fraction
    frame_count: int
    is_played: bool
    telling: Frame
    small: tuple[Frame, ...] = ()


def frame_rate(stream: Rate) -> Fraction:
    """The average rate that the file states, 0 if it states none."""
    told = stream.average_rate
    return Fraction(0) if told is None else Fraction(told.numerator, told.denominator)
