"""The still that stands for a clip."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from stillmotion.domain.rendering import Frame

QUALITY = 88


def rgb(frame: Frame) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """The frame as 8-bit RGB, height × width × 3."""
    planes = np.frombuffer(frame.planes, np.uint8).reshape(frame.height * 3 // 2, frame.width)
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p").reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return picture.to_ndarray().astype(np.uint8, copy=False)


def write_thumbnail(frame: Frame, path: Path) -> int:
    """Write the frame as a JPEG of its own size with no metadata; answers with its bytes."""
    Image.fromarray(rgb(frame)).save(path, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return path.stat().st_size
