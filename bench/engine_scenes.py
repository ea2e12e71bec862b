"""Pictures made by formula, with known regions of water, sky, foliage, flame and smoke."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Picture

Floats = NDArray[np.float32]
WIDTH, HEIGHT = 1280, 720
OCTAVES = 6


@dataclass(frozen=True)
class ScenePicture:
    """A picture and its regions by name, each a mask of 0 or 1 as large as the picture."""

    picture: Picture
    regions: Mapping[str, Floats]


def _noise(seed: int, coarse: tuple[int, int], roughness: float = 0.55) -> Floats:
    """Fractal noise from 0 to 1; `coarse` is the cells across and down of its broadest layer."""
    random = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(OCTAVES):
        cells = (min(WIDTH, coarse[0] << octave), min(HEIGHT, coarse[1] << octave))
        layer = random.normal(0, 1, cells[::-1]).astype(np.float32)
        total += cv2.resize(layer, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) * np.float32(roughness**octave)
    low, high = np.percentile(total, (1, 99))
    return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)


def _plane() -> tuple[Floats, Floats]:
    """Each pixel's place, 0 to 1 across and down."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return x / WIDTH, y / HEIGHT


def _blend(low: tuple[int, int, int], high: tuple[int, int, int], share: Floats) -> Floats:
    start, end = np.array(low, np.float32), np.array(high, np.float32)
    return np.asarray(start + (end - start) * share[..., np.newaxis], np.float32)


def _over(ground: Floats, mask: Floats, colours: Floats) -> Floats:
    """Colours laid over a ground where the mask is 1, its edge softened by a pixel."""
    soft = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., np.newaxis]
    return np.asarray(ground * (1 - soft) + colours * soft, np.float32)


def _finished(colours: Floats, regions: Mapping[str, Floats]) -> ScenePicture:
    grain = np.random.default_rng(99).normal(0, 1.2, colours.shape)
    pixels = np.clip(colours + grain, 0, 255).astype(np.uint8)
    return ScenePicture(Picture(WIDTH, HEIGHT, pixels.tobytes()), regions)


def _sky(seed: int) -> Floats:
    _, y = _plane()
    clouds = np.clip((_noise(seed, (3, 4)) - 0.45) * 2.2, 0, 1)
    return _over(_blend((88, 138, 205), (190, 214, 236), np.clip(y * 2, 0, 1)), clouds, _blend(*_PALE, clouds))


_PALE = ((200, 206, 214), (246, 247, 249))


def _house(ground: Floats, left: float, top: float, right: float, bottom: float) -> Floats:
    """A wall of boards with windows, which must stand still."""
    x, y = _plane()
    wall = ((x > left) & (x < right) & (y > top) & (y < bottom)).astype(np.float32)
    boards = 0.8 + 0.2 * ((y * HEIGHT) % 14 > 2)
    scene = _over(ground, wall, _blend((120, 70, 55), (170, 105, 80), _noise(31, (20, 20))) * boards[..., np.newaxis])
    panes = wall * (((x - left) / (right - left) * 4 % 1 > 0.4) & ((y - top) / (bottom - top) * 2 % 1 > 0.45))
    return _over(scene, panes.astype(np.float32), np.full((HEIGHT, WIDTH, 3), (48, 52, 60), np.float32))


def _hills(ground: Floats, crest: float, foot: float) -> Floats:
    x, y = _plane()
    line = crest + 0.03 * np.sin(7 * x) + 0.02 * np.sin(17 * x + 1)
    return _over(
        ground, ((y > line) & (y < foot)).astype(np.float32), _blend((70, 66, 74), (128, 112, 100), _noise(5, (24, 16)))
    )


def lake() -> ScenePicture:
    """Sky above hills and a house, a tree to the right, water below."""
    x, y = _plane()
    sky = ((y < 0.40) & (x < 0.66)).astype(np.float32)
    water = (y > 0.56).astype(np.float32)
    tree = (np.hypot((x - 0.84) / 0.15, (y - 0.30) / 0.26) + 0.25 * _noise(3, (10, 8)) < 1.1).astype(np.float32)
    surface = _blend((36, 66, 92), (126, 164, 186), np.clip(_noise(4, (4, 40)) * 0.8 + 0.3 * (y - 0.56), 0, 1))
    scene = _hills(_sky(2), 0.44, 0.57)
    scene = _over(scene, water, surface)
    scene = _house(scene, 0.08, 0.42, 0.26, 0.56)
    trunk = ((abs(x - 0.84) < 0.012) & (y > 0.4) & (y < 0.57)).astype(np.float32)
    scene = _over(scene, trunk, np.full((HEIGHT, WIDTH, 3), (64, 48, 38), np.float32))
    scene = _over(scene, tree, _blend((18, 52, 16), (112, 158, 62), _noise(6, (64, 48), 0.8)))
    return _finished(scene, {"sky": sky, "water": water, "foliage": tree})


def meadow() -> ScenePicture:
    """Grass under an even sky, a house between them."""
    x, y = _plane()
    grass = (y > 0.55).astype(np.float32)
    scene = _house(_hills(_sky(12), 0.42, 0.56), 0.42, 0.36, 0.62, 0.56)
    blades = np.clip(_noise(8, (90, 10), 0.85) * (0.7 + 0.6 * (y - 0.55)), 0, 1)
    return _finished(
        _over(scene, grass, _blend((22, 60, 14), (138, 182, 70), blades)), {"grass": grass, "all": x * 0 + 1}
    )


def campfire() -> ScenePicture:
    """Flames before a dark wood."""
    x, y = _plane()
    wood = _blend((10, 10, 12), (44, 38, 34), _noise(21, (40, 6), 0.7))
    height = np.clip((0.82 - y) / 0.42, 0, 1)
    tongue = np.abs(x - 0.5 + 0.05 * (_noise(22, (6, 6)) - 0.5)) / (0.11 * (1 - height) ** 0.7 + 1e-3)
    flame = ((tongue + 0.5 * _noise(23, (24, 12)) < 1.1) & (y < 0.82) & (height < 1)).astype(np.float32)
    heat = np.clip(1.3 - tongue, 0, 1) * (1 - 0.5 * height)
    scene = _over(wood, flame, _blend((214, 84, 14), (255, 226, 122), heat.astype(np.float32)))
    logs = ((np.abs(y - 0.84) < 0.025) & (np.abs(x - 0.5) < 0.17)).astype(np.float32)
    return _finished(_over(scene, logs, _blend((30, 20, 14), (90, 60, 40), _noise(24, (60, 20)))), {"flame": flame})


def candle() -> ScenePicture:
    """One flame on a table at night."""
    x, y = _plane()
    room = _blend((18, 16, 20), (70, 52, 40), np.clip(_noise(41, (10, 8)) * 0.6 + 0.4 * y, 0, 1))
    wax = ((np.abs(x - 0.46) < 0.035) & (y > 0.52) & (y < 0.9)).astype(np.float32)
    scene = _over(room, wax, _blend((186, 164, 128), (232, 214, 180), _noise(42, (30, 10))))
    flame = (np.hypot((x - 0.46) / 0.028, (y - 0.43) / 0.085) < 1).astype(np.float32)
    glow = np.exp(-((np.hypot((x - 0.46) * 16 / 9, y - 0.43) / 0.13) ** 2)).astype(np.float32)
    scene = np.asarray(scene + glow[..., np.newaxis] * np.array([120, 76, 24], np.float32), np.float32)
    core = np.full((HEIGHT, WIDTH, 3), (255, 226, 140), np.float32)
    return _finished(_over(scene, flame, core), {"flame": flame, "glow": (glow > 0.4).astype(np.float32)})


def chimney() -> ScenePicture:
    """Smoke that rises from a roof into an evening sky."""
    x, y = _plane()
    evening = _blend((62, 74, 104), (150, 132, 128), np.clip(y * 1.4, 0, 1))
    drift = 0.62 + 0.16 * (0.52 - y) + 0.03 * np.sin(y * 22)
    plume = np.clip(1.15 - np.abs(x - drift) / (0.035 + 0.16 * np.clip(0.52 - y, 0, 1)), 0, 1) * (y < 0.52)
    smoke = np.clip(plume * (0.35 + _noise(51, (10, 10))), 0, 1).astype(np.float32)
    scene = _over(evening, smoke, _blend((150, 150, 154), (226, 226, 228), smoke))
    scene = _house(scene, 0.40, 0.62, 0.78, 0.92)
    stack = ((np.abs(x - 0.62) < 0.022) & (y > 0.52) & (y < 0.63)).astype(np.float32)
    scene = _over(scene, stack, _blend((80, 44, 36), (120, 70, 56), _noise(52, (60, 30))))
    ground = (y > 0.9).astype(np.float32)
    scene = _over(scene, ground, _blend((40, 42, 36), (84, 80, 62), _noise(53, (60, 20))))
    return _finished(scene, {"smoke": (plume > 0.3).astype(np.float32)})


def facade() -> ScenePicture:
    """A building of straight lines under a sky, seen a little from below."""
    x, y = _plane()
    lean = (x - 0.5) * (1.25 - 0.5 * y) + 0.5
    wall = ((lean > 0.22) & (lean < 0.80) & (y > 0.12)).astype(np.float32)
    scene = _over(_sky(61), wall, _blend((140, 128, 116), (186, 174, 160), _noise(62, (80, 40))))
    windows = wall * (((lean - 0.22) / 0.58 * 9 % 1 > 0.42) & ((y - 0.12) / 0.76 * 7 % 1 > 0.42))
    scene = _over(scene, windows.astype(np.float32), _blend((36, 46, 60), (110, 130, 150), _noise(63, (9, 7))))
    ledges = wall * ((y - 0.12) / 0.76 * 7 % 1 < 0.10)
    scene = _over(scene, ledges.astype(np.float32), np.full((HEIGHT, WIDTH, 3), (214, 204, 190), np.float32))
    street = (y > 0.90).astype(np.float32)
    scene = _over(scene, street, _blend((60, 60, 62), (100, 98, 96), _noise(64, (60, 20))))
    return _finished(scene, {"wall": wall})


def screenshot() -> ScenePicture:
    """A window with a bar, a column of names and lines of text."""
    page = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    cv2.rectangle(page, (0, 0), (WIDTH, 44), (42, 52, 70), -1)
    cv2.rectangle(page, (0, 44), (240, HEIGHT), (232, 236, 241), -1)
    for row in range(14):
        cv2.putText(page, f"Chapter {row + 1}", (24, 90 + 42 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (60, 64, 72), 1)
        line = "A still picture is set in motion by a sentence and nothing else"[: 40 + row * 7 % 24]
        cv2.putText(page, line, (280, 90 + 42 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 24), 1)
    cv2.rectangle(page, (1040, 600), (1220, 650), (36, 110, 220), -1)
    return ScenePicture(Picture(WIDTH, HEIGHT, page.tobytes()), {})


SCENES: Mapping[str, Callable[[], ScenePicture]] = {
    "lake": lake,
    "meadow": meadow,
    "campfire": campfire,
    "candle": candle,
    "chimney": chimney,
    "facade": facade,
    "screenshot": screenshot,
}
"""Every scene by its name."""
