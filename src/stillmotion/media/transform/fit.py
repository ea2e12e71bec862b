"""Pictures cropped and resampled to a frame, for servers that would squeeze them otherwise."""

from pathlib import Path

import cv2
from PIL import Image

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.domain.request import FrameSize
from stillmotion.media.transform.saliency import Attention
from stillmotion.vision.resize import as_array, even

LOOKED_AT = 320
"""Longer side, in pixels, of the copy in which the subject is looked for."""
COVERED = 0.999
"""Fraction of a side from which on nothing is cropped."""


def write_fitted(picture: Picture, size: FrameSize, path: Path) -> None:
    """Write the picture as a PNG of `size`: cropped around its subject, then resampled."""
    _fitted(picture, size).save(path, "PNG", compress_level=4)


def fitted(picture: Picture, size: FrameSize) -> Picture:
    """The picture as `write_fitted` writes it."""
    return Picture(size.width, size.height, _fitted(picture, size).tobytes())


def _fitted(picture: Picture, size: FrameSize) -> Image.Image:
    image = Image.frombuffer("RGB", (picture.width, picture.height), picture.pixels)
    return image.resize((size.width, size.height), Image.Resampling.LANCZOS, box=_crop(picture, size))


def _crop(picture: Picture, size: FrameSize) -> tuple[float, float, float, float]:
    """Crop box in pixels (left, top, right, bottom): the largest of the frame's shape, around the subject."""
    scale = max(size.width / picture.width, size.height / picture.height)
    width, height = size.width / scale, size.height / scale
    left = _start(picture, 1, width / picture.width) * picture.width
    top = _start(picture, 0, height / picture.height) * picture.height
    return left, top, left + width, top + height


def _start(picture: Picture, axis: int, part: float) -> float:
    """Start of a window that covers `part` of a side, as a fraction of the side."""
    if part >= COVERED:
        return 0.0
    attention = Attention(axis, part)
    attention.look(_small(picture))
    return float(attention.way(1, 1.0)[0])


def _small(picture: Picture) -> Frame:
    scale = min(1.0, LOOKED_AT / max(picture.width, picture.height))
    width, height = (max(2, even(side * scale)) for side in (picture.width, picture.height))
    small = cv2.resize(as_array(picture), (width, height), interpolation=cv2.INTER_AREA)
    # Saliency compares colours with each other only, so BT.601 serves as well as BT.709.
    return Frame(width, height, cv2.cvtColor(small, cv2.COLOR_RGB2YUV_I420).tobytes())
