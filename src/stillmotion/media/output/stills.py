"""Still pictures of a clip: thumbnails and previews."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.domain.request import FrameSize
from stillmotion.media.frames import Plane, as_picture, planes, rgb
from stillmotion.vision.resize import as_array, resized

QUALITY = 88


def write_thumbnail(frame: Frame, path: Path) -> int:
    """Write the frame as a JPEG of its own size without metadata; returns the bytes written."""
    Image.fromarray(rgb(frame)).save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return path.stat().st_size


SIDE = 512
"""Longer side of a preview, in pixels."""

QUALITY = 80


def reduced(frame: Frame) -> Picture:
    """The frame reduced to a preview's size. Planes are reduced before they are converted to RGB."""
    width, height = _fitted(frame.width, frame.height)
    if width >= frame.width:
        return as_picture(frame)
    # Even sides, for chroma planes of half the size.
    return as_picture(reduced_to(frame, FrameSize(width // 2 * 2, max(2, height // 2 * 2))))


def reduced_to(frame: Frame, size: FrameSize) -> Frame:
    """The frame at a smaller size with even sides, in memory of its own."""
    halves = (size.width, size.height), (size.width // 2, size.height // 2), (size.width // 2, size.height // 2)
    parts = [_scaled(plane, *sides).ravel() for plane, sides in zip(planes(frame), halves, strict=True)]
    return Frame(size.width, size.height, np.concatenate(parts))


def write_preview(picture: Picture, path: Path) -> None:
    """Write the picture as a JPEG of a preview's size; small ones are enlarged."""
    rgb = as_array(picture)
    size = _fitted(picture.width, picture.height)
    if size != (picture.width, picture.height):
        rgb = resized(rgb, *size)
    Image.fromarray(rgb).save(path, "JPEG", quality=QUALITY)


def _scaled(plane: Plane, width: int, height: int) -> Plane:
    """A plane reduced by halves, which OpenCV does fast, and then to the exact size."""
    while plane.shape[1] >= 2 * width:
        plane = cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)


def _fitted(width: int, height: int) -> tuple[int, int]:
    scale = SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))
