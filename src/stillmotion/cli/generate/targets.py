"""What `stillmotion generate` is asked for, and what comes of it, here or on a server."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from stillmotion.outputs import CLIP, IfThere, InputPaths, Output, OutputRefused, collision, is_folder, place, put

if TYPE_CHECKING:
    from stillmotion.client import Waiting

_LONGEST_STEM: Final = 60
"""Characters of an address that become a name."""


class Report(Protocol):
    """Takes what becomes of a clip."""

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        """What is being done, the fraction done, 0 to 1, and where what is made so far can be seen."""
        ...

    def waiting(self, waiting: "Waiting") -> None:
        """Nothing is done for a while: the server is to be asked again then."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The same for every picture of a call. What is None is the engine's, or the server's, choice."""

    prompt: str
    end: str | None = None
    camera: tuple[str, ...] = ()
    aspect: str | None = None
    seconds: float | None = None
    resolution: str | None = None
    loop: bool = False
    seed: int | None = None
    depth: str | None = None
    depth_bright_is_far: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ClipOrder:
    """One picture, by its path or URL, and where its clip goes."""

    image: str
    out: Output


@dataclass(frozen=True, slots=True)
class Made:
    """A clip that is there, of `size` bytes. `plan` is the engine's own account, `seconds` what the making took.

    `out` is None where it went to an open file of this process's own.
    """

    out: Path | None
    size: int
    engine: str
    seconds: float
    width: int
    height: int
    frames: int
    plan: str = field(default="", repr=False)
    id: str | None = None

    def described(self) -> dict[str, Any]:
        """As a JSON object holds it."""
        known = {"engine": self.engine, "seconds": round(self.seconds, 3), "frames": self.frames}
        return {"id": self.id, "width": self.width, "height": self.height, **known}


class ClipMaker(Protocol):
    """Makes clips, one or several at a time."""

    @property
    def at_once(self) -> int:
        """How many may be made at a time."""
        ...

    async def make(self, order: ClipOrder, report: Report) -> Made:
        """Make one clip, whole or not at all. Raises `StillmotionError`; cancelled, it leaves nothing behind."""
        ...


Makers = AbstractAsyncContextManager[ClipMaker]


def orders(
    images: Sequence[str], out: str | None, *, others: Sequence[str] = (), overwrite: bool = False
) -> list[ClipOrder]:
    """Where each picture's clip goes: to the file `out`, or into the folder `out` under the picture's name.

    `others` are files that are read besides. A clip that is there is refused where there is one picture, and left to be
    looked at where there are several; `overwrite` replaces both. Raises `OutputRefused`.
    """
    named = "." if out is None else out
    if len(images) > 1 and not is_folder(named):
        raise OutputRefused(f"{named} is one file for {len(images)} pictures: give a folder with -o.")
    inputs = InputPaths(each for each in (*images, *others) if not is_address(each))
    if_there = IfThere.REPLACE if overwrite else IfThere.KEEP if len(images) > 1 else IfThere.REFUSE
    placed = [ClipOrder(each, place(named, CLIP, _stem(each), if_there=if_there, inputs=inputs)) for each in images]
    shared = collision(each.out for each in placed)
    if shared is not None:
        first, second = (next(each.image for each in placed if each.out is one) for one in shared)
        raise OutputRefused(f"{first} and {second} would both become {shared[1]}: call them one at a time.")
    return placed


async def put_in_place(made: Path, out: Output) -> Path | None:
    """Put a finished clip where it goes. Cancelled, it waits for no reader any more. Raises what `put` does."""
    stopped = Event()
    try:
        return await asyncio.to_thread(put, made, out, stopped.is_set)
    finally:
        stopped.set()


def is_url(image: str) -> bool:
    """Whether a picture is named by its URL."""
    return image[:8].lower().startswith(("http://", "https://"))


def is_address(image: str) -> bool:
    """Whether a picture is none of this machine's files."""
    return is_url(image) or image[:5].lower() == "data:"


def _stem(image: str) -> str:
    """What a picture's clip is called."""
    if not is_address(image):
        return Path(image).stem or "clip"
    try:
        named = Path(unquote(urlsplit(image).path)).stem if is_url(image) else ""
    except ValueError:
        named = ""
    printable = "".join(each if each.isprintable() and each != "/" else "-" for each in named).lstrip(".")
    return printable[:_LONGEST_STEM] or "clip"
