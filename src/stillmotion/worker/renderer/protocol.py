"""What the worker host and a renderer process say to each other, over pipes.

A message is a tagged msgpack map behind its length in bytes (4 bytes, big-endian). `ticket` numbers the renders
of one process, so that a late answer or a late cancel is never taken for the next render's.
"""

from enum import StrEnum

import msgspec

from stillmotion.domain.catalogue import SizeRule
from stillmotion.domain.reframing import Placement
from stillmotion.domain.rendering import RESAMPLER, VideoCodec
from stillmotion.domain.request import AspectRatio, Purpose, Resolution

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Longer than any plan; a length beyond it means that the pipe carries something else."""


class RenderStage(StrEnum):
    """What a renderer is busy with: it decides whether its death would only be repeated."""

    STARTING = "starting"
    IDLE = "idle"
    DECODING = "decoding"
    RENDERING = "rendering"
    FINISHING = "finishing"


class Render(msgspec.Struct, frozen=True, tag="render", omit_defaults=True):
    """To the child: make a clip. Pictures are files; what is made goes into the folder `output`, which exists.

    Without `aspect_ratio` the clip has the first picture's shape. `seconds` is the clip's length. Where
    `frame0_is_clip`, `frame0` is an earlier clip's file, whose last frame is meant; where `frame1_is_clip`, `frame1`
    is one whose first frame is. `frame0_plan` and `frame1_plan` are those clips' plans. `depth` is a depth image of the
    first picture, bright being near unless `depth_bright_is_far`.
    """

    ticket: int
    engine: str
    prompt: str
    output: str
    frame0: str | None = None
    frame1: str | None = None
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution = Resolution.P720
    seconds: float = 5.0
    loop: bool = False
    seed: int = 0
    concepts: tuple[str, ...] = ()
    frame0_is_clip: bool = False
    frame1_is_clip: bool = False
    frame0_plan: str = ""
    frame1_plan: str = ""
    depth: str | None = None
    depth_bright_is_far: bool = False
    codec: VideoCodec = VideoCodec.H264
    negative_prompt: str = ""


class Resample(msgspec.Struct, frozen=True, tag="resample", omit_defaults=True):
    """To the child: make another form of a finished clip, whose files are `video` and `thumbnail`.

    To reframe it, `aspect_ratio` is the new shape and `placement` where its picture lies there; both are None to
    upscale it, which keeps the shape. `resolution` is the new area. With `is_foreign` the clip is somebody else's.
    """

    ticket: int
    purpose: Purpose
    output: str
    video: str
    thumbnail: str | None = None
    plan: str = ""
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution = Resolution.P720
    placement: Placement | None = None
    codec: VideoCodec = VideoCodec.H264
    engine: str = RESAMPLER
    is_foreign: bool = False


class Prepare(msgspec.Struct, frozen=True, tag="prepare", omit_defaults=True):
    """To the child: make a request's pictures into PNG files of the size that another server makes clips in.

    The fields that `Render` has too mean the same. `sizes` says which sizes there are.
    """

    ticket: int
    output: str
    sizes: SizeRule
    engine: str
    frame0: str | None = None
    frame1: str | None = None
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution = Resolution.P720
    frame0_is_clip: bool = False
    frame1_is_clip: bool = False


class Adopt(msgspec.Struct, frozen=True, tag="adopt", omit_defaults=True):
    """To the child: look through a clip that another server made, and make files of ours from it.

    Without its first or its last frame, where that one is in another clip or twice in this one.
    """

    ticket: int
    output: str
    video: str
    engine: str
    plan: str = ""
    without_first: bool = False
    without_last: bool = False
    codec: VideoCodec = VideoCodec.H264


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """To the child: stop that render, if it is still the one under way."""

    ticket: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """From the child, once: the engines it has, the seconds it took to load them, and what its decoder is held to.

    `unfit` says of engines that are not loaded yet why they cannot be, where that shows already.
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
"""The least time between two previews, and before the first, where nobody says another."""


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
    """From the child: the whole result. `seconds` is the time that the render took, decoding to digest."""

    ticket: int
    video: FinishedFile
    thumbnail: FinishedFile
    plan: str
    width: int
    height: int
    fps: int
    frames: int
    seconds: float


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
"""What a clip comes of."""
Errand = Order | Prepare
ToRenderer = Errand | Cancel
Outcome = Done | Prepared | Failed | Hindered | Cancelled
FromRenderer = Ready | Unfit | Progress | Preview | Outcome


class UnreadableMessage(Exception):
    """The bytes on the pipe are no message of ours."""


def pack(message: ToRenderer | FromRenderer) -> bytes:
    """The message behind its length, ready to be written."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def length(head: bytes) -> int:
    """How many bytes of message follow these first ones. Raises `UnreadableMessage`."""
    count = int.from_bytes(head, "big")
    if count > MAX_MESSAGE_BYTES:
        raise UnreadableMessage(f"a message of {count} bytes")
    return count


def unpack_for_renderer(body: bytes) -> ToRenderer:
    """What the child was told. Raises `UnreadableMessage`."""
    try:
        message: ToRenderer = msgspec.msgpack.decode(body, type=ToRenderer)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage(str(error)) from error
    return message


def unpack_from_renderer(body: bytes) -> FromRenderer:
    """What the child says. Raises `UnreadableMessage`."""
    try:
        message: FromRenderer = msgspec.msgpack.decode(body, type=FromRenderer)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage(str(error)) from error
    return message
