"""A finished clip's pixels, read back from the MP4, and measures of likeness between two frames."""

from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np


def luma(path: Path, width: int | None = None) -> list[np.ndarray]:
    """Every frame's luma plane, 8 bits as stored (16 to 235), optionally scaled to a width."""
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)]
    if width is None:
        return planes
    size = (width, round(planes[0].shape[0] * width / planes[0].shape[1]))
    return [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Decibels over a range of 255."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Mean structural similarity; see `ssim_map`."""
    return float(ssim_map(one, other).mean())


def ssim_map(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Structural similarity at each pixel, with the usual 11 × 11 Gaussian window (Wang et al. 2004)."""
    a, b = one.astype(np.float64), other.astype(np.float64)

    def mean(image: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), 1.5))

    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    low, high = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + low) * (2 * covariance + high)
    return np.asarray(top / ((mean_a**2 + mean_b**2 + low) * (variance_a + variance_b + high)))


def step(one: np.ndarray, other: np.ndarray) -> float:
    """The distance of two frames: the mean absolute difference of luma."""
    return float(cv2.absdiff(one, other).mean())


def seam(planes: list[np.ndarray]) -> float:
    """The step from the last frame back to the first, over the mean step between frames."""
    return step(planes[-1], planes[0]) / max(float(np.mean([step(*pair) for pair in pairwise(planes)])), 1e-6)


def flow_size(planes: list[np.ndarray], every: int) -> np.ndarray:
    """Each pixel's distance from its place in the first frame, in pixels: the mean over each `every`-th frame."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    total = np.zeros(planes[0].shape, np.float64)
    later = planes[every::every]
    for plane in later:
        total += np.hypot(*np.moveaxis(flow.calc(planes[0], plane, None), 2, 0))
    return total / len(later)


def change(planes: list[np.ndarray], every: int) -> np.ndarray:
    """Each pixel's change of luma since the first frame: the mean over each `every`-th frame."""
    first = cv2.GaussianBlur(planes[0], (0, 0), 2)
    later = planes[every::every]
    return np.asarray(np.mean([cv2.absdiff(first, cv2.GaussianBlur(plane, (0, 0), 2)) for plane in later], axis=0))


def region_ratio(measure: np.ndarray, mask: np.ndarray, noise: float) -> float:
    """The mean of a measure inside a region over that well outside it, neither taken to be less than `noise`."""
    wide = max(3, measure.shape[1] // 25)
    inside = cv2.resize(mask, measure.shape[::-1], interpolation=cv2.INTER_AREA) > 0.9
    outside = cv2.dilate(inside.astype(np.uint8), np.ones((2 * wide + 1, 2 * wide + 1), np.uint8)) == 0
    within = float(measure[inside].mean())
    return 0.0 if within <= noise else within / max(float(measure[outside].mean()), noise)
