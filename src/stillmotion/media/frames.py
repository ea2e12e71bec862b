"""Frames as arrays: the planes of YUV 4:2:0, and conversion from BT.709 to RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame, Picture

Plane = NDArray[np.uint8]


def planes(frame: Frame) -> tuple[Plane, Plane, Plane]:
    """Y (height × width), U and V (each half as high and wide), as views of the frame's memory."""
    whole = np.frombuffer(frame.planes, np.uint8)
    area, half = frame.width * frame.height, (frame.height // 2, frame.width // 2)
    quarter = area // 4
    return (
        whole[:area].reshape(frame.height, frame.width),
        whole[area : area + quarter].reshape(half),
        whole[area + quarter : area + 2 * quarter].reshape(half),
    )


_FROM_BT709 = np.array(
    [
        [1.164384, 0.0, 1.792741, -248.1010],
        [1.164384, -0.213249, -0.532909, 76.8780],
        [1.164384, 2.112402, 0.0, -289.0176],
    ],
    np.float32,
)
"""Limited-range YCbCr to 8-bit RGB, from Kr = 0.2126, Kb = 0.0722 (ITU-R BT.709, 3.2 and 3.4); last column: offset."""


def rgb(frame: Frame) -> Plane:
    """The frame as 8-bit RGB, height × width × 3; chroma is sited between luma samples."""
    y, u, v = planes(frame)
    size = (frame.width, frame.height)
    chroma = (cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in (u, v))
    return cv2.transform(cv2.merge([y, *chroma]), _FROM_BT709)


def as_picture(frame: Frame) -> Picture:
    """The frame as a picture, as engines take it."""
    return Picture(frame.width, frame.height, rgb(frame).tobytes())


BT709 = 1
"""The code of BT.709 for primaries, transfer and matrix alike (ITU-T H.273, tables 2 to 4)."""

LIMITED_RANGE = 1
"""FFmpeg's AVCOL_RANGE_MPEG: luma 16 to 235, chroma 16 to 240."""
