"""Generation request: everything that a caller can ask for, and the rules that it must keep."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from stillmotion.domain.errors import Field, InvalidRequest, Problem
from stillmotion.domain.reframing import Placement

PROMPT_MAX_CHARACTERS = 5000
URL_MAX_CHARACTERS = 8192
MIN_SECONDS, DEFAULT_SECONDS, MAX_SECONDS = 1.0, 5.0, 12.0
MAX_SEED = 2**63 - 1
DEFAULT_MODEL = "ray-1-6"
WIDEST_SHAPE = 4.0
"""Limit of a picture's own aspect ratio, 4:1 or 1:4; a longer picture is cropped."""
MAX_ENLARGED = 8
"""Limit of a placed picture's side over the frame's; 21:9 covers 9:21 at 5.4 times."""


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
    """Shape of a frame, width:height."""

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


class VideoCodec(StrEnum):
    """Codec of a clip, in an MP4 container."""

    H264 = "h264"
    AV1 = "av1"


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Size in pixels. Both sides are even, as 4:2:0 video needs."""

    width: int
    height: int


SQUARE = FrameSize(2, 2)
"""Placeholder for a picture whose shape does not matter."""


class Purpose(StrEnum):
    """Kind of generation: a new clip, or another form of a finished one. The values are wire words."""

    VIDEO = "video"
    UPSCALE = "upscale_video"
    REFRAME = "reframe_video"


@dataclass(frozen=True, kw_only=True)
class Keyframe:
    """Picture that a clip starts from (`frame0`) or ends with (`frame1`). Exactly one of the fields is set.

    `url` is an address to fetch it from, and `key` is its key in object storage. `id` is an earlier generation: as
    `frame0` its last frame is meant, as `frame1` its first. `content` is a file that came with the request itself, in a
    data URI or a form; before the request is stored, the file is put in object storage and `key` stands in its place.
    """

    url: str | None = None
    key: str | None = None
    id: str | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class GenerationRequest:
    """A request in the domain's words, the same from every surface to the renderer.

    `prompt` may be empty where there is a keyframe. `seconds` is the clip's length. Without `aspect_ratio` the picture
    keeps its own shape. `negative_prompt` names what the clip should keep away from; it is empty for nothing.

    To upscale or reframe, `source` is the id of the finished generation, and no prompt is needed. `source_url` is the
    address that named it. Without a `source` the video at `source_url`, which may be anyone's, is reframed.
    `placement` is where the picture lies in the reframed clip; None crops around the subject.

    `fps` (frames a second) and `frame_count` are set only until a model is chosen: it must make exactly that many
    frames a second, and the count becomes `seconds`. `codec` is None for the one that the server is set to.

    Construction checks nothing, so that a stored request stays readable when a rule changes: `check` a new one.
    """

    prompt: str
    frame0: Keyframe | None = None
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
    codec: VideoCodec | None = None

    @property
    def extends(self) -> bool:
        """True for a clip that starts from an earlier clip's last frame."""
        return self.frame0 is not None and self.frame0.id is not None

    @property
    def stored_keys(self) -> list[str]:
        """Object keys of the keyframes that are in storage."""
        return [each.key for each in (self.frame0, self.frame1) if each is not None and each.key is not None]

    def check(self) -> None:
        """Raise `InvalidRequest` with every problem, if there is one."""
        problems = self.problems()
        if problems:
            raise InvalidRequest(*problems)

    def check_placement(self, resolution: Resolution) -> None:
        """Raise `InvalidRequest` for a placement that is no use in the reframed clip, which has that resolution."""
        if self.placement is None or self.aspect_ratio is None:
            return
        problems = _placement_problems(self.placement, frame_size(resolution, self.aspect_ratio, SQUARE))
        if problems:
            raise InvalidRequest(*problems)

    def problems(self) -> list[Problem]:
        """Broken rules, a remedy in each sentence; empty for a valid request."""
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
        problems: list[Problem] = []
        foreign = self.purpose is Purpose.REFRAME and self.source_url is not None
        if (self.source is None) is not (self.purpose is Purpose.VIDEO) and not foreign:
            problems.append(
                Problem(Field.SOURCE, "must be a finished generation's id to upscale or reframe it, else absent")
            )
        if self.purpose is Purpose.REFRAME and self.aspect_ratio is None:
            problems.append(Problem(Field.ASPECT_RATIO, "is needed: say which shape the video should have"))
        if self.purpose is Purpose.UPSCALE and self.aspect_ratio is not None:
            problems.append(Problem(Field.ASPECT_RATIO, "stays the video's own when it is upscaled: leave it out"))
        if self.placement is not None and self.purpose is not Purpose.REFRAME:
            problems.append(Problem(Field.PLACEMENT, "is for reframing only"))
        return problems


def _placement_problems(placement: Placement, frame: FrameSize) -> list[Problem]:
    """Problems of a placement that leaves nothing of the picture in view, or enlarges it beyond `MAX_ENLARGED`."""
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
"""Unicode categories of controls, formats, spaces, and marks that need a letter."""
_UNSEEN = re.compile(
    "[\u115f\u1160\u2065\u2800\u3164\uffa0\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Fillers and blanks of other categories, reserved invisible code points, and noncharacters."""


def is_blank(text: str) -> bool:
    """True for a text without a visible character: empty, or only spaces, invisible characters and lone marks."""
    return all(unicodedata.category(each) in _UNSEEN_CATEGORIES or _UNSEEN.match(each) for each in text)


def prompt_problems(prompt: str) -> list[str]:
    """Problems of a prompt, a remedy in each sentence; empty for a good one."""
    text = prompt.strip()
    # The length comes first: the other rules look at every character, and a body may hold millions.
    if len(text) > PROMPT_MAX_CHARACTERS:
        return [f"is {len(text)} characters long; shorten it to {PROMPT_MAX_CHARACTERS} at most"]
    if is_blank(text):
        return ["must not be blank: say what should happen in the video"]
    if _UNSTORABLE.search(text):
        return ["must hold neither NUL characters nor lone surrogates: send plain Unicode text"]
    return []


def frame_size(resolution: Resolution, aspect: AspectRatio | None, picture: FrameSize) -> FrameSize:
    """Size of a clip: the resolution's area in the asked shape, or else in the picture's own."""
    own = picture.width / picture.height
    ratio = aspect.ratio if aspect else min(max(own, 1 / WIDEST_SHAPE), WIDEST_SHAPE)
    width = math.sqrt(resolution.area * ratio)
    return FrameSize(_even(width), _even(width / ratio))


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
