"""Port of an engine: render jobs, pictures and depth in, frames out.

Pixels cross this seam as buffers, so that the domain needs no array library: wrap them with
`numpy.frombuffer`, which copies nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from stillmotion.domain.catalogue import SizeRule
from stillmotion.domain.request import FrameSize

Buffer = Any
"""Anything with the buffer protocol (`collections.abc.Buffer` from Python 3.12 on)."""

RESAMPLER = "resample/1"
"""Engine name of an upscaled or reframed clip, for the honesty header: no engine made it."""

Report = Callable[[float], None]
"""Takes the fraction done, 0 to 1. Raises `RenderCancelled` when the render must stop: call it often."""


def _go_on() -> None:
    """Check of work that nobody will stop."""


_CHECK: Final[ContextVar[Callable[[], None]]] = ContextVar("checkpoint", default=_go_on)


def checkpoint() -> None:
    """Cancellation checkpoint, for work that has no fraction to report. Call it often: at least ten times a second.

    Raises `RenderCancelled` when the render must stop.
    """
    _CHECK.get()()


@contextmanager
def cancellable_by(check: Callable[[], None]) -> Iterator[None]:
    """Within the block, `checkpoint` calls `check`, and raises what that raises.

    It holds for this thread or task. Another thread has it if it runs in a copy of this context.
    """
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


Show = Callable[[Callable[[], "Picture"]], None]
"""Takes what makes a picture of the clip as it is so far, and calls it only where somebody wants one just now: offer
one often, and put no work into it before. Whatever goes wrong with the picture, the render goes on."""


def unseen(_: "Callable[[], Picture]") -> None:
    """The show of work that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded still: 8-bit sRGB, upright, rows top to bottom, 3 bytes a pixel, C-contiguous.

    `pixels` holds height × width × 3 bytes; `alpha`, where the file had one, height × width bytes.
    The colours are already flattened over the background: alpha is a hint, not something left to apply.
    """

    width: int
    height: int
    pixels: Buffer
    alpha: Buffer | None = None


@dataclass(frozen=True, slots=True)
class DepthMap:
    """Nearness of each pixel (inverse depth up to scale and shift): larger is nearer.

    `nearness` holds height × width floats of 32 bits in the machine's byte order, all of them finite, rows top to
    bottom, C-contiguous. It covers the whole picture, upright, and may be coarser than it.
    """

    width: int
    height: int
    nearness: Buffer


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the clip: planar YUV 4:2:0, BT.709, limited range (I420: Y, then U, then V).

    `planes` holds width × height × 3 / 2 bytes; both sides are even.
    """

    width: int
    height: int
    planes: Buffer


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Everything that an engine may know of a generation.

    Where a keyframe is an earlier clip's last frame (as `frame0`) or first frame (as `frame1`), `frame0_plan` or
    `frame1_plan` is that clip's plan (`Rendering.plan`), so that its motion can be carried on; else it is empty.
    `depth` is that of the picture the clip starts from (of `frame1` where that is the only one), where it is known;
    an engine that has no use for it passes it over. Where the clip `extends` an earlier one, `before` are the pictures
    that came before `frame0` in that clip, in order: as many as the engine wants, or none. `negative_prompt` says what
    to keep away from, empty for nothing. An engine that works long
    before its first frame may `show` what it is at; of the frames themselves somebody else makes previews.
    """

    prompt: str
    frame0: Picture | None
    frame1: Picture | None
    size: FrameSize
    seconds: float
    loop: bool = False
    seed: int = 0
    concepts: tuple[str, ...] = ()
    frame0_plan: str = ""
    frame1_plan: str = ""
    depth: DepthMap | None = None
    extends: bool = False
    before: tuple[Picture, ...] = ()
    show: Show = unseen
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A clip under way: facts that are known before the first frame, and the iterator of frames.

    `plan` is a JSON object in text that says what the engine understood and what it ignored, kept with the
    generation and shown to its owner. `telling_frame` is the index of the frame to make the thumbnail from.
    """

    size: FrameSize
    fps: int
    frame_count: int
    frames: Iterator[Frame]
    plan: str
    telling_frame: int = 0


class VideoCodec(StrEnum):
    """Codec of a clip, in an MP4 container."""

    H264 = "h264"
    AV1 = "av1"


@dataclass(frozen=True, slots=True)
class Wants:
    """Preparation of a job that an engine asks for.

    With `sizes` the clip gets the nearest of those, and the pictures are cut and scaled to exactly that size; without,
    the clip's size is the request's own and the pictures come as they are. `before` is how many pictures of an earlier
    clip it carries on from, besides the last one, at `fps` frames a second.
    """

    sizes: SizeRule | None = None
    before: int = 0
    fps: int = 24


class Engine(Protocol):
    """Turns a job into frames."""

    name: str
    """Name in the honesty header, for instance `parallax/1`."""
    wants: Wants

    def render(self, job: RenderJob, report: Report) -> Rendering:
        """Begin a render: analysis may happen here, frames are made as they are drawn from the iterator.

        Raises `GenerationFailed` where the job cannot be done, `RenderCancelled` out of `report`.
        """
        ...
