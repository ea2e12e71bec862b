"""What a renderer and its decoder say to each other.

An order goes over a socket with two file handles: the file to read, open, and the pipe to answer into. An answer is
one head after the other, msgpack behind its length (4 bytes, big-endian), each followed by the pixels that it
announces. What comes from a decoder is a stranger's word: sizes are checked before they are believed.
"""

from enum import StrEnum
from fractions import Fraction

import msgspec

from stillmotion.domain.request import FrameSize
from stillmotion.media.input.clip_facts import ClipFacts

LENGTH_BYTES = 4
MAX_HEAD_BYTES = 4096
MAX_ORDER_BYTES = 4096
STATUS_BYTES = 4
"""How a decoding ended, behind every answer, over the socket: an exit code as subprocess has it, signed."""
NOT_BEGUN = 1000
"""A status from here on: the system refused a process, with the error number that is left."""


class What(StrEnum):
    """What is wanted of a file; `CONFINEMENT` is about the decoder itself.

    `SURVEY` and `CONVERTED` are for clips that others made (`foreign`).
    """

    CONFINEMENT = "confinement"
    SIZE = "size"
    PICTURE = "picture"
    DEPTH = "depth"
    FACTS = "facts"
    FRAMES = "frames"
    FIRST = "first"
    LAST = "last"
    SURVEY = "survey"
    CONVERTED = "converted"

    @property
    def of_a_clip(self) -> bool:
        """Whether the file is a clip, and not a picture."""
        return self not in {What.CONFINEMENT, What.SIZE, What.PICTURE, What.DEPTH}


class DecodeOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """To the decoder. `cover` is for a picture: the size that it need not be finer than (with a margin).

    `bright_is_far` is for a depth image.
    """

    what: What
    cover: tuple[int, int] | None = None
    bright_is_far: bool = False


class Confined(msgspec.Struct, frozen=True, tag="confined"):
    """What the decoder is held to."""

    to: tuple[str, ...]


class Size(msgspec.Struct, frozen=True, tag="size"):
    """A picture's size in pixels, upright."""

    width: int
    height: int


class Pixels(msgspec.Struct, frozen=True, tag="pixels"):
    """A picture: width × height × 3 bytes of RGB follow, then width × height of alpha where it has any."""

    width: int
    height: int
    alpha: bool


class Nearness(msgspec.Struct, frozen=True, tag="nearness"):
    """A depth image: width × height floats of 32 bits follow, in the machine's byte order."""

    width: int
    height: int


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """`ClipFacts`."""

    width: int
    height: int
    fps: tuple[int, int]
    frame_count: int
    seconds: float
    codec: str

    @classmethod
    def of(cls, facts: ClipFacts) -> "Facts":
        """For the pipe."""
        fps = facts.fps.as_integer_ratio()
        return cls(facts.size.width, facts.size.height, fps, facts.frame_count, facts.seconds, facts.codec)

    def as_facts(self) -> ClipFacts:
        """From the pipe."""
        size = FrameSize(self.width, self.height)
        return ClipFacts(size, Fraction(*self.fps), self.frame_count, self.seconds, self.codec)


class Survey(msgspec.Struct, frozen=True, tag="survey"):
    """`foreign.Survey`; the frame for the thumbnail follows as `Planes`."""

    width: int
    height: int
    fps: tuple[int, int]
    frame_count: int
    is_played: bool


class Planes(msgspec.Struct, frozen=True, tag="planes"):
    """A clip's frame: width × height × 3 / 2 bytes follow."""

    width: int
    height: int


class Undecodable(msgspec.Struct, frozen=True, tag="refused"):
    """The file is to blame: the fields of a permanent `GenerationFailed`."""

    code: str
    reason: str


class End(msgspec.Struct, frozen=True, tag="end"):
    """That was all."""


Head = Confined | Size | Pixels | Nearness | Facts | Survey | Planes | Undecodable | End


def pack(message: DecodeOrder | Head) -> bytes:
    """The message behind its length."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
