"""Transition between two keyframes: a morph along optical flow if both show the same thing, otherwise a dissolve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.camera.path import Samples, ease, times
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.clip import Clip, mixed
from stillmotion.engines.parallax.motion.displacement import Deformation, steepness
from stillmotion.vision.resize import Grid, Pixels

FLOW_WIDTH = 320
"""Width, in pixels, at which optical flow is computed."""
CONSISTENT = 0.5
"""Fraction of the picture with consistent forward and backward flow that a morph needs (ENGINES.md)."""
CAME_BACK = 0.006
"""Tolerance of that consistency, in frame widths."""
LIKE = 24
"""Largest difference in luma of two pixels that show the same thing."""
SAME = 0.004
"""Median flow, in frame widths, below which both pictures have the same viewpoint."""
FIRMNESS = (0.012, 0.02, 0.028, 0.037, 0.047, 0.06, 0.08, 0.1)
"""Sigmas of the flow's smoothing, in frame widths, tried until it does not fold."""
STEEPEST = 0.6
"""Largest slope of the flow: below 1 it does not fold; the cross-fade hides the rest."""
BLEND = (0.28, 0.80)
"""Interval of the clip in which one picture becomes the other."""
APART = (5.0, 22.0)
"""Differences in luma at which the cross-fade begins to quicken, and at which it is quickest."""
QUICKEST = 6.0
"""Factor by which the cross-fade is shorter there: a double image looks worse than a jump."""
AROUND = 0.012
"""Sigma of the window for that difference, in frame widths."""
FADING_EDGE = 0.03
"""Distance beyond a picture's edge over which it fades out, in frame widths."""

Draw = Callable[[int], Frame]
"""From a frame's index to the frame."""


@dataclass(frozen=True, slots=True)
class Match:
    """Optical flow between two canvases' frames, there and back (height × width × 2, in pixels at `FLOW_WIDTH`)."""

    there: Grid
    back: Grid

    @property
    def is_same_place(self) -> bool:
        """True if both have the same viewpoint, so that there is no motion between them."""
        return float(np.median(np.hypot(self.there[..., 0], self.there[..., 1]))) < SAME * FLOW_WIDTH


def match(first: Canvas, second: Canvas) -> Match | None:
    """The flow between two frames; None if they do not show the same thing."""
    one, other = _small(first), _small(second)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = search.calc(one, other, None), search.calc(other, one, None)
    good_there, good_back = _consistent(there, back, one, other), _consistent(back, there, other, one)
    if min(float(good_there.mean()), float(good_back.mean())) < CONSISTENT:
        return None
    return Match(_extended(there, good_there), _extended(back, good_back))


def morphed(first: Clip, second: Clip, found: Match, count: int) -> Draw:
    """Morph: both pictures warped along the flow towards each other, the second fading in."""
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
        # A frame counts less where it is read from beyond its canvas.
        shown = [
            weight * (1e-3 + _edge_weight(there, clip.canvas))
            for there, clip, weight in zip(sources, (first, second), (1 - share, share), strict=True)
        ]
        frames = [clip.drawn(index, there) for clip, there in zip((first, second), sources, strict=True)]
        even = (shown[1] / (shown[0] + shown[1])).astype(np.float32)
        return _blended(frames, _quickened(even, *frames), first)

    return draw


def dissolved(first: Clip, second: Clip, count: int) -> Draw:
    """Dissolve from one clip to the other; the last frame is entirely the second's."""
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
    """Weight of the second picture at each frame; 1 at the last."""
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


def _consistent(there: Any, back: Any, one: Pixels, other: Pixels) -> Grid:
    """Mask of consistent flow: 1 if it leads to a similar pixel and back, otherwise 0."""
    height, width = one.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + there[..., 0], y + there[..., 1]
    # Forward-backward check: the flow back, read at the target, should cancel the flow there.
    returned = there + cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alike = cv2.remap(other, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    close = np.hypot(returned[..., 0], returned[..., 1]) < max(1.0, CAME_BACK * width)
    inside = (x > -1) & (x < width) & (y > -1) & (y < height)
    return (close & inside & (cv2.absdiff(one, alike) < LIKE)).astype(np.float32)


def _extended(flow: Any, kept: Grid) -> Grid:
    """Consistent flow, extended smoothly over the rest until it does not fold (normalised convolution)."""
    smooth = flow
    for firmness in FIRMNESS:
        sigma = firmness * FLOW_WIDTH
        weight = cv2.GaussianBlur(kept, (0, 0), sigma) + 1e-4
        smooth = cv2.GaussianBlur(flow * kept[..., np.newaxis], (0, 0), sigma) / weight[..., np.newaxis]
        if steepness(smooth) * CELL <= STEEPEST:
            break
    return np.asarray(smooth, np.float32)


def _deformation(flow: Grid, clip: Clip, way: Samples) -> Deformation:
    """Flow over the frame as a displacement on the canvas's cells."""
    canvas = clip.canvas
    scale = canvas.frame.width / FLOW_WIDTH
    across = -(-canvas.width // CELL)
    down = -(-canvas.height // CELL)
    x, y = np.meshgrid((np.arange(across) + 0.5) * CELL - canvas.left, (np.arange(down) + 0.5) * CELL - canvas.top)
    column, row = (x / scale - 0.5).astype(np.float32), (y / scale - 0.5).astype(np.float32)
    shape = cv2.remap(flow, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) * np.float32(scale)
    return Deformation(shape[np.newaxis].astype(np.float32), way[:, np.newaxis].astype(np.float32))


def _edge_weight(sources: Grid, canvas: Canvas) -> Any:
    """Weight of a map's reads: 1 inside the picture, falling to 0 beyond its edge."""
    x, y = sources[..., 0], sources[..., 1]
    inward = np.minimum(np.minimum(x, canvas.width - 1 - x), np.minimum(y, canvas.height - 1 - y))
    return np.clip(1 + inward / (FADING_EDGE * canvas.frame.width), 0, 1)


def _quickened(share: Grid, one: Frame, other: Frame) -> Grid:
    """Weight of the second frame per cell, changing faster where the two differ."""
    down, across = share.shape
    width, height = one.width, one.height
    lumas = (np.asarray(frame.planes)[: width * height].reshape(height, width) for frame in (one, other))
    # The grid has one more cell than the frame on every side.
    small = [cv2.resize(luma, (across - 2, down - 2), interpolation=cv2.INTER_AREA) for luma in lumas]
    apart = cv2.copyMakeBorder(cv2.absdiff(*small), 1, 1, 1, 1, cv2.BORDER_REPLICATE).astype(np.float32)
    apart = cv2.GaussianBlur(apart, (0, 0), AROUND * across)
    least, most = APART
    pace = 1 + (QUICKEST - 1) * np.clip((apart - least) / (most - least), 0, 1)
    return np.clip(0.5 + (share - 0.5) * pace, 0, 1).astype(np.float32)


def _blended(frames: list[Frame], share: Grid, clip: Clip) -> Frame:
    """Two frames blended plane by plane; `share` is the second's weight per cell."""
    width, height = frames[0].width, frames[0].height
    planes = np.empty_like(frames[0].planes)
    area = width * height
    full, half = clip.enlarged(share, CELL), clip.enlarged(share, CELL // 2)
    parts = ((0, area, full), (area, area // 4, half), (area * 5 // 4, area // 4, half))
    for start, length, weight in parts:
        one, other = (frame.planes[start : start + length].reshape(weight.shape) for frame in frames)
        planes[start : start + length] = cv2.blendLinear(one, other, 1 - weight, weight).reshape(-1)
    return Frame(width, height, planes)
