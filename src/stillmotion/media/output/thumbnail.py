"""A clip's frame as a still picture: for an engine to go on from, and the one that stands for the clip."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.media.transform.layout import Plane, planes

QUALITY = 88


_FROM_BT709 = np.array(
    [
        [1.164384, 0.0, 1.792741, -248.1010],
        [1.164384, -0.213249, -0.532909, 76.8780],
        [1.164384, 2.112402, 0.0, -289.0176],
    ],
    np.float32,
)
"""Limited-range YCbCr to 8-bit RGB, from Kr = 0.2126, Kb = 0.0722 (ITU-R BT.709, 3.2 and 3.4); last the offset."""


def rgb(frame: Frame) -> Plane:
    """The frame as 8-bit RGB, height × width × 3, its chroma taken to lie between luma samples."""
    y, u, v = planes(frame)
    size = (frame.width, frame.height)
    chroma = (cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in (u, v))
    return cv2.transform(cv2.merge([y, *chroma]), _FROM_BT709)


def as_picture(frame: Frame) -> Picture:
    """The frame as an engine takes a picture."""
    return Picture(frame.width, frame.height, rgb(frame).tobytes())


def write_thumbnail(frame: Frame, path: Path) -> int:
    """Write the frame as a JPEG of its own size with no metadata; answers with its bytes."""
    Image.fromarray(rgb(frame)).save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return path.stat().st_size
