"""Resizing of pictures and planes held as arrays of height × width (× channels)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Picture

Pixels = NDArray[np.uint8]
Grid = NDArray[np.float32]


def as_array(picture: Picture) -> Pixels:
    """A view of the picture's memory, height × width × 3 (RGB)."""
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)


def as_bytes(image: Any) -> Pixels:
    """The image as contiguous 8-bit samples."""
    return np.ascontiguousarray(image, np.uint8)


def even(length: float) -> int:
    """The nearest even number of pixels, as 4:2:0 chroma needs it."""
    return round(length / 2) * 2


def fit_within(image: Any, side: int) -> Any:
    """The image with its longer side at most `side` pixels, area-averaged; never enlarged."""
    height, width = image.shape[:2]
    scale = side / max(width, height)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def resized(image: Any, width: int, height: int) -> Any:
    """The image at a new size: area-averaged if either axis shrinks, bicubic otherwise."""
    shrinks = image.shape[1] > width or image.shape[0] > height
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def blurred(image: Any, sigma: float) -> Any:
    """Gaussian blur computed on a reduced copy, so that its cost does not grow with `sigma` (pixels)."""
    factor = max(1.0, sigma / 4)
    height, width = image.shape[:2]
    return blurred_at(image, (max(1, round(width / factor)), max(1, round(height / factor))), sigma / factor)


def blurred_at(image: Any, size: tuple[int, int], sigma: float) -> Any:
    """Gaussian blur computed at `size` (width, height) and enlarged again; `sigma` is in pixels of `size`."""
    soft = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), max(1.0, sigma))
    return cv2.resize(soft, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
