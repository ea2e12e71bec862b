"""Ordered pairs: the depth that the engine guesses with nothing pulled, against truths and against a ramp."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import cv2
import numpy as np

from bench.engine_folders import KnownDepth
from bench.engine_stereo import Floats, StereoView
from bench.table import Figure, Sense, averaged, spread
from stillmotion.domain.rendering import Picture
from stillmotion.engines.parallax.analysis.scene import analyse
from stillmotion.engines.parallax.depth.source import Estimate
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

PAIRS = 40_000
APART = 0.08
"""Least difference of two points that must be ordered, as a fraction of the range between the truth's percentiles."""
RANGE = (1, 99)


@dataclass(frozen=True)
class Truth:
    """A picture and its nearness on any scale, NaN where it is unknown."""

    picture: Picture
    near: Floats


def truths(views: Sequence[StereoView], depths: Sequence[KnownDepth]) -> tuple[dict[str, Truth], dict[str, Truth]]:
    """The stereo pairs' truths, and all; the motorcycle counts once."""
    stereo = {
        view.name: Truth(
            Picture(view.left.shape[1], view.left.shape[0], view.left.tobytes()),
            np.where(view.known, view.disparity, np.float32(np.nan)),
        )
        for view in views
    }
    given = {
        one.name: Truth(
            one.picture, np.frombuffer(one.depth.nearness, np.float32).reshape(one.depth.height, one.depth.width)
        )
        for one in depths
    }
    return stereo, given | stereo


def in_order(told: np.ndarray, truth: Floats) -> float:
    """Share of clearly separate pairs of points that `told`, on any grid, orders as the truth does."""
    at = cv2.resize(told, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)[np.isfinite(truth)]
    known = truth[np.isfinite(truth)]
    low, high = np.percentile(known, RANGE)
    one, other = np.random.default_rng(0).integers(0, known.size, (2, PAIRS))
    clear = np.abs(known[one] - known[other]) > APART * (high - low)
    agree = (at[one] > at[other]) == (known[one] > known[other])
    return float(agree[clear].mean())


def ramp(shape: tuple[int, ...]) -> Floats:
    """Nearness by height in the picture alone: lower is nearer."""
    return np.asarray(np.broadcast_to(np.linspace(0, 1, shape[0], dtype=np.float32)[:, np.newaxis], shape).copy())


def guessed(truth: Truth, faces: FaceFinder) -> float:
    """Share of pairs that the engine's own guess has in order."""
    rgb = as_array(truth.picture)
    return in_order(Estimate().depth(rgb, analyse(rgb, faces)).near, truth.near)


def order(views: Sequence[StereoView], depths: Sequence[KnownDepth]) -> list[Figure]:
    """The rows on ordered pairs."""
    faces = FaceFinder()
    stereo, every = truths(views, depths)
    found = {name: 100 * guessed(truth, faces) for name, truth in every.items()}
    plain = {name: 100 * in_order(ramp(truth.near.shape), truth.near) for name, truth in every.items()}
    ahead = fmean(found.values()) - fmean(plain.values())
    note = f"the ramp {fmean(plain.values()):.1f}, on stereo {fmean(plain[name] for name in stereo):.1f}"
    return [
        _mean("pairs in order, nothing pulled, mean of all", found, 78),
        _mean("pairs in order, nothing pulled, mean of stereo", {name: found[name] for name in stereo}, 80),
        Figure("pairs in order, nothing pulled, above the ramp", spread([ahead]), Sense.AT_LEAST, 0, "points", note),
    ]


def _mean(name: str, found: Mapping[str, float], bar: float) -> Figure:
    note = ", ".join(f"{picture} {found[picture]:.1f}" for picture in sorted(found, key=lambda one: found[one]))
    return Figure(name, averaged(list(found.values())), Sense.AT_LEAST, bar, "%", note)
