"""What a clip of ours holds, and the refusal of what is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize

ONE_FILE: Mapping[str, str] = {"protocol_whitelist": "file"}
"""For FFmpeg's demuxers: whatever a file says, nothing but that file is opened."""

MAX_CLIP_PIXELS = 4096 * 4096
MAX_CLIP_FRAMES = 3600


class Ratio(Protocol):
    """A `Fraction`, or from PyAV 19 on a kind of number of its own."""

    @property
    def numerator(self) -> int:
        """What is divided."""
        ...

    @property
    def denominator(self) -> int:
        """By what."""
        ...


class Rate(Protocol):
    """A video stream of PyAV's, as much of it as a rate takes."""

    @property
    def average_rate(self) -> Ratio | None:
        """Frames a second."""
        ...


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """`fps` is frames a second, `seconds` the clip's length, `codec` FFmpeg's name: h264 or av1."""

    size: FrameSize
    fps: Fraction
    frame_count: int
    seconds: float
    codec: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a clip that another made holds. Its size is what it has as ours: even sides.

    `is_played` says that every browser plays its pictures as they are, `telling` is the frame for the thumbnail.
    """

    size: FrameSize
    fps: Fraction
    frame_count: int
    is_played: bool
    telling: Frame


def frame_rate(stream: Rate) -> Fraction:
    """The mean rate that the file tells, 0 where it tells none."""
    told = stream.average_rate
    return Fraction(0) if told is None else Fraction(told.numerator, told.denominator)
