"""Canvas: the picture scaled once to the clip's size, as planar YUV for the warp."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.vision.resize import Pixels, as_array, as_bytes, blurred, even, resized

ROOM_BEYOND_CROP = 0.25
"""Margin of the picture kept outside the crop on each side, as a fraction of the crop: the camera may look there."""

SOFTEST = 0.18
"""Sigma of the softest part of a continued picture, as a fraction of the continued border's width."""

BAND = 512
"""Rows that are blended at once."""

_TO_BT709 = np.array(
    [
        [0.182586, 0.614231, 0.062007, 16.0],
        [-0.100644, -0.338572, 0.439216, 128.0],
        [0.439216, -0.398942, -0.040274, 128.0],
    ],
    np.float32,
)
"""8-bit RGB to limited-range YCbCr, from Kr = 0.2126, Kb = 0.0722 (ITU-R BT.709, 3.2 and 3.4)."""

_TAPS = np.sinc(np.arange(-2.5, 3)) * np.sinc(np.arange(-2.5, 3) / 3)
_HALFWAY = (_TAPS / _TAPS.sum()).astype(np.float32)
"""Lanczos kernel of three lobes, halfway between two samples."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in the picture's pixels; it may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture's planes at the clip's scale, and the place of the first frame on them.

    `fine` is luma at twice the density, (2 × height) × (2 × width); every second sample is a canvas pixel. Reading it
    bilinearly is as sharp as reading the pixels bicubically, and three times as fast. `u` and `v` have half of height ×
    width and are sited between luma samples. `left`, `top` (even numbers) is the frame's corner. `region` is the
    visible part of the picture.
    """

    fine: Pixels
    u: Pixels
    v: Pixels
    left: int
    top: int
    frame: FrameSize
    region: Region

    @property
    def width(self) -> int:
        """Luma pixels."""
        return int(self.u.shape[1]) * 2

    @property
    def height(self) -> int:
        """Luma pixels."""
        return int(self.u.shape[0]) * 2


def lay_out(picture: Picture, size: FrameSize, focus: tuple[float, float], margin: float = 0.0) -> Canvas:
    """Scale the picture to cover `size`, cropped around `focus` (x and y as fractions of the picture).

    With `margin` (a fraction of the frame's sides) the picture is continued beyond its edges, mirrored and increasingly
    blurred, for a camera that has to look there.
    """
    scale = max(size.width / picture.width, size.height / picture.height)
    across = _Span.around(focus[0], picture.width, size.width, scale)
    down = _Span.around(focus[1], picture.height, size.height, scale)
    part = as_array(picture)[down.start : down.start + down.length, across.start : across.start + across.length]
    scaled = as_bytes(resized(part, across.scaled, down.scaled))
    checkpoint()
    border = even(size.width * margin), even(size.height * margin)
    if margin:
        scaled = _continued(scaled, *border)
        checkpoint()
    y, u, v = _planes(scaled)
    checkpoint()
    region = _shown(across, down, border)
    return Canvas(doubled(y), u, v, across.offset + border[0], down.offset + border[1], size, region)


def _shown(across: "_Span", down: "_Span", border: tuple[int, int]) -> Region:
    """The rectangle of the picture, or beyond it, that the canvas shows."""
    step_x, step_y = across.length / across.scaled, down.length / down.scaled
    return Region(
        across.start - border[0] * step_x,
        down.start - border[1] * step_y,
        across.length + 2 * border[0] * step_x,
        down.length + 2 * border[1] * step_y,
    )


def _continued(rgb: Pixels, across: int, down: int) -> Pixels:
    """The picture mirrored beyond its edges by so many pixels, blurred more the further out."""
    height, width = rgb.shape[:2]
    out: Any = cv2.copyMakeBorder(rgb, down, down, across, across, cv2.BORDER_REFLECT_101)
    checkpoint()
    x, y = _beyond(width, across), _beyond(height, down)
    small = cv2.resize(np.maximum(x[np.newaxis], y[:, np.newaxis]), (out.shape[1] // 8, out.shape[0] // 8))
    # The blend is smooth, so an eighth of the pixels determines it.
    share = cv2.resize(np.clip(small / 0.5, 0, 1), out.shape[1::-1])
    checkpoint()
    soft = blurred(out, SOFTEST * max(across, down))
    checkpoint()
    # In parts, as one call for all of a large canvas would take too long to be cancelled.
    for rows in _parts_of(len(out)):
        out[rows] = cv2.blendLinear(soft[rows], out[rows], share[rows], 1 - share[rows])
        checkpoint()
    # The picture itself stays untouched.
    out[down : down + height, across : across + width] = rgb
    return out


def _parts_of(rows: int) -> Iterator[slice]:
    """Slices of `BAND` rows, the last one shorter."""
    return (slice(start, start + BAND) for start in range(0, rows, BAND))


def _beyond(side: int, border: int) -> Any:
    """Distance of each pixel of a continued side from the picture: 0 inside, 1 at the far edge."""
    place = np.arange(side + 2 * border, dtype=np.float32) - border - (side - 1) / 2
    return np.clip(np.abs(place) - (side - 1) / 2, 0, None) / np.float32(max(border, 1))


@dataclass(frozen=True, slots=True)
class _Span:
    """One axis of the layout: source pixels `start` and `length`, canvas pixels `scaled`, frame at `offset`."""

    start: int
    length: int
    scaled: int
    offset: int

    @classmethod
    def around(cls, focus: float, source: int, wanted: int, scale: float) -> "_Span":
        crop = min(source, wanted / scale)
        first = min(max(focus * source - crop / 2, 0.0), source - crop)
        # Nothing is cropped along this axis, so there is no room for the camera either.
        if source - crop < 1:
            return cls(0, source, wanted, 0)
        start = max(0, math.floor(first - crop * ROOM_BEYOND_CROP))
        end = min(source, math.ceil(first + crop * (1 + ROOM_BEYOND_CROP)))
        scaled = max(wanted, even((end - start) * scale))
        offset = min(even((first - start) * scale), scaled - wanted)
        return cls(start, end - start, scaled, offset)


def _planes(rgb: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    # Chroma is averaged over 2 × 2 pixels after conversion, which sites it between luma samples.
    y, u, v = cv2.split(cv2.transform(rgb, _TO_BT709))
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    return (
        as_bytes(y),
        as_bytes(cv2.resize(u, half, interpolation=cv2.INTER_AREA)),
        as_bytes(cv2.resize(v, half, interpolation=cv2.INTER_AREA)),
    )


def doubled(y: Pixels) -> Pixels:
    """The plane at twice the density, interpolated from the six nearest samples along a line."""
    alone = np.ones(1, np.float32)
    # Separable: columns first, then both sets of columns between the rows.
    across = _between(y, _HALFWAY, alone, (2, 0))
    fine = np.empty((y.shape[0] * 2, y.shape[1] * 2), np.uint8)
    fine[::2, ::2] = y
    fine[::2, 1::2] = across
    checkpoint()
    fine[1::2, ::2] = _between(y, alone, _HALFWAY, (0, 2))
    checkpoint()
    fine[1::2, 1::2] = _between(across, alone, _HALFWAY, (0, 2))
    return fine


def _between(y: Pixels, across: Any, down: Any, anchor: tuple[int, int]) -> Any:
    return cv2.sepFilter2D(y, -1, across, down, anchor=anchor, borderType=cv2.BORDER_REPLICATE)
