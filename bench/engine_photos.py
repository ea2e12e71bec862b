"""The pictures that the engine is measured on: scikit-image's wheel, Debian's mate-backgrounds, and formulas."""

from pathlib import Path

import numpy as np
import skimage.data

from bench.engine_scenes import SCENES
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import AspectRatio, FrameSize, Resolution, frame_size
from stillmotion.media.intake import decode

WHEEL = Path(skimage.data.__file__).parent
BACKGROUNDS = Path("/usr/share/backgrounds/mate/nature")
"""Where Debian's package mate-backgrounds puts its photographs."""

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "hubble_deep_field", "camera", "clock_motion")
LANDSCAPES = ("Dune", "Storm", "GreenMeadow", "LadyBird", "YellowFlower")
DRAWINGS = ("page", "text", "logo", "screenshot")
PROCEDURAL = ("lake", "facade")
QUICK = ("astronaut", "coffee", "lake", "text")


def everything() -> tuple[str, ...]:
    """The name of every picture that there is on this machine and that moves are measured on."""
    installed = tuple(name for name in LANDSCAPES if (BACKGROUNDS / f"{name}.jpg").exists())
    return (*PHOTOS, *installed, *PROCEDURAL, *DRAWINGS)


def photo(name: str) -> Picture:
    """A picture by its name. Raises `StopIteration` where there is none of that name."""
    if name in SCENES:
        return SCENES[name]().picture
    return decode(photo_file(name))


def photo_file(name: str) -> Path:
    """The file of a photograph that is not made by formula."""
    places = [WHEEL / f"{name}.png", WHEEL / f"{name}.jpg", BACKGROUNDS / f"{name}.jpg"]
    return next(place for place in places if place.exists())


def grey(picture: Picture) -> np.ndarray:
    """Its luma by BT.709 in full range, as floats, rows × columns."""
    rgb = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3).astype(np.float64)
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722]))


def clip_size(
    picture: Picture, resolution: Resolution = Resolution.P720, aspect: AspectRatio | None = None
) -> FrameSize:
    """What the service would make of it."""
    return frame_size(resolution, aspect, FrameSize(picture.width, picture.height))


def never(_: float) -> None:
    """A report that never asks to stop."""
