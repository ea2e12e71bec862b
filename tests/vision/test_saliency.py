"""Saliency: a thing unlike the border stands out, even if it touches one side."""

import numpy as np

from stillmotion.vision.saliency import border_distance


def grey(left: int, right: int) -> np.ndarray:
    """A bright bar between two columns on a dark ground, as 48 × 48 cells of three channels."""
    cells = np.full((48, 48, 3), 40, np.float32)
    cells[12:36, left:right] = 200
    return cells


def from_mean(cells: np.ndarray, side: np.ndarray) -> np.ndarray:
    return np.abs(cells - side.mean(axis=0)).sum(axis=2)


def test_what_is_unlike_the_border_stands_out():
    distance = border_distance(grey(16, 32), from_mean, 3)
    assert distance[24, 24] == 480
    assert distance[2, 2] == 0


def test_what_touches_one_side_of_the_border_stands_out_still():
    distance = border_distance(grey(0, 24), from_mean, 3)
    assert distance[24, 10] == 400
    assert distance[2, 2] == 0
