"""Depth images in: a grey picture that says how near things are becomes a `DepthMap`, with all of its bits.

Run it where a crash or a flood of memory harms nobody: in a decoder (`stillmotion.media.sandbox.decoder`).
"""

from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import DepthMap
from stillmotion.media.input.pictures import opened

LONGEST_SIDE = 640
"""Engines read depth far more coarsely than pictures: a larger one is averaged down to this, which bounds memory."""
COLOURLESS = 6.0
"""How far a grey picture's channels are apart on average, of 255, at most: JPEG moves them a little."""


def decode_depth(source: bytes | Path | BinaryIO, *, bright_is_far: bool = False) -> DepthMap:
    """Decode an untrusted depth image: 8, 16 or 32 bits of grey, bright being near unless `bright_is_far`.

    Takes what `intake.decode` takes. Values are read as they are stored: no colour profile is applied, and
    transparency is passed over. Raises `GenerationFailed` as `intake.decode` does, and with code
    `depth_image_unusable` for one that is coloured or has values that are no numbers.
    """
    with opened(source) as found:
        values = _reduced(_grey(found.loaded()))
    if not np.isfinite(values).all():
        raise FailureKind.DEPTH_IMAGE_NOT_NUMBERS.error()
    if bright_is_far:
        values = values.max() - values
    height, width = values.shape
    return DepthMap(width, height, np.ascontiguousarray(values, np.float32).data)


def _grey(image: Image.Image) -> NDArray[Any]:
    """The values as stored, high × wide."""
    if image.mode.startswith("I") or image.mode == "F":
        stored = np.asarray(image)
        return stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if image.mode in {"L", "LA", "1"}:
        return np.asarray(image.getchannel(0).convert("L"))
    rgb = np.asarray(image.convert("RGB"))
    few = rgb[:: max(1, rgb.shape[0] // LONGEST_SIDE)].astype(np.int16)
    if float((few.max(axis=2) - few.min(axis=2)).mean()) > COLOURLESS:
        raise FailureKind.DEPTH_IMAGE_COLOURED.error()
    return np.ascontiguousarray(rgb[..., 1])


def _reduced(values: NDArray[Any]) -> NDArray[np.float32]:
    """At most `LONGEST_SIDE` on a side: thinned out, then averaged."""
    height, width = values.shape
    # Converting the whole of a large picture to floats would take four bytes a pixel.
    step = max(1, max(height, width) // (4 * LONGEST_SIDE))
    thinned = np.ascontiguousarray(values[::step, ::step], np.float32)
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return thinned
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(thinned, size, interpolation=cv2.INTER_AREA), np.float32)
