"""Drawings and photographs told apart, at any size and after any enlargement."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from bench.engine_scenes import SCENES
from stillmotion.engines.parallax.analysis.drawings import is_drawn

WIDTH, HEIGHT = 1280, 720
INK = (40, 44, 52)


def _plane() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return x / WIDTH, y / HEIGHT


def _paper(*colour: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


@cache
def shapes() -> np.ndarray:
    """A few flat shapes with smooth outlines."""
    page = _paper(32, 86, 120)
    cv2.circle(page, (400, 300), 210, (250, 190, 60), -1, cv2.LINE_AA)
    cv2.fillPoly(page, [np.array([[700, 650], [1220, 560], [980, 120]])], (220, 80, 70), cv2.LINE_AA)
    return page


@cache
def chart() -> np.ndarray:
    """Bars, lines and numbers on white."""
    page = _paper(255, 255, 255)
    for place in range(9):
        top = 580 - 53 * (place * 5 % 9)
        cv2.rectangle(page, (120 + place * 125, top), (205 + place * 125, 620), (60, 20 * place, 180), -1)
        cv2.putText(page, f"{place}.5", (130 + place * 125, 670), cv2.FONT_HERSHEY_SIMPLEX, 1, INK, 2, cv2.LINE_AA)
    return page


@cache
def editor() -> np.ndarray:
    """Coloured text in a dark window."""
    page = _paper(30, 31, 36)
    page[:, :220] = (22, 23, 27)
    for row in range(15):
        words = "for word in every_line_of(text, until=None)"[: 14 + row * 11 % 29]
        place = (260 + 40 * (row % 3), 60 + 44 * row)
        cv2.putText(page, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (120, 190, 90 + 9 * row), 1, cv2.LINE_AA)
    return page


@cache
def squares() -> np.ndarray:
    """A board of squares."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.where((x // 160 + y // 160) % 2, 230, 30).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)


@cache
def backdrop() -> np.ndarray:
    """Lights far out of focus, without a grain: what a camera's own noise filter leaves."""
    x, y = _plane()
    light = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for across, down, wide, colour in (
        (0.2, 0.3, 0.2, (90, 50, 20)),
        (0.7, 0.6, 0.3, (20, 80, 60)),
        (0.6, 0.1, 0.2, (70, 60, 90)),
    ):
        light += np.exp(-((np.hypot(x - across, y - down) / wide)[..., np.newaxis] ** 2)) * np.array(colour, np.float32)
    return (light + 25).astype(np.uint8)


@cache
def sky() -> np.ndarray:
    """A blue that pales towards the horizon and darkens towards the corners, as every lens has it."""
    x, y = _plane()
    corners = 1 - 0.3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    return ((np.array([70, 120, 190]) + y[..., np.newaxis] * np.array([90, 70, 40])) * corners[..., np.newaxis]).astype(
        np.uint8
    )


@cache
def moulded() -> np.ndarray:
    """A rough ball in front of paper of one colour, as shops show their goods."""
    x, y = _plane()
    x, y = (x - 0.5) * WIDTH / HEIGHT / 0.35, (y - 0.5) / 0.35
    far = np.hypot(x, y)
    rough = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, far.shape).astype(np.float32), (0, 0), 1.2) * 40
    ball = (90 - 60 * x - 50 * y + rough)[..., np.newaxis] * np.array([1.0, 0.8, 0.5], np.float32)
    share = np.clip((1 - far) * 40, 0, 1)[..., np.newaxis]
    return np.clip(np.array([236, 228, 210]) * (1 - share) + ball * share, 0, 255).astype(np.uint8)


@cache
def scene(name: str) -> np.ndarray:
    picture = SCENES[name]().picture
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)


DRAWINGS: dict[str, Callable[[], np.ndarray]] = {
    **{each.__name__: each for each in (shapes, chart, editor)},
    "screenshot": lambda: scene("screenshot"),
}
PHOTOGRAPHS: dict[str, Callable[[], np.ndarray]] = {
    **{each.__name__: each for each in (backdrop, sky)},
    **{name: (lambda name=name: scene(name)) for name in ("lake", "candle", "chimney")},
}


def _thumbnail(rgb: np.ndarray, side: int = 64) -> np.ndarray:
    return cv2.resize(rgb, (side, side * HEIGHT // WIDTH), interpolation=cv2.INTER_AREA)


def _enlarged(rgb: np.ndarray, way: int) -> np.ndarray:
    return cv2.resize(_thumbnail(rgb), (WIDTH, HEIGHT), interpolation=way)


def _as_jpeg(rgb: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)


SIZES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda rgb: rgb,
    "a thumbnail": _thumbnail,
    "a thumbnail enlarged": lambda rgb: _enlarged(rgb, cv2.INTER_CUBIC),
    "a thumbnail enlarged in squares": lambda rgb: _enlarged(rgb, cv2.INTER_NEAREST),
    "a JPEG file": _as_jpeg,
    "a portrait": lambda rgb: rgb.transpose(1, 0, 2),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_one_at_any_size(name, size):
    assert is_drawn(np.ascontiguousarray(SIZES[size](DRAWINGS[name]())))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_none_however_smooth_its_background(name, size):
    assert not is_drawn(np.ascontiguousarray(SIZES[size](PHOTOGRAPHS[name]())))


def test_a_pattern_of_squares_is_drawn():
    assert is_drawn(squares())


@pytest.mark.parametrize("size", ["as it is", "a JPEG file", "a portrait"])
def test_a_rough_thing_before_even_paper_is_photographed(size):
    assert not is_drawn(np.ascontiguousarray(SIZES[size](moulded())))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 900), (900, 2), (3, 3), (17, 5)])
def test_pictures_too_small_to_tell_are_one_plane_or_not_but_never_a_fault(width, height):
    grain = np.random.default_rng(1).integers(0, 255, (height, width, 3)).astype(np.uint8)
    assert is_drawn(grain) in {True, False}
    assert is_drawn(np.zeros_like(grain))
