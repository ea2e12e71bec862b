"""Orders of `stillmotion generate`, their options and their results, for the local and the remote maker."""

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
"""Most characters of an address that become a file name."""


class Report(Protocol):
    """Receiver of a clip's progress."""

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        """Take the stage, the progress from 0 to 1, and the address of a preview."""
        ...

    def waiting(self, waiting: "Waiting") -> None:
        """Take notice of a pause before the server is asked again."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Options for every picture of a call. The engine, or the server, chooses for None."""

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
    codec: str | None = None


@dataclass(frozen=True, slots=True)
class ClipOrder:
    """One picture, by its path or URL, and where its clip goes."""

    image: str
    out: Output


@dataclass(frozen=True, slots=True)
class Made:
    """A finished clip of `size` bytes. `plan` is the engine's motion plan; `seconds` is the time that it took.

    `out` is None for a clip that was written through to an open descriptor.
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
        """The clip as a JSON object."""
        known = {"engine": self.engine, "seconds": round(self.seconds, 3), "frames": self.frames}
        return {"id": self.id, "width": self.width, "height": self.height, **known}


class ClipMaker(Protocol):
    """Port of the local and the remote maker."""

    @property
    def at_once(self) -> int:
        """Most clips under way at a time."""
        ...

    async def make(self, order: ClipOrder, report: Report) -> Made:
        """Make one clip, whole or not at all. A cancelled call leaves nothing behind. Raises `StillmotionError`."""
        ...


Makers = AbstractAsyncContextManager[ClipMaker]


def orders(
    images: Sequence[str], out: str | None, *, others: Sequence[str] = (), overwrite: bool = False
) -> list[ClipOrder]:
    """Resolve the place of each picture's clip: the file `out`, or in the folder `out` under the picture's name.

    `others` are further input files. An existing clip is refused for a single picture, and looked at later for several;
    `overwrite` replaces both. Raises `OutputRefused`.
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
    """Put a finished clip at its place. A cancelled call waits for no reader any longer. Raises as `put` does."""
    stopped = Event()
    try:
        return await asyncio.to_thread(put, made, out, stopped.is_set)
    finally:
        stopped.set()


def is_url(image: str) -> bool:
    """True for a picture named by an http(s) URL."""
    return image[:8].lower().startswith(("http://", "https://"))


def is_address(image: str) -> bool:
    """True for a picture that is no local file: a URL or a data URI."""
    return is_url(image) or image[:5].lower() == "data:"


def _stem(image: str) -> str:
    """File name of a picture's clip, without its suffix."""
    if not is_address(image):
        return Path(image).stem or "clip"
    try:
        named = Path(unquote(urlsplit(image).path)).stem if is_url(image) else ""
    except ValueError:
        named = ""
    printable = "".join(each if each.isprintable() and each != "/" else "-" for each in named).lstrip(".")
    return printable[:_LONGEST_STEM] or "clip"
