"""What can be asked of a generation, valid by construction."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.keyframes import Keyframe

PROMPT_MAX_CHARACTERS = 5000
URL_MAX_CHARACTERS = 8192
MIN_SECONDS, DEFAULT_SECONDS, MAX_SECONDS = 1.0, 5.0, 10.0
MAX_SEED = 2**63 - 1
DEFAULT_MODEL = "ray-1-6"
WIDEST_SHAPE = 4.0
"""A picture's own shape is kept between 1:4 and 4:1; beyond that it is cropped."""


class Resolution(StrEnum):
    """The area of a frame, by the usual name of its 16:9 form."""

    P540 = "540p"
    P720 = "720p"
    P1080 = "1080p"
    P2160 = "4k"

    @property
    def area(self) -> int:
        """Pixels a frame."""
        height = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}[self.value]
        return height * height * 16 // 9


class AspectRatio(StrEnum):
    """The shapes that can be asked for, width:height."""

    SQUARE = "1:1"
    WIDE = "16:9"
    TALL = "9:16"
    CLASSIC = "4:3"
    CLASSIC_TALL = "3:4"
    CINEMA = "21:9"
    CINEMA_TALL = "9:21"

    @property
    def ratio(self) -> float:
        """Width over height."""
        width, height = self.value.split(":")
        return int(width) / int(height)


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Pixels; both sides even, as 4:2:0 video needs."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What was asked, after the dialect is taken off. Raises `InvalidRequest` with every problem found.

    `seconds` is the clip's length; without `aspect_ratio` the picture keeps its own shape.
    """

    prompt: str
    frame0: Keyframe | None
    frame1: Keyframe | None = None
    aspect_ratio: AspectRatio | None = None
    loop: bool = False
    seconds: float = DEFAULT_SECONDS
    resolution: Resolution = Resolution.P720
    seed: int | None = None
    concepts: tuple[str, ...] = ()
    callback_url: str | None = None
    model: str = DEFAULT_MODEL

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise InvalidRequest(*problems)

    def _problems(self) -> list[Problem]:
        problems = [Problem("prompt", message) for message in prompt_problems(self.prompt)]
        if not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            problems.append(Problem("duration", f"must be from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds"))
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            problems.append(Problem("seed", f"must be a whole number from 0 to {MAX_SEED}"))
        return problems


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def prompt_problems(prompt: str) -> list[str]:
    """What is wrong with a prompt, a remedy in each sentence; empty for a good one."""
    length = len(prompt.strip())
    if length == 0:
        return ["must not be blank: say what should happen in the video"]
    if length > PROMPT_MAX_CHARACTERS:
        return [f"is {length} characters long; shorten it to {PROMPT_MAX_CHARACTERS} at most"]
    if _UNSTORABLE.search(prompt):
        return ["must hold neither NUL characters nor lone surrogates: send plain Unicode text"]
    return []


def frame_size(resolution: Resolution, aspect: AspectRatio | None, picture: FrameSize) -> FrameSize:
    """The clip's size: the resolution's area in the asked shape, or else in the picture's own."""
    own = picture.width / picture.height
    ratio = aspect.ratio if aspect else min(max(own, 1 / WIDEST_SHAPE), WIDEST_SHAPE)
    width = math.sqrt(resolution.area * ratio)
    return FrameSize(_even(width), _even(width / ratio))


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
