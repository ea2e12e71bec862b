"""Layout of a frame's planes, scaled and moved into a frame of another size."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize
from stillmotion.media.frames import Plane, planes
from stillmotion.vision.resize import as_bytes, blurred_at, even

ROOM = 8
"""Source pixels around a window that are scaled with it: half a Lanczos kernel, and the rounding to even numbers."""

TAPS = 3
"""Taps of the interpolation between scaled pixels, on either side."""

BLUR = 0.035
"""Sigma of the border's blur, as a fraction of the frame's longer side."""

FADE = 0.04
"""Distance from the picture's edge over which its mirror image fades into the blur, likewise."""

COARSE = 8
"""Reduction factor at which the border is blurred."""


@dataclass(frozen=True, slots=True)
class Span:
    """One axis: `source` pixels of the picture drawn `length` pixels long into a frame of `frame` pixels. All even."""

    source: int
    frame: int
    length: int

    def view(self, edge: float) -> "View":
        """The cut for a picture whose edge lies at `edge` in the frame.

        While the picture fills the frame, the cut's length is the same for any edge: a moving window keeps its scale.
        """
        scale = self.length / self.source
        first, beyond = -edge / scale, (self.frame - edge) / scale
        # The window moves within the picture: its cut has a fixed length, at an even start for chroma.
        if edge <= 0 and edge + self.length >= self.frame:
            cut = min(self.source, even(self.frame / scale) + 2 * ROOM)
            start = min(max(0, even(first - ROOM)), self.source - cut)
            scaled = max(even(cut * scale), self.frame)
            offset = (first - start) * scaled / cut
            return View(start, cut, scaled, min(max(0.0, offset), float(scaled - self.frame)))
        start = max(0, even(first - ROOM))
        cut = min(self.source, even(beyond + ROOM)) - start
        scaled = max(2, even(cut * scale))
        return View(start, cut, scaled, -even(edge) if start == 0 else (first - start) * scaled / cut)


@dataclass(frozen=True, slots=True)
class View:
    """A cut of one axis: `cut` source pixels from `start`, scaled to `scaled`; the frame begins at `offset` of those.

    A negative offset leaves a border before the picture.
    """

    start: int
    cut: int
    scaled: int
    offset: float

    def halved(self) -> "View":
        """The same cut on a chroma plane, at half the density."""
        return View(self.start // 2, self.cut // 2, self.scaled // 2, self.offset / 2)


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of one size in a frame of another."""

    across: Span
    down: Span

    @property
    def enlarges(self) -> bool:
        """True if the picture is enlarged on either axis."""
        return self.across.length > self.across.source or self.down.length > self.down.source

    def at(self, left: float, top: float) -> "Placed":
        """The layout with the picture's top left corner at `left`, `top` of the frame."""
        return Placed(FrameSize(self.across.frame, self.down.frame), self.across.view(left), self.down.view(top))


class Placed:
    """Draws frames into one place of a larger frame. The bare rest is mirrored and fades into a blur."""

    def __init__(self, frame: FrameSize, across: View, down: View) -> None:
        self._frame, self._across, self._down = frame, across, down
        left, top = max(0, round(-across.offset)), max(0, round(-down.offset))
        right = min(frame.width, round(across.scaled - across.offset))
        bottom = min(frame.height, round(down.scaled - down.offset))
        self.picture = (left, top, right, bottom)
        """The visible part of the picture: left, top, right and bottom in the frame's pixels."""
        self._shares = {density: _share(frame, self.picture, density) for density in (1, 2)} if self.is_bare else {}

    @property
    def is_bare(self) -> bool:
        """True if the picture leaves a border."""
        return self.picture != (0, 0, self._frame.width, self._frame.height)

    def draw(self, frame: Frame) -> Frame:
        """The frame with the picture in its place."""
        y, u, v = planes(frame)
        luma = self._plane(y, 1, cv2.INTER_LANCZOS4)
        chroma = [self._plane(each, 2, cv2.INTER_CUBIC).reshape(-1) for each in (u, v)]
        return Frame(self._frame.width, self._frame.height, np.concatenate([luma.reshape(-1), *chroma]))

    def _plane(self, plane: Plane, density: int, enlarging: int) -> Plane:
        across, down = (self._across, self._down) if density == 1 else (self._across.halved(), self._down.halved())
        part = plane[down.start : down.start + down.cut, across.start : across.start + across.cut]
        scaled = _scaled(part, across.scaled, down.scaled, enlarging)
        shown = _shown(scaled, across.offset, self._frame.width // density, 1)
        shown = _shown(shown, down.offset, self._frame.height // density, 0)
        return self._softened(shown, density) if self.is_bare else shown

    def _softened(self, plane: Plane, density: int) -> Plane:
        """The plane with its border fading into a blur; the picture itself is unchanged."""
        height, width = plane.shape
        sigma = BLUR * max(self._frame.width, self._frame.height) / density / COARSE
        soft = blurred_at(plane, (max(2, width // COARSE), max(2, height // COARSE)), sigma)
        share = self._shares[density]
        return as_bytes(cv2.blendLinear(plane, soft, share, 1 - share))


def _share(frame: FrameSize, picture: tuple[int, int, int, int], density: int) -> NDArray[np.float32]:
    """Weight of the sharp picture: 1 inside it, 0 from `FADE` outward."""
    left, top, right, bottom = (edge / density for edge in picture)
    x = np.arange(frame.width // density, dtype=np.float32)[None, :]
    y = np.arange(frame.height // density, dtype=np.float32)[:, None]
    across = np.maximum(np.maximum(left - x, x - (right - 1)), 0)
    down = np.maximum(np.maximum(top - y, y - (bottom - 1)), 0)
    away = np.maximum(across, down) / (FADE * max(frame.width, frame.height) / density)
    return np.asarray(np.clip(1 - away, 0, 1), np.float32)


def _scaled(part: Plane, width: int, height: int, enlarging: int) -> Plane:
    """A plane scaled: area-averaged along an axis that shrinks, by `enlarging` along one that grows."""
    rows, columns = part.shape
    if (columns, rows) == (width, height):
        return np.ascontiguousarray(part)
    small = (min(columns, width), min(rows, height))
    if small != (columns, rows):
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    return part if small == (width, height) else cv2.resize(part, (width, height), interpolation=enlarging)


def _shown(plane: Plane, offset: float, length: int, axis: int) -> Plane:
    """`length` pixels along `axis` from `offset` on, interpolated between pixels, mirrored outside."""
    # Rounding error must not turn a whole offset into a fraction.
    whole = math.floor(offset + 1e-6)
    part = offset - whole
    if part > 1e-3:
        plane = _shifted(plane, part, axis)
    before, after = max(0, -whole), max(0, whole + length - plane.shape[axis])
    if before or after:
        sides = (0, 0, before, after) if axis == 1 else (before, after, 0, 0)
        plane = cv2.copyMakeBorder(plane, *sides, borderType=cv2.BORDER_REFLECT)
    start = max(0, whole)
    cut = plane[:, start : start + length] if axis == 1 else plane[start : start + length]
    return np.ascontiguousarray(cut)


def _shifted(plane: Plane, part: float, axis: int) -> Plane:
    """The plane shifted by `part` of a pixel (Lanczos, three lobes)."""
    at = np.arange(1 - TAPS, TAPS + 1) - part
    kernel = np.sinc(at) * np.sinc(at / TAPS)
    taps, alone = (kernel / kernel.sum()).astype(np.float32), np.ones(1, np.float32)
    across, down = (taps, alone) if axis == 1 else (alone, taps)
    anchor = (TAPS - 1, 0) if axis == 1 else (0, TAPS - 1)
    return as_bytes(cv2.sepFilter2D(plane, -1, across, down, anchor=anchor, borderType=cv2.BORDER_REPLICATE))
