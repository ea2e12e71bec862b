"""From one keyframe to another: along the optical flow where the two show the same thing, else by a dissolve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.camera.path import Samples, ease, times
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.clip import Film, mixed
from stillmotion.engines.parallax.motion.displacement import Deformation, steepness
from stillmotion.vision.resize import Grid, Pixels

FLOW_WIDTH = 320
"""Pixels across the frames that the flow is looked for on."""
CONSISTENT = 0.5
"""The share of the picture that must come back to where it was, there and back, to be morphed (ENGINES.md)."""
CAME_BACK = 0.006
"""How near, in frame widths."""
LIKE = 24
"""How far apart in luma two pixels may be that show the same thing."""
SAME = 0.004
"""A flow whose median is less, in frame widths, leads nowhere."""
FIRMNESS = (0.012, 0.02, 0.028, 0.037, 0.047, 0.06, 0.08, 0.1)
"""How far the flow is smoothed, sigma in frame widths, tried until it folds nothing."""
STEEPEST = 0.6
"""The largest slope of a flow: below 1 nothing folds; the rest is left to the cross-fade."""
BLEND = (0.28, 0.80)
"""The part of a clip in which one picture becomes the other."""
APART = (5.0, 22.0)
"""How far apart in luma the two are where the one begins to give way to the other at once, and where it fully does."""
QUICKEST = 6.0
"""How much shorter than elsewhere the change then is: two things beside each other look worse than one that jumps."""
AROUND = 0.012
"""How far around a place that is looked at, sigma in frame widths."""
FADING_EDGE = 0.03
"""How far beyond its edge a picture gives way to the other, in frame widths."""

Draw = Callable[[int], Frame]
"""Draws the frame of an index."""


@dataclass(frozen=True, slots=True)
class Match:
    """The flow from one canvas's frame to another's and back (frame pixels, high × wide × 2), at `FLOW_WIDTH`."""

    there: Grid
    back: Grid

    @property
    def is_same_place(self) -> bool:
        """Whether both show the same from the same place, so that there is no way between them."""
        return float(np.median(np.hypot(self.there[..., 0], self.there[..., 1]))) < SAME * FLOW_WIDTH


def match(first: Canvas, second: Canvas) -> Match | None:
    """The flow between two frames, or None where they do not show the same thing."""
    one, other = _small(first), _small(second)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = search.calc(one, other, None), search.calc(other, one, None)
    kept_there, kept_back = _kept(there, back, one, other), _kept(back, there, other, one)
    if min(float(kept_there.mean()), float(kept_back.mean())) < CONSISTENT:
        return None
    return Match(_firm(there, kept_there), _firm(back, kept_back))


def morphed(first: Film, second: Film, found: Match, count: int) -> Draw:
    """Both pictures moved along the flow towards where they meet, the second fading in over the first."""
    way = ease(times(count, loop=False), 0.45)
    first.carry(_deformation(found.there, first, way))
    second.carry(_deformation(found.back, second, 1 - way))
    shares = _shares(count)

    def draw(index: int) -> Frame:
        share = float(shares[index])
        if share <= 0:
            return first.draw(index)
        if share >= 1:
            return second.draw(index)
        sources = first.sources(index), second.sources(index)
        shown = [
            weight * (1e-3 + _held(there, film.canvas))
            for there, film, weight in zip(sources, (first, second), (1 - share, share), strict=True)
        ]
        frames = [film.drawn(index, there) for film, there in zip((first, second), sources, strict=True)]
        even = (shown[1] / (shown[0] + shown[1])).astype(np.float32)
        return _blended(frames, _quickened(even, *frames), first)

    return draw


def dissolved(first: Film, second: Film, count: int) -> Draw:
    """From one clip to the other, the last frame being wholly the second's."""
    shares = _shares(count)

    def draw(index: int) -> Frame:
        share = float(shares[index])
        if share <= 0:
            return first.draw(index)
        if share >= 1:
            return second.draw(index)
        return mixed([(first.draw(index), 1 - share), (second.draw(index), share)])

    return draw


def _shares(count: int) -> Samples:
    """How much of the second picture is seen at each frame; all of it at the last."""
    start, end = BLEND
    shares = ease((times(count, loop=False) - start) / (end - start), 0.5)
    shares[-1] = 1.0
    return shares


def _small(canvas: Canvas) -> Pixels:
    frame = canvas.frame
    luma = canvas.fine[::2, ::2]
    part = luma[canvas.top : canvas.top + frame.height, canvas.left : canvas.left + frame.width]
    size = (FLOW_WIDTH, max(32, round(FLOW_WIDTH * frame.height / frame.width)))
    return np.ascontiguousarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def _kept(there: Any, back: Any, one: Pixels, other: Pixels) -> Grid:
    """1 where the flow leads to something alike and back again, else 0."""
    height, width = one.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + there[..., 0], y + there[..., 1]
    returned = there + cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alike = cv2.remap(other, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    close = np.hypot(returned[..., 0], returned[..., 1]) < max(1.0, CAME_BACK * width)
    inside = (x > -1) & (x < width) & (y > -1) & (y < height)
    return (close & inside & (cv2.absdiff(one, alike) < LIKE)).astype(np.float32)


def _firm(flow: Any, kept: Grid) -> Grid:
    """The flow where it is to be believed, spread smoothly over the rest, and so smooth that it folds nothing."""
    smooth = flow
    for firmness in FIRMNESS:
        sigma = firmness * FLOW_WIDTH
        weight = cv2.GaussianBlur(kept, (0, 0), sigma) + 1e-4
        smooth = cv2.GaussianBlur(flow * kept[..., np.newaxis], (0, 0), sigma) / weight[..., np.newaxis]
        if steepness(smooth) * CELL <= STEEPEST:
            break
    return np.asarray(smooth, np.float32)


def _deformation(flow: Grid, film: Film, way: Samples) -> Deformation:
    """A flow over the frame as a displacement over its canvas's cells."""
    canvas = film.canvas
    scale = canvas.frame.width / FLOW_WIDTH
    across = -(-canvas.width // CELL)
    down = -(-canvas.height // CELL)
    x, y = np.meshgrid((np.arange(across) + 0.5) * CELL - canvas.left, (np.arange(down) + 0.5) * CELL - canvas.top)
    column, row = (x / scale - 0.5).astype(np.float32), (y / scale - 0.5).astype(np.float32)
    shape = cv2.remap(flow, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) * np.float32(scale)
    return Deformation(shape[np.newaxis].astype(np.float32), way[:, np.newaxis].astype(np.float32))


def _held(sources: Grid, canvas: Canvas) -> Any:
    """1 where a map reads the picture, falling to 0 beyond its edge."""
    x, y = sources[..., 0], sources[..., 1]
    inward = np.minimum(np.minimum(x, canvas.width - 1 - x), np.minimum(y, canvas.height - 1 - y))
    return np.clip(1 + inward / (FADING_EDGE * canvas.frame.width), 0, 1)


def _quickened(share: Grid, one: Frame, other: Frame) -> Grid:
    """The second frame's share (over the frame's cells), changing faster where the two do not meet."""
    down, across = share.shape
    width, height = one.width, one.height
    lumas = (np.asarray(frame.planes)[: width * height].reshape(height, width) for frame in (one, other))
    # The grid has one cell more than the frame on every side.
    small = [cv2.resize(luma, (across - 2, down - 2), interpolation=cv2.INTER_AREA) for luma in lumas]
    apart = cv2.copyMakeBorder(cv2.absdiff(*small), 1, 1, 1, 1, cv2.BORDER_REPLICATE).astype(np.float32)
    apart = cv2.GaussianBlur(apart, (0, 0), AROUND * across)
    least, most = APART
    pace = 1 + (QUICKEST - 1) * np.clip((apart - least) / (most - least), 0, 1)
    return np.clip(0.5 + (share - 0.5) * pace, 0, 1).astype(np.float32)


def _blended(frames: list[Frame], share: Grid, film: Film) -> Frame:
    """Two frames, the second by its share (over the frame's cells), plane by plane."""
    width, height = frames[0].width, frames[0].height
    planes = np.empty_like(frames[0].planes)
    area = width * height
    full, half = film.enlarged(share, CELL), film.enlarged(share, CELL // 2)
    parts = ((0, area, full), (area, area // 4, half), (area * 5 // 4, area // 4, half))
    for start, length, weight in parts:
        one, other = (frame.planes[start : start + length].reshape(weight.shape) for frame in frames)
        planes[start : start + length] = cv2.blendLinear(one, other, 1 - weight, weight).reshape(-1)
    return Frame(width, height, planes)
