"""Reader of depth images: a grey picture of nearness becomes a `DepthMap`, with all of its bits.

It belongs into a decoder process (`stillmotion.media.sandbox.decoder`), where a crash or much memory does no harm.
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
"""Longest side of the map, in pixels. Engines need depth far more coarsely than pictures, and it bounds memory."""
COLOURLESS = 6.0
"""Largest mean difference between the channels of a grey picture, of 255: JPEG shifts them a little."""


def decode_depth(source: bytes | Path | BinaryIO, *, bright_is_far: bool = False) -> DepthMap:
    """Decode an untrusted depth image: 8, 16 or 32 bits of grey; bright means near unless `bright_is_far`.

    Takes the files that `pictures.decode` takes. The values are the stored ones: no colour profile is applied, and
    transparency is ignored. Raises as `pictures.decode` does, and `DEPTH_IMAGE_COLOURED` or
    `DEPTH_IMAGE_NOT_NUMBERS`.
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
    """The stored values, height × width."""
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
    """The values on a grid of at most `LONGEST_SIDE` a side: every nth is kept, then areas are averaged."""
    height, width = values.shape
    # Without the first step, a large picture would be converted whole to floats of four bytes a pixel.
    step = max(1, max(height, width) // (4 * LONGEST_SIDE))
    thinned = np.ascontiguousarray(values[::step, ::step], np.float32)
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return thinned
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(thinned, size, interpolation=cv2.INTER_AREA), np.float32)
