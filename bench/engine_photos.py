"""The pictures that the engine is measured on: scikit-image's wheel, Debian's mate-backgrounds, and formulas."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skimage.data

from bench.engine_scenes import SCENES
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import AspectRatio, FrameSize, Resolution, frame_size
from stillmotion.media.input.pictures import decode

WHEEL = Path(skimage.data.__file__).parent
BACKGROUNDS = Path("/usr/share/backgrounds/mate/nature")
"""The photographs' folder of Debian's package mate-backgrounds."""

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "hubble_deep_field", "camera", "clock_motion")
LANDSCAPES = ("Dune", "Storm", "GreenMeadow", "LadyBird", "YellowFlower")
DRAWINGS = ("page", "text", "logo", "screenshot")
PROCEDURAL = ("lake", "facade")
QUICK = ("astronaut", "coffee", "lake", "text")


def everything(landscapes: Sequence[str] = LANDSCAPES) -> tuple[str, ...]:
    """The name of every picture that moves are measured on, with those of the landscapes that this machine has."""
    installed = tuple(filter(is_there, landscapes))
    return (*PHOTOS, *installed, *PROCEDURAL, *DRAWINGS)


def is_there(name: str) -> bool:
    """True where this machine has a picture of that name."""
    return name in SCENES or any(place.exists() for place in _places(name))


def photo(name: str) -> Picture:
    """A picture by its name, where `is_there`."""
    if name in SCENES:
        return SCENES[name]().picture
    return decode(photo_file(name))


def photo_file(name: str) -> Path:
    """The file of a photograph that no formula makes. Raises `FileNotFoundError`, which names its source."""
    for place in _places(name):
        if place.exists():
            return place
    raise FileNotFoundError(f"there is no picture {name}: install Debian's package mate-backgrounds")


def _places(name: str) -> tuple[Path, ...]:
    return WHEEL / f"{name}.png", WHEEL / f"{name}.jpg", BACKGROUNDS / f"{name}.jpg"


def grey(picture: Picture) -> np.ndarray:
    """Its luma by BT.709 in full range, as floats, rows × columns."""
    rgb = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3).astype(np.float64)
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722]))


def clip_size(
    picture: Picture, resolution: Resolution = Resolution.P720, aspect: AspectRatio | None = None
) -> FrameSize:
    """The picture as the service would take it in."""
    return frame_size(resolution, aspect, FrameSize(picture.width, picture.height))


def never(_: float) -> None:
    """A report that never asks to stop."""
