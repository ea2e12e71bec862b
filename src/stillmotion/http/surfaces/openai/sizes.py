"""Sizes of the videos API, as pixels, and the frames of this server."""

import math
import re

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.request import SQUARE, AspectRatio, GenerationRequest, Resolution, frame_size

SHAPE_MAY_DIFFER = 0.05
"""Largest relative difference between the asked width over height and the chosen shape."""

AREA_MAY_DIFFER = 2.0
"""Largest ratio between the asked area and the chosen one, either way."""

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)


def frame_for(size: str) -> tuple[AspectRatio, Resolution]:
    """Shape and resolution nearest to a size like `1280x720`, both by ratio.

    Raises `InvalidRequest` that names `size` if none is near.
    """
    written = _SIZE.fullmatch(size)
    if written is None:
        raise InvalidRequest(Problem("size", "must be a string like 1280x720, width times height"))
    width, height = int(written[1]), int(written[2])
    shape, bend = min(((each, _apart(width / height, each.ratio)) for each in AspectRatio), key=lambda pair: pair[1])
    area, growth = min(((each, _apart(width * height, each.area)) for each in Resolution), key=lambda pair: pair[1])
    if bend > math.log1p(SHAPE_MAY_DIFFER):
        raise _refused(f"has a shape that this server does not make: it makes {', '.join(AspectRatio)}")
    if growth > math.log(AREA_MAY_DIFFER):
        smallest, largest = (_named(AspectRatio.WIDE, each) for each in (Resolution.P540, Resolution.P2160))
        raise _refused(f"is too far from what this server makes, in 16:9 from {smallest} to {largest}")
    return shape, area


def size_of(request: GenerationRequest) -> str | None:
    """Size of the frame; None where it depends on a picture."""
    return None if request.aspect_ratio is None else _named(request.aspect_ratio, request.resolution)


def _named(shape: AspectRatio, resolution: Resolution) -> str:
    frame = frame_size(resolution, shape, SQUARE)
    return f"{frame.width}x{frame.height}"


def _apart(one: float, other: float) -> float:
    return abs(math.log(one / other))


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(Problem("size", message))
