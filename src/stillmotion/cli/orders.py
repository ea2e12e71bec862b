"""What `stillmotion generate` is asked for, and what comes of it, here or on a server."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit


class Report(Protocol):
    """Takes what becomes of a clip."""

    def __call__(self, stage: str, fraction: float, preview: str | None = None, /) -> None:
        """What is being done, the fraction done, 0 to 1, and where what is made so far can be seen."""
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
class Order:
    """One picture, by its path or URL, and the file that its clip goes to."""

    image: str
    out: Path


@dataclass(frozen=True, slots=True)
class Made:
    """A clip that is there. `plan` is the engine's own account, `seconds` what the making took."""

    out: Path
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


class Maker(Protocol):
    """Makes clips, one or several at a time."""

    @property
    def at_once(self) -> int:
        """How many may be made at a time."""
        ...

    async def make(self, order: Order, report: Report) -> Made:
        """Make one clip, whole or not at all. Raises `StillmotionError`; cancelled, it leaves nothing behind."""
        ...


Makers = AbstractAsyncContextManager[Maker]


class OutputsCollide(ValueError):
    """Where the clips should go cannot be: the message says why and what to do."""


def orders(images: Sequence[str], out: Path | None) -> list[Order]:
    """Where each picture's clip goes: to the file `out`, or into the folder `out` under the picture's name.

    Raises `OutputsCollide` for several pictures to one file.
    """
    is_file = out is not None and out.suffix.lower() == ".mp4" and not out.is_dir()
    if is_file and len(images) > 1:
        raise OutputsCollide(f"{out} is one file for {len(images)} pictures: give a folder with -o.")
    if is_file or (len(images) == 1 and out is not None and not out.is_dir()):
        assert out is not None
        return [Order(images[0], out)]
    placed: dict[Path, str] = {}
    for image in images:
        file = (out or Path()) / f"{_stem(image)}.mp4"
        if file in placed:
            raise OutputsCollide(f"{placed[file]} and {image} would both become {file}: call them one at a time.")
        placed[file] = image
    return [Order(image, file) for file, image in placed.items()]


def is_url(image: str) -> bool:
    """Whether a picture is named by its URL."""
    return image.startswith(("http://", "https://"))


def _stem(image: str) -> str:
    return Path(urlsplit(image).path if is_url(image) else image).stem or "clip"
