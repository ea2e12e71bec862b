"""Excerpts of clips: the size and the frames of the small forms that grids show."""

import math
from collections.abc import Sequence
from typing import Final

from stillmotion.domain.request import FrameSize

WIDEST: Final = 320
"""Width of a wide excerpt, in pixels."""
AREA: Final = 320 * 240
"""Most pixels a frame. A tall excerpt is narrower than `WIDEST`, so that it costs no more."""
LONGEST_SECONDS: Final = 3
RATE: Final = 12
"""Frames a second. A tile of a grid needs no more, and each frame costs time."""
MOST_FRAMES: Final = LONGEST_SECONDS * RATE


def excerpt_size(size: FrameSize) -> FrameSize:
    """Size of the excerpt of a clip: its shape, even sides, and no larger than the clip."""
    ratio = size.width / size.height
    width = min(WIDEST, math.sqrt(AREA * ratio), size.width)
    return FrameSize(max(2, round(width / 2) * 2), max(2, round(width / ratio / 2) * 2))


def excerpt_rate(fps: float) -> int:
    """Frames a second of an excerpt."""
    return max(1, min(RATE, round(fps)))


def excerpt_places(frame_count: int, fps: float) -> Sequence[int]:
    """The places of an excerpt's frames in the clip, evenly over all of it.

    A clip of more than `LONGEST_SECONDS` is shown faster than it is, from its beginning to its end: all its motion is
    seen, and a loop stays one.
    """
    rate = excerpt_rate(fps)
    wanted = min(LONGEST_SECONDS * rate, math.ceil(frame_count / fps * rate), frame_count)
    return [place * frame_count // wanted for place in range(wanted)]
