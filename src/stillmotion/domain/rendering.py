"""Port of an engine: render jobs, pictures and depth in, frames out.

Pixels cross this seam as buffers, so that the domain needs no array library: wrap them with
`numpy.frombuffer`, which copies nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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
"""Takes a function that makes a preview of the clip, and calls it only if one is wanted just then. Offer one often,
and do the work inside the function. A failure of the preview does not stop the render."""


def unseen(_: "Callable[[], Picture]") -> None:
    """A `Show` that wants no preview."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded still: 8-bit sRGB, upright, rows top to bottom, 3 bytes a pixel, C-contiguous.

    `pixels` holds height × width × 3 bytes; `alpha`, where the file had one, height × width bytes.
    The colours are flattened over the background already. Alpha is a hint and must not be applied again.
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
    """One frame of the clip: planar YUV 4:2:0, BT.709, limited range (I420: Y, then U, then V).

    `planes` holds width × height × 3 / 2 bytes; both sides are even.
    """

    width: int
    height: int
    planes: Buffer


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Everything that an engine may know of a generation.

    `frame0` may be an earlier clip's last frame, and `frame1` an earlier clip's first. Then `frame0_plan` or
    `frame1_plan` is that clip's `Rendering.plan`, so that its motion can be carried on; else it is empty.
    A clip that `extends` an earlier one has in `before` the pictures that precede `frame0` there, in order: as many as
    the engine wants, or none.

    `depth` is the depth of the first picture (of `frame1` where that is the only one), if it is known; an engine may
    pass it over. `negative_prompt` names what to keep away from; it is empty for nothing. An engine that works long
    before its first frame may `show` previews; the frames themselves get theirs elsewhere.
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


@dataclass(frozen=True, slots=True)
class Wants:
    """Preparation of a job that an engine asks for.

    With `sizes` the clip gets the nearest of those, and the pictures are cut and scaled to exactly that size. Without
    them the clip has the request's own size and the pictures stay as they are. `before` is the number of pictures of an
    earlier clip that it carries on from, besides the last one, at `fps` frames a second.
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
        """Begin a render. Analysis may happen here; each frame is made when it is drawn from the iterator.

        Raises `GenerationFailed` where the job cannot be done, `RenderCancelled` out of `report`.
        """
        ...
