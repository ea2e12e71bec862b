"""The photographs that the engine is measured on: they ship in scikit-image's wheel."""

from pathlib import Path

import numpy as np
import skimage.data

from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize, Resolution, frame_size
from stillmotion.media.intake import decode

NAMES = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "hubble_deep_field")
DRAWINGS = ("page", "text", "logo")


def photo(name: str) -> Picture:
    """A photograph by its name in the wheel."""
    folder = Path(skimage.data.__file__).parent
    return decode(next(path for ending in ("png", "jpg") if (path := folder / f"{name}.{ending}").exists()))


def grey(picture: Picture) -> np.ndarray:
    """Its luma by BT.709 in full range, as floats, rows × columns."""
    rgb = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3).astype(np.float64)
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722]))


def clip_size(picture: Picture, resolution: Resolution = Resolution.P720) -> FrameSize:
    """What the service would make of it."""
    return frame_size(resolution, None, FrameSize(picture.width, picture.height))


def never(_: float) -> None:
    """A report that never asks to stop."""
