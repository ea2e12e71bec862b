"""Protocol between the worker host and a renderer process: messages over two pipes.

A message is a tagged msgpack map behind its length in bytes (4 bytes, big-endian). `ticket` numbers the renders
of one process, so that a late answer or a late cancel is never taken for the next render's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from stillmotion.domain.catalogue import SizeRule
from stillmotion.domain.rendering import RESAMPLER
from stillmotion.domain.request import GenerationRequest, VideoCodec
from stillmotion.worker.renderer.steps import RenderStep

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Limit of a message, longer than any plan. A greater length means that the pipe carries something else."""


class RenderStage(StrEnum):
    """Stage of a renderer's work, for progress reports and logs."""

    STARTING = "starting"
    IDLE = "idle"
    DECODING = "decoding"
    RENDERING = "rendering"
    FINISHING = "finishing"


@dataclass(frozen=True)
class KeyframeFile:
    """File of a keyframe: a picture, or with `is_clip` an earlier clip, which has that `plan`.

    As `frame0` the clip's last frame is meant, as `frame1` its first.
    """

    path: str
    is_clip: bool = False
    plan: str = ""


@dataclass(frozen=True)
class SourceFiles:
    """Files of the clip that is upscaled or reframed, and its plan. Of a stranger's there is the video alone."""

    video: str
    thumbnail: str | None = None
    plan: str = ""


class Render(msgspec.Struct, frozen=True, tag="render", omit_defaults=True):
    """To the child: make a new clip. The folder `output` exists and takes the finished files.

    The keyframes of the `request` are the files `frame0` and `frame1`; without a seed in it 0 is taken, and H.264
    without a codec. `depth` is a depth image of the first picture, bright being near unless `depth_bright_is_far`.
    """

    ticket: int
    engine: str
    output: str
    request: GenerationRequest
    frame0: KeyframeFile | None = None
    frame1: KeyframeFile | None = None
    depth: str | None = None
    depth_bright_is_far: bool = False


class Resample(msgspec.Struct, frozen=True, tag="resample", omit_defaults=True):
    """To the child: upscale or reframe a finished clip, as the `request` says. Its `source` files are read only."""

    ticket: int
    output: str
    request: GenerationRequest
    source: SourceFiles
    engine: str = RESAMPLER


class Prepare(msgspec.Struct, frozen=True, tag="prepare", omit_defaults=True):
    """To the child: make a request's pictures into PNG files for another server, which makes clips of these `sizes`."""

    ticket: int
    output: str
    sizes: SizeRule
    engine: str
    request: GenerationRequest
    frame0: KeyframeFile | None = None
    frame1: KeyframeFile | None = None


class Adopt(msgspec.Struct, frozen=True, tag="adopt", omit_defaults=True):
    """To the child: check a clip that another server made, and make files of ours from it.

    Its first or last frame is left out where it is in another clip already, or twice in this one. One that browsers
    play is kept as it came, unless it is to be `recoded`: then its codec is `codec`, whatever it came in.
    """

    ticket: int
    output: str
    video: str
    engine: str
    plan: str = ""
    without_first: bool = False
    without_last: bool = False
    codec: VideoCodec = VideoCodec.H264
    recoded: bool = False


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """To the child: stop that render, if it is still the one under way."""

    ticket: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """From the child, once: its engines, the seconds that it took to load them, and its decoder's confinement.

    `unfit` has the reason for each engine that is known already to be impossible to load.
    """

    engines: tuple[str, ...]
    seconds: float
    confined: tuple[str, ...] = ()
    unfit: dict[str, str] = {}


class Unfit(msgspec.Struct, frozen=True, tag="unfit"):
    """From the child, in place of `Ready`: an engine cannot be loaded as it is set up; `reason` says the fix."""

    reason: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """From the child: the fraction done, 0 to 1."""

    ticket: int
    fraction: float
    stage: RenderStage


PREVIEW_SECONDS = 1.0
"""Default of the least time between two previews, and before the first."""


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """From the child: a picture of the clip so far, a whole JPEG file, until the next or the end takes its place."""

    ticket: int
    path: str


class FinishedFile(msgspec.Struct, frozen=True):
    """A finished file: size in bytes, SHA-256 of its bytes in hex."""

    path: str
    size: int
    digest: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """From the child: the finished files. `seconds` is the time that the render took, from decoding to digest."""

    ticket: int
    video: FinishedFile
    thumbnail: FinishedFile
    poster: FinishedFile
    preview_video: FinishedFile
    plan: str
    width: int
    height: int
    fps: int
    frames: int
    seconds: float
    steps: Sequence[RenderStep] = ()


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    """From the child: the pictures' files, and their size in pixels."""

    ticket: int
    frame0: str | None
    frame1: str | None
    width: int
    height: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """From the child: it cannot be made. The fields are those of `GenerationFailed`; `detail` is for the log."""

    ticket: int
    code: str
    reason: str
    permanent: bool
    detail: str = ""


class Hindered(msgspec.Struct, frozen=True, tag="hindered"):
    """From the child: this machine cannot go on (a full disk, no file handles); the generation is not to blame."""

    ticket: int
    reason: str


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled"):
    """From the child: it has stopped as it was told, and left no file."""

    ticket: int


Order = Render | Resample | Adopt
"""Messages that are answered with a clip."""
Errand = Order | Prepare
ToRenderer = Errand | Cancel
Outcome = Done | Prepared | Failed | Hindered | Cancelled
FromRenderer = Ready | Unfit | Progress | Preview | Outcome


class UnreadableMessage(Exception):
    """Bytes on the pipe that are no message of this protocol."""


def pack(message: ToRenderer | FromRenderer) -> bytes:
    """Bytes of a message, its length first, ready to be written."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def length(head: bytes) -> int:
    """Length of the message that follows these first bytes. Raises `UnreadableMessage`."""
    count = int.from_bytes(head, "big")
    if count > MAX_MESSAGE_BYTES:
        raise UnreadableMessage(f"a message of {count} bytes")
    return count


def unpack_for_renderer(body: bytes) -> ToRenderer:
    """Message to the child. Raises `UnreadableMessage`."""
    try:
        message: ToRenderer = msgspec.msgpack.decode(body, type=ToRenderer)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage(str(error)) from error
    return message


def unpack_from_renderer(body: bytes) -> FromRenderer:
    """Message from the child. Raises `UnreadableMessage`."""
    try:
        message: FromRenderer = msgspec.msgpack.decode(body, type=FromRenderer)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage(str(error)) from error
    return message
