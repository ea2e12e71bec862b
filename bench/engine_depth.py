"""Depth against the truth of a stereo pair, and the effect of a depth image on the maps."""

from dataclasses import replace

import cv2
import numpy as np

from bench.engine_looks import NATIVE_MOVES
from bench.engine_maps import map_faults
from bench.engine_photos import WHEEL, clip_size, photo
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import DepthMap
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.analysis.scene import Depth, analyse
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.depth.source import DepthImage, Estimate
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

PAIRS = 40_000
APART = 4.0
"""The least difference in disparity (pixels of 741) of two points that must be ordered."""


def true_disparity() -> np.ndarray:
    """The disparity of scikit-image's motorcycle in pixels; 0 where it is unknown."""
    with np.load(WHEEL / "motorcycle_disp.npz") as archive:
        measured = archive[archive.files[0]].astype(np.float32)
    return np.where(np.isfinite(measured), measured, np.float32(0))


def motorcycle_depth() -> DepthMap:
    """The truth as a depth image of the motorcycle, its holes filled from around them."""
    truth = true_disparity()
    sixteen = (truth * 1000).clip(0, 65535).astype(np.uint16)
    filled = cv2.inpaint(sixteen, (truth == 0).astype(np.uint8), 3, cv2.INPAINT_NS).astype(np.float32)
    return DepthMap(filled.shape[1], filled.shape[0], filled.data)


def pairs_in_order(near: np.ndarray, truth: np.ndarray) -> float:
    """The share of clearly separate pairs of points in the right order."""
    told = cv2.resize(near, truth.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(-1)
    known = truth.reshape(-1)
    one, other = np.random.default_rng(0).integers(0, known.size, (2, PAIRS))
    clear = (np.abs(known[one] - known[other]) > APART) & (known[one] > 0) & (known[other] > 0)
    agree = (told[one] > told[other]) == (known[one] > known[other])
    return float(agree[clear].mean())


def depth() -> list[Figure]:
    """The order of the motorcycle's points, and tears of the maps under its true depth."""
    picture, truth = photo("motorcycle_left"), true_disparity()
    rgb = as_array(picture)
    scene = analyse(rgb, FaceFinder())
    given = DepthImage(motorcycle_depth()).depth(rgb, scene).near
    # Straight lines would hold the parallax back: without them the maps are at their steepest.
    bare = replace(scene, lines=scene.lines[:0], depth=Depth(given, "image"))
    shot = Stage.over(picture, clip_size(picture, Resolution.P540), bare)
    faults = [map_faults(shot, move) for move in NATIVE_MOVES]
    return [
        Figure(
            "pairs in order, estimated",
            spread([100 * pairs_in_order(Estimate().depth(rgb, scene).near, truth)]),
            Sense.AT_LEAST,
            78,
            "%",
        ),
        Figure("pairs in order, depth image", spread([100 * pairs_in_order(given, truth)]), Sense.AT_LEAST, 93, "%"),
        Figure("folds, depth image", spread([sum(one.folds for one in faults)]), Sense.AT_MOST, 0),
        Figure("stretch, depth image", spread([max(one.stretch for one in faults)]), Sense.AT_MOST, 1.6, "×"),
        Figure("outside, depth image", spread([max(one.outside for one in faults)]), Sense.AT_MOST, 0.01, "px"),
    ]
