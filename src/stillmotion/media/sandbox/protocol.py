"""Protocol between a renderer and its decoder.

An order goes over a socket with two file handles: the open file to read, and the pipe to answer into. An answer is a
sequence of heads, each msgpack behind its length (4 bytes, big-endian) and followed by the pixels that it announces.
Everything a decoder sends is untrusted: sizes are checked before use.
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
"""Exit status after every answer, over the socket, as subprocess gives it: signed."""
NOT_BEGUN = 1000
"""Statuses from here on: no process could be forked; the rest is the error number."""


class DecodeTask(StrEnum):
    """Tasks of a decoder; `CONFINEMENT` is about the decoder itself.

    `SURVEY` and `CONVERTED` are for foreign clips (`foreign_clips`).
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
        """True if the file is a clip and no picture."""
        return self not in {DecodeTask.CONFINEMENT, DecodeTask.SIZE, DecodeTask.PICTURE, DecodeTask.DEPTH}


class DecodeOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order. `cover` is the size in pixels that a picture has to cover, with a margin.

    `bright_is_far` is for depth images.
    """

    task: DecodeTask
    cover: tuple[int, int] | None = None
    bright_is_far: bool = False


class Confined(msgspec.Struct, frozen=True, tag="confined"):
    """Restrictions that the decoder is under."""

    to: tuple[str, ...]


class Size(msgspec.Struct, frozen=True, tag="size"):
    """An upright picture's size in pixels."""

    width: int
    height: int


class Pixels(msgspec.Struct, frozen=True, tag="pixels"):
    """A picture: width × height × 3 bytes of RGB follow, then width × height of alpha if it has any."""

    width: int
    height: int
    alpha: bool


class Nearness(msgspec.Struct, frozen=True, tag="nearness"):
    """A depth image: width × height floats of 32 bits follow, in native byte order."""

    width: int
    height: int


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """`ClipFacts` on the wire."""

    width: int
    height: int
    fps: tuple[int, int]
    frame_count: int
    seconds: float
    codec: str

    @classmethod
    def of(cls, facts: ClipFacts) -> "Facts":
        """Wire form of facts."""
        fps = facts.fps.as_integer_ratio()
        return cls(facts.size.width, facts.size.height, fps, facts.frame_count, facts.seconds, facts.codec)

    def as_facts(self) -> ClipFacts:
        """Facts from their wire form."""
        size = FrameSize(self.width, self.height)
        return ClipFacts(size, Fraction(*self.fps), self.frame_count, self.seconds, self.codec)


class Survey(msgspec.Struct, frozen=True, tag="survey"):
    """`Surveyed` on the wire; the thumbnail's frame follows as `Planes`, and then the `small` ones of an excerpt."""

    width: int
    height: int
    fps: tuple[int, int]
    frame_count: int
    is_played: bool
    small: int


class Planes(msgspec.Struct, frozen=True, tag="planes"):
    """A frame of a clip: width × height × 3 / 2 bytes follow."""

    width: int
    height: int


class Undecodable(msgspec.Struct, frozen=True, tag="refused"):
    """Refusal of a file: the fields of a permanent `GenerationFailed`."""

    code: str
    reason: str


class End(msgspec.Struct, frozen=True, tag="end"):
    """End of the answer."""


Head = Confined | Size | Pixels | Nearness | Facts | Survey | Planes | Undecodable | End


def pack(message: DecodeOrder | Head) -> bytes:
    """The message behind its length."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body
