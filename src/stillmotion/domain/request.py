"""What can be asked of a generation, valid by construction."""

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from stillmotion.domain.errors import Field, InvalidRequest, Problem
from stillmotion.domain.keyframes import Keyframe
from stillmotion.domain.reframing import Placement

PROMPT_MAX_CHARACTERS = 5000
URL_MAX_CHARACTERS = 8192
MIN_SECONDS, DEFAULT_SECONDS, MAX_SECONDS = 1.0, 5.0, 12.0
MAX_SEED = 2**63 - 1
DEFAULT_MODEL = "ray-1-6"
WIDEST_SHAPE = 4.0
"""A picture's own shape is kept between 1:4 and 4:1; beyond that it is cropped."""
MAX_ENLARGED = 8
"""How many times as long as the frame's side a placed picture's may be; 21:9 covers 9:21 at 5.4 times."""


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


SQUARE = FrameSize(2, 2)
"""Stands for a picture whose shape does not matter."""


class Purpose(StrEnum):
    """What is to be made: a clip of its own, or another form of a finished one. Wire words."""

    VIDEO = "video"
    UPSCALE = "upscale_video"
    REFRAME = "reframe_video"


@dataclass(frozen=True)
class GenerationRequest:
    """What was asked, after the dialect is taken off. Raises `InvalidRequest` with every problem found.

    A prompt may be left out where there is a keyframe. `seconds` is the clip's length; without `aspect_ratio` the
    picture keeps its own shape. To upscale or reframe, `source` is the id of the finished generation, and no prompt
    is needed; `source_url` is the address it was named by, `placement` where its picture lies in the reframed one,
    None to crop around the subject. Without a `source` the video at `source_url`, which may be anyone's, is reframed.

    `negative_prompt` says what the clip should keep away from; it is empty for nothing. `fps` (frames a second) and
    `frame_count` are there until a model is chosen: it must make just so many frames a second, and the count becomes
    `seconds`.
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
    purpose: Purpose = Purpose.VIDEO
    source: str | None = None
    source_url: str | None = None
    placement: Placement | None = None
    negative_prompt: str = ""
    fps: int | None = None
    frame_count: int | None = None

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise InvalidRequest(*problems)

    def _problems(self) -> list[Problem]:
        if self.prompt or (self.frame0 is None and self.frame1 is None and self.purpose is Purpose.VIDEO):
            problems = [Problem(Field.PROMPT, message) for message in prompt_problems(self.prompt)]
        else:
            problems = []
        if not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            problems.append(Problem(Field.SECONDS, f"must be from {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds"))
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            problems.append(Problem(Field.SEED, f"must be a whole number from 0 to {MAX_SEED}"))
        if len(self.negative_prompt) > PROMPT_MAX_CHARACTERS or _UNSTORABLE.search(self.negative_prompt):
            problems.append(
                Problem(
                    Field.NEGATIVE_PROMPT, f"must be plain Unicode text of {PROMPT_MAX_CHARACTERS} characters at most"
                )
            )
        return problems + self._source_problems()

    def _source_problems(self) -> list[Problem]:
        problems = []
        foreign = self.purpose is Purpose.REFRAME and self.source_url is not None
        if (self.source is None) is not (self.purpose is Purpose.VIDEO) and not foreign:
            problems.append(
                Problem(Field.SOURCE, "must be a finished generation's id to upscale or reframe it, else absent")
            )
        if self.purpose is Purpose.REFRAME and self.aspect_ratio is None:
            problems.append(Problem(Field.ASPECT_RATIO, "is needed: say which shape the video should have"))
        if self.purpose is Purpose.UPSCALE and self.aspect_ratio is not None:
            problems.append(Problem(Field.ASPECT_RATIO, "stays the video's own when it is upscaled: leave it out"))
        if self.placement is not None:
            if self.purpose is not Purpose.REFRAME:
                problems.append(Problem(Field.PLACEMENT, "is for reframing only"))
            elif self.aspect_ratio is not None:
                frame = frame_size(self.resolution, self.aspect_ratio, SQUARE)
                problems += _placement_problems(self.placement, frame)
        return problems


def _placement_problems(placement: Placement, frame: FrameSize) -> list[Problem]:
    """Where a placement shows nothing of the picture in that frame, or blows it up beyond reason."""
    problems = []
    axes = (
        ("x_start", "x_end", placement.left, placement.width, frame.width),
        ("y_start", "y_end", placement.top, placement.height, frame.height),
    )
    for start, end, edge, length, side in axes:
        if edge is not None and edge > side - 2:
            problems.append(Problem(start, f"leaves nothing of the picture in view: the frame is {side} pixels there"))
        elif edge is not None and length is not None and edge + length < 2:
            problems.append(Problem(end, "leaves nothing of the picture in view: it must be 2 at least"))
        if length is not None and length > MAX_ENLARGED * side:
            problems.append(
                Problem(end, f"makes the picture over {MAX_ENLARGED} times as long as the frame's {side} pixels")
            )
    return problems


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
"""Controls, formats, spaces, and marks that are nothing without a letter."""
_UNSEEN = re.compile(
    "[\u115f\u1160\u2065\u2800\u3164\uffa0\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Fillers and blanks of other categories, places kept for what is not seen, and places for no character."""


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: it is empty, or all spaces, invisible characters and lone marks."""
    return all(unicodedata.category(each) in _UNSEEN_CATEGORIES or _UNSEEN.match(each) for each in text)


def prompt_problems(prompt: str) -> list[str]:
    """What is wrong with a prompt, a remedy in each sentence; empty for a good one."""
    length = len(prompt.strip())
    if is_blank(prompt):
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
