"""People too far away for a face."""

import cv2
import numpy as np
import pytest

from bench.engine_photos import photo
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.frames import planes
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import as_array

FOOT = (310, 760)


def night(tall: int = 60, *, somebody: bool = True) -> np.ndarray:
    """A dark valley between two cliffs in the light, with light on its ground too, where somebody stands."""
    across, down = np.meshgrid(np.arange(1280.0), np.arange(853.0))
    rgb = np.dstack([20 + 0 * across, 40 + 30 * down / 853, 70 + 20 * down / 853])
    light = np.exp(-(((across - FOOT[0]) / 90) ** 2) - ((down - FOOT[1] + 12) / 26) ** 2)
    for x, y in ((180, 210), (1080, 250)):
        cliff = 1 / (1 + np.exp((np.hypot((across - x) / 0.8, down - y) - 150) / 12))
        rgb += cliff[..., np.newaxis] * np.array([90, 130, 60.0])
    rgb += light[..., np.newaxis] * np.array([200, 200, 165.0])
    picture = np.clip(rgb, 0, 255).astype(np.uint8)
    if not somebody:
        return picture
    mask = np.zeros((800, 400), np.uint8)
    cv2.circle(mask, (200, 70), 55, 255, -1)
    cv2.rectangle(mask, (165, 110), (235, 150), 255, -1)
    cv2.ellipse(mask, (200, 280), (105, 160), 0, 0, 360, 255, -1)
    for x, way in ((160, -12), (240, 12)):
        cv2.line(mask, (x, 400), (x + way, 790), 255, 62)
    small = cv2.resize(mask, (tall // 2, tall), interpolation=cv2.INTER_AREA)[..., np.newaxis] / 255
    part = picture[FOOT[1] - tall : FOOT[1], FOOT[0] - tall // 4 : FOOT[0] - tall // 4 + tall // 2]
    part[:] = np.rint(part * (1 - small) + 12 * small)
    return picture


@pytest.mark.parametrize("tall", [56, 90, 120])
def test_somebody_far_away_is_found(tall):
    found = PersonFinder().far(night(tall))
    assert found is not None
    assert found.centre == pytest.approx((FOOT[0] / 1280, (FOOT[1] - tall / 2) / 853), abs=0.02)
    assert found.bottom - found.top == pytest.approx(tall / 853, rel=0.4)


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "motorcycle_left", "hubble_deep_field"])
def test_nobody_is_found_where_nobody_is(name):
    assert PersonFinder().far(as_array(photo(name))) is None


@pytest.mark.parametrize("shape", [(1, 1), (9, 700), (700, 9), (300, 300)])
def test_any_shape_of_picture_serves(shape):
    rgb = np.random.default_rng(2).integers(0, 256, (*shape, 3), np.uint8)
    assert PersonFinder().far(rgb) is None


def test_light_alone_is_nobody():
    assert PersonFinder().far(night(somebody=False)) is None


@pytest.mark.parametrize("prompt", ["push in", "zoom in"])
def test_a_push_goes_towards_somebody_far_away(prompt):
    rgb = night()
    job = RenderJob(prompt, Picture(1280, 853, rgb.tobytes()), None, FrameSize(480, 320), 1.0)
    *_, last = Parallax().render(job, lambda _: None).frames
    luma = planes(last)[0]
    # The light that somebody stands in is all there, and dark where somebody is.
    lit = (luma > 190).astype(np.uint8)
    rows = np.flatnonzero(lit.any(axis=1))
    assert 10 < len(rows) < rows[-1] < 315
    assert luma[cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8)) > 0].min() < 60
