"""Stereo pairs with a measured disparity: pictures whose second view is known, to hold a drawn one against."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.engine_photos import WHEEL
from bench.engine_read import psnr, ssim_map
from stillmotion.vision.resize import fit_within

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

LARGEST = 800
"""Longer side in pixels to which larger views are reduced."""
STEPS_PER_PIXEL = 256
"""A view's disparity is stored in 16 bits as pixels times this (the folder's README); 0 is unknown."""
AGREEING = 1.0
"""Difference in pixels up to which the disparities of both pictures tell of one surface."""
BUILT_IN = "motorcycle"
BT709 = np.array([0.2126, 0.7152, 0.0722])
DOUBLE = 2
"""Views are drawn at this multiple of their size and reduced again: the engine's maps have cells of 4 pixels."""


@dataclass(frozen=True)
class StereoView:
    """Two pictures side by side (height × width × 3, sRGB) and the left one's disparity in pixels, holes filled.

    What the left picture shows at column x, the right one shows at x − disparity. `known` is where it was measured;
    `uncovered` are the right picture's pixels that the left one does not show.
    """

    name: str
    left: Bytes
    right: Bytes
    disparity: Floats
    known: Flags
    uncovered: Flags

    @property
    def nearest(self) -> float:
        """The largest disparity in pixels."""
        return float(self.disparity.max())

    @property
    def compared(self) -> int:
        """Columns that are compared: those farther right may lie beyond the left picture's edge."""
        return int(self.left.shape[1]) - int(np.ceil(self.nearest))


@dataclass(frozen=True)
class Likeness:
    """A drawn view against the real one, over luma: decibels, structural similarity, decibels where uncovered."""

    decibels: float
    similarity: float
    uncovered: float


def motorcycle() -> StereoView:
    """scikit-image's motorcycle. It has one disparity, so the uncovered part is where nothing of the left lands."""
    with np.load(WHEEL / "motorcycle_disp.npz") as archive:
        measured = archive[archive.files[0]].astype(np.float32)
    left = np.where(np.isfinite(measured), measured, np.float32(0))
    first, second = (_picture(WHEEL / f"motorcycle_{side}.png") for side in ("left", "right"))
    return _view(BUILT_IN, (first, second), left, None)


def stereo_views(folder: Path | None) -> Iterator[StereoView]:
    """The motorcycle, then each `NAME.left.png` of the folder with its three companions, by name."""
    yield motorcycle()
    for path in sorted(folder.glob("*.left.png")) if folder else ():
        name = path.name.removesuffix(".left.png")
        pictures = _picture(path), _picture(path.with_name(f"{name}.right.png"))
        left, right = (_disparity(path.with_name(f"{name}.disparity_{side}.png")) for side in ("left", "right"))
        yield _view(name, pictures, left, right)


def _picture(path: Path) -> Bytes:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} is not a picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _disparity(path: Path) -> Floats:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise FileNotFoundError(f"{path} is not a disparity")
    return np.asarray(stored.astype(np.float32) / STEPS_PER_PIXEL)


def _view(name: str, pictures: tuple[Bytes, Bytes], disparity: Floats, others: Floats | None) -> StereoView:
    left, right = map(_within, pictures)
    scale = left.shape[1] / pictures[0].shape[1]
    disparity = _rescaled(disparity, left, scale)
    hidden = unlanded(filled(disparity)) if others is None else unconfirmed(disparity, _rescaled(others, right, scale))
    # Single columns are the disparity's own rounding.
    hidden = cv2.morphologyEx(hidden.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return StereoView(name, left, right, filled(disparity), disparity > 0, hidden)


def _within(picture: Bytes) -> Bytes:
    return np.asarray(fit_within(picture, LARGEST))


def _rescaled(disparity: Floats, picture: Bytes, scale: float) -> Floats:
    nearest = cv2.resize(disparity, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(nearest * np.float32(scale))


def filled(disparity: Floats) -> Floats:
    """Unknown disparities (0) taken from the nearest known ones of their row, left or right: the farther of both."""
    known = disparity > 0
    width = disparity.shape[1]
    columns, rows = np.arange(width), np.arange(len(disparity))[:, np.newaxis]
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, columns, width)[:, ::-1], axis=1)[:, ::-1]
    one = np.where(before >= 0, disparity[rows, np.maximum(before, 0)], np.inf)
    other = np.where(after < width, disparity[rows, np.minimum(after, width - 1)], np.inf)
    found = np.minimum(one, other)
    return np.where(np.isfinite(found), found, np.median(disparity[known])).astype(np.float32)


def unlanded(disparity: Floats) -> Flags:
    """The right picture's pixels on which no pixel of the left one lands, by the left one's disparity alone."""
    height, width = disparity.shape
    rows, columns = np.mgrid[0:height, 0:width]
    reached = np.zeros((height, width + 2), bool)
    landing = columns - disparity
    # A pixel covers both columns that it lies between, so that stretched surfaces have few cracks.
    for place in (np.floor(landing).astype(int), np.ceil(landing).astype(int)):
        reached[rows, np.where((place >= 0) & (place < width), place, width + 1)] = True
    return ~reached[:, :width]


def unconfirmed(left: Floats, right: Floats) -> Flags:
    """The right picture's pixels whose disparity the left one's does not confirm: there something nearer is seen."""
    height, width = right.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    there = cv2.remap(left, columns + right, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray((right > 0) & (there > 0) & (there > right + AGREEING))


def luma(rgb: Bytes) -> Floats:
    """Luma by BT.709, 0 to 255."""
    return np.asarray(rgb.astype(np.float64) @ BT709, np.float32)


def doubled(plane: Floats) -> Floats:
    """A plane at twice its size, as the rulers draw it."""
    size = (plane.shape[1] * DOUBLE, plane.shape[0] * DOUBLE)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC))


def likeness(view: StereoView, drawn: Floats) -> Likeness:
    """The right picture against one drawn at twice its size (luma, 0 to 255)."""
    size = view.right.shape[1::-1]
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)[:, : view.compared]
    wanted, hidden = luma(view.right)[:, : view.compared], view.uncovered[:, : view.compared]
    alike = float(ssim_map(wanted, small).mean())
    return Likeness(psnr(wanted, small), alike, psnr(wanted[hidden], small[hidden]))
