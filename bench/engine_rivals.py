"""Other ways to a second view, for comparison: a homography, and the ray march of parallax shaders.

Both draw on luma at twice the view's size, as the engine does, and are reduced alike afterwards.
"""

import cv2
import numpy as np

from bench.engine_stereo import DOUBLE, Floats, Likeness, StereoView, doubled, likeness, luma

SAMPLES = 20_000
OFF_PLANE = 2.0
"""Distance in pixels up to which RANSAC takes a point for one of the homography's."""
METHODS = (0, cv2.RANSAC, cv2.LMEDS)
"""Least squares, and two fits that pass outliers over."""


def best_homography(view: StereoView) -> Likeness:
    """The best, by decibels, of three homographies fitted to the known disparity."""
    rows, columns = np.nonzero(view.known)
    chosen = np.random.default_rng(0).integers(0, len(rows), SAMPLES)
    here = np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float32)
    there = here.copy()
    there[:, 0] -= view.disparity[rows[chosen], columns[chosen]]
    plane = doubled(luma(view.left))
    found = []
    for method in METHODS:
        fit = cv2.findHomography(here, there, method, OFF_PLANE)[0]
        scale = np.diag([DOUBLE, DOUBLE, 1.0])
        bent = scale @ fit @ np.linalg.inv(scale)
        drawn = cv2.warpPerspective(
            plane, bent, plane.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        found.append(likeness(view, drawn))
    return max(found, key=lambda one: one.decibels)


def ray_march(view: StereoView, disparity: Floats) -> Likeness:
    """The view by ray marching through `disparity` (in pixels of the view, on any grid) taken as a height field."""
    plane = doubled(luma(view.left))
    heights = cv2.resize(disparity, plane.shape[::-1], interpolation=cv2.INTER_LINEAR) * np.float32(DOUBLE)
    across = marched(heights)
    rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]].astype(np.float32)
    drawn = cv2.remap(plane, columns + across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return likeness(view, drawn)


def marched(heights: Floats) -> Floats:
    """The shift in pixels at which each pixel's ray first meets the height field, from the nearest down.

    A ray of shift s passes over column x + s at height s, and meets the field where it is at least as high. Parallax
    shaders march like this (steep parallax mapping with a last secant step; McGuire and McGuire 2005, DepthFlow).
    """
    width = heights.shape[1]
    steps = int(np.ceil(float(heights.max())))
    padded = np.pad(heights, ((0, 0), (0, steps + 1)), mode="edge")
    met = np.zeros(heights.shape, np.float32)
    waiting = np.ones(heights.shape, bool)
    above = padded[:, steps + 1 : steps + 1 + width] - (steps + 1)
    for step in range(steps, -1, -1):
        over = padded[:, step : step + width] - np.float32(step)
        arrived = waiting & (over >= 0)
        met[arrived] = (step + over / np.maximum(over - above, 1e-6))[arrived]
        waiting &= ~arrived
        above = over
    return met
