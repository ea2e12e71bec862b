"""A stereo picture's second view, drawn by the engine's own warps from the first one and a known disparity."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import cv2
import numpy as np

from bench.engine_rivals import best_homography, ray_march
from bench.engine_stereo import DOUBLE, Floats, Likeness, StereoView, likeness
from bench.table import Figure, Sense, averaged, spread
from stillmotion.domain.rendering import DepthMap, Frame, Picture
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import analyse
from stillmotion.engines.parallax.camera.path import FAR
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.depth.estimate import limited
from stillmotion.engines.parallax.depth.source import DepthImage
from stillmotion.engines.parallax.layers.drawing import LayeredWarp
from stillmotion.engines.parallax.layers.gate import gated
from stillmotion.engines.parallax.layers.sheets import in_layers
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import Grid, as_array

COARSE = 160
"""Longer side of a disparity that is known coarsely, in cells."""
NUDGE = np.float32(1.0001)
"""Magnification by which a fixed point far to the side makes a zoom into a shift."""


@dataclass(frozen=True)
class Shift:
    """Disparity in pixels of the frame at nearness 0 and at nearness 1."""

    far: float
    near: float

    @classmethod
    def between(cls, near: Grid, disparity: Floats) -> "Shift":
        """The least-squares line from nearness, which has a scale and a shift of its own, to disparity."""
        told = cv2.resize(near, disparity.shape[::-1], interpolation=cv2.INTER_LINEAR)
        # The ends are clipped.
        inside = (told > 0.02) & (told < 0.98)
        slope, start = np.polyfit(told[inside], disparity[inside], 1)
        return cls(float(start) * DOUBLE, float(start + slope) * DOUBLE)

    def views(self, frame: FrameSize) -> Views:
        """The second camera, to the right of the first and looking the same way: one moment."""
        offset = (self.near - self.far) / (1 - FAR)
        held = np.float32(1) - np.float32(1) / NUDGE
        # The farthest surface moves by FAR of the offset; the rest of its disparity is a shift of the frame.
        aside = (self.far - FAR * offset) / frame.width / float(held)
        still = np.zeros(1)
        return Views(
            x=still + offset / frame.width,
            y=still,
            z=still,
            pan=still,
            tilt=still,
            roll=still,
            zoom=still + 1,
            overscan=still + NUDGE,
            aim=(0.0, 0.0),
            steady=(aside, 0.0),
        )


def staged(view: StereoView, disparity: Floats, faces: FaceFinder) -> Stage:
    """The left picture on a canvas of twice its size, with the disparity given as a depth image is."""
    height, width = view.left.shape[:2]
    picture = Picture(width, height, view.left.tobytes())
    rgb = as_array(picture)
    scene = analyse(rgb, faces)
    given = np.ascontiguousarray(disparity, np.float32)
    depth = DepthImage(DepthMap(given.shape[1], given.shape[0], given.data)).depth(rgb, scene)
    known = replace(scene, is_flat_art=False, depth=gated(depth, rgb))
    return Stage.over(picture, FrameSize(width * DOUBLE, height * DOUBLE), known)


@dataclass(frozen=True)
class Drawn:
    """A drawn view's likeness and the number of layers that it is drawn in."""

    likeness: Likeness
    layers: int


def layered(view: StereoView, disparity: Floats, faces: FaceFinder) -> Drawn:
    """The view as the engine draws it: in two layers, or by one surface where the depth fails the gate."""
    stage = staged(view, disparity, faces)
    if stage.relief is None:
        return Drawn(soft_warp(view, disparity, faces), 1)
    views = Shift.between(stage.relief, view.disparity).views(stage.canvas.frame)
    layers = in_layers(stage, views)
    assert layers is not None, "it has relief"
    warp = LayeredWarp(layers)
    camera = views.at(0)
    return Drawn(likeness(view, frame_luma(warp.draw(warp.sources(camera), None, warp.behind(camera)))), 2)


def soft_warp(view: StereoView, disparity: Floats, faces: FaceFinder) -> Likeness:
    """The view by the engine's one surface, without the care for straight lines."""
    stage = staged(view, disparity, faces)
    shift = Shift.between(stage.near, view.disparity)
    cells = (shift.near - shift.far) / stage.canvas.width * stage.near.shape[1]
    surface = limited(stage.near, np.full(stage.near.shape, cells, np.float32))
    warp = Warp(NearnessMap.over(stage.canvas, surface))
    return likeness(view, frame_luma(warp.draw(warp.sources(shift.views(stage.canvas.frame).at(0)))))


def frame_luma(frame: Frame) -> Floats:
    """A frame's luma in full range, 0 to 255."""
    plane = np.frombuffer(frame.planes, np.uint8)[: frame.width * frame.height].reshape(frame.height, frame.width)
    return np.asarray((plane.astype(np.float32) - 16) * np.float32(255 / 219))


def coarse(disparity: Floats) -> Floats:
    """The disparity, in pixels as before, on a grid of `COARSE` cells."""
    scale = COARSE / max(disparity.shape)
    size = (round(disparity.shape[1] * scale), round(disparity.shape[0] * scale))
    return np.asarray(cv2.resize(disparity, size, interpolation=cv2.INTER_AREA))


def novel_views(views: Sequence[StereoView]) -> list[Figure]:
    """The rows on second views, over all pairs."""
    faces = FaceFinder()
    drawn = {view.name: layered(view, view.disparity, faces) for view in views}
    roughly = {view.name: layered(view, coarse(view.disparity), faces) for view in views}
    marched = _mean([ray_march(view, view.disparity) for view in views])
    also = {
        "ray march": marched,
        "the same at 160 cells": _mean([ray_march(view, coarse(view.disparity)) for view in views]),
        "soft warp": _mean([soft_warp(view, view.disparity, faces) for view in views]),
        "homography": _mean([best_homography(view) for view in views]),
    }
    note = "dB / SSIM / uncovered dB of others: " + "; ".join(f"{name} {_told(one)}" for name, one in also.items())
    mean = _mean([one.likeness for one in drawn.values()])
    return [
        *_rows("true depth", drawn, (25, 0.88, 18)),
        *_rows("depth at 160 cells", roughly, (24, 0.85, None)),
        Figure("second view, above ray marching", spread([mean.decibels - marched.decibels]), Sense.AT_LEAST, 0, "dB"),
        Figure(
            "second view, above ray marching, SSIM",
            spread([mean.similarity - marched.similarity]),
            Sense.AT_LEAST,
            0,
            note=note,
        ),
    ]


def _rows(name: str, found: dict[str, Drawn], bars: tuple[float, float, float | None]) -> list[Figure]:
    note = ", ".join(f"{view} {_told(one.likeness)} in {one.layers}" for view, one in found.items())
    likenesses = [one.likeness for one in found.values()]
    rows = [
        Figure(
            f"second view, {name}, mean",
            averaged([one.decibels for one in likenesses]),
            Sense.AT_LEAST,
            bars[0],
            "dB",
            note,
        ),
        Figure(
            f"second view, {name}, mean SSIM", averaged([one.similarity for one in likenesses]), Sense.AT_LEAST, bars[1]
        ),
    ]
    if bars[2] is not None:
        hidden = averaged([one.uncovered for one in likenesses])
        rows.append(Figure(f"second view, {name}, mean where uncovered", hidden, Sense.AT_LEAST, bars[2], "dB"))
    return rows


def _mean(found: Sequence[Likeness]) -> Likeness:
    return Likeness(
        fmean(one.decibels for one in found),
        fmean(one.similarity for one in found),
        fmean(one.uncovered for one in found),
    )


def _told(one: Likeness) -> str:
    return f"{one.decibels:.1f} / {one.similarity:.3f} / {one.uncovered:.1f}"
