"""Textures and silhouettes by formula: nothing here comes from a photograph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from stillmotion.vision.resize import Grid

Draw = np.random.Generator

SIDE = 256
"""Side of a texture in pixels, a power of two."""
FIELDS = 48
"""Fields of noise kept."""
LEVELS = 7
"""Mip levels of a texture: sides 256 to 4."""


@dataclass(frozen=True, slots=True)
class Texture:
    """A tiling texture, RGB of 0 to 1, as a mip pyramid in one array of pixels; `starts` are the levels' offsets."""

    pixels: Grid
    starts: Any

    @classmethod
    def of(cls, rgb: Any) -> "Texture":
        """The pyramid of an image of SIDE × SIDE × 3."""
        levels = [np.clip(rgb, 0, 1).astype(np.float32)]
        for _ in range(LEVELS - 1):
            levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        flat = [level.reshape(-1, 3) for level in levels]
        starts = np.cumsum([0, *(len(one) for one in flat[:-1])])
        return cls(np.concatenate(flat), starts)

    def at(self, across: Any, down: Any, footprint: Any) -> Any:
        """Colours at texture coordinates (one tile is 1), each averaged over about `footprint` tiles."""
        level = np.clip(np.log2(np.maximum(footprint * SIDE, 1.0)) + 0.3, 0, LEVELS - 1).astype(np.int32)
        side = SIDE >> level
        column = (across * side).astype(np.int64) & (side - 1)
        row = (down * side).astype(np.int64) & (side - 1)
        return self.pixels[self.starts[level] + row * side + column]


def noise(draw: Draw, cells: tuple[int, int], octaves: int = 5, fall: float = 0.55, side: int = SIDE) -> Any:
    """Tiling fractal value noise, 0 to 1; `cells` (down, across) of the coarsest octave."""
    total = np.zeros((side, side), np.float32)
    weight = 1.0
    for octave in range(octaves):
        rows, columns = (min(side, count << octave) for count in cells)
        values = draw.random((rows, columns), dtype=np.float32)
        tiled = np.pad(values, ((2, 2), (2, 2)), mode="wrap")
        up = cv2.resize(tiled, None, fx=side / columns, fy=side / rows, interpolation=cv2.INTER_CUBIC)
        top, left = round(2 * side / rows), round(2 * side / columns)
        total += weight * up[top : top + side, left : left + side]
        weight *= fall
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / max(high - low, 1e-6), 0, 1)


@cache
def field(number: int) -> Any:
    """One of FIELDS fields of noise, for clouds and mountains."""
    draw = np.random.default_rng([number, 2])
    return noise(draw, (int(draw.choice([2, 4])), int(draw.choice([2, 4, 8]))), 6, draw.uniform(0.4, 0.64)).astype(
        np.float32
    )


PALETTES: Sequence[Sequence[tuple[int, int, int]]] = (
    [(38, 58, 20), (88, 120, 45), (150, 175, 80)],
    [(30, 45, 28), (60, 90, 50), (110, 140, 70)],
    [(70, 48, 28), (120, 86, 54), (176, 138, 96)],
    [(90, 85, 80), (140, 135, 130), (190, 186, 180)],
    [(40, 40, 42), (80, 80, 84), (120, 120, 124)],
    [(180, 160, 120), (214, 196, 160), (238, 226, 200)],
    [(110, 60, 45), (160, 90, 65), (190, 130, 100)],
    [(200, 196, 190), (226, 224, 220), (246, 246, 244)],
    [(60, 25, 15), (120, 60, 30), (160, 95, 55)],
    [(20, 40, 70), (50, 90, 140), (120, 160, 200)],
    [(150, 110, 60), (190, 150, 80), (225, 200, 130)],
)
"""Palettes from dark to light, RGB: leaves, wood, earth, stone, asphalt, sand, brick, plaster, water, straw."""


def _coloured(draw: Draw, values: Any) -> Any:
    """Values of 0 to 1 as colours: a natural palette, or any three colours."""
    if draw.random() < 0.75:
        colours = np.array(PALETTES[int(draw.integers(len(PALETTES)))], np.float32) / 255
        colours = colours * draw.uniform(0.85, 1.15, 3) + draw.normal(0, 0.03, 3)
    else:
        colours = np.sort(draw.random(3))[:, None] * 0.75 + 0.3 * draw.random((3, 3)) * draw.uniform(0, 1)
    steps = np.linspace(0, 1, 3)
    return np.stack([np.interp(values, steps, colours[:, channel]) for channel in range(3)], axis=2)


def _grain(draw: Draw) -> Any:
    return _coloured(draw, noise(draw, (int(draw.choice([2, 4, 8, 32])),) * 2, 6, draw.uniform(0.4, 0.9)))


def _grass(draw: Draw) -> Any:
    return _coloured(draw, noise(draw, (4, 32), 4, 0.8) ** draw.uniform(0.7, 1.5))


def _wood(draw: Draw) -> Any:
    warp = noise(draw, (1, 4), 4)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (draw.integers(2, 8) * np.linspace(0, 1, SIDE)[None, :] + 2 * warp))
    image = _coloured(draw, 0.6 * rings + 0.4 * noise(draw, (2, 64), 3))
    boards = draw.integers(1, 6)
    if boards > 1:
        image[:, np.arange(SIDE) * boards % SIDE < boards * draw.integers(1, 3)] *= 0.4
    return image


def _bricks(draw: Draw) -> Any:
    rows, columns = int(draw.choice([4, 8, 16])), int(draw.choice([2, 4, 8]))
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    row = (y * rows).astype(int)
    shifted = x * columns + (0.5 * (row % 2) if draw.random() < 0.7 else 0)
    shade = draw.random((rows, columns))[row, shifted.astype(int) % columns]
    gap = draw.uniform(0.03, 0.12)
    joint = (y * rows % 1 < gap * 1.3) | (shifted % 1 < gap * columns / rows * 1.6)
    image = _coloured(draw, 0.7 * shade + 0.3 * noise(draw, (8, 8), 4))
    image[joint] = draw.uniform(0.2, 0.9) * np.ones(3)
    return image


def _tiles(draw: Draw) -> Any:
    count = int(draw.choice([1, 2, 4, 8]))
    y, x = np.mgrid[0:SIDE, 0:SIDE] * count / SIDE
    checks = (y.astype(int) + x.astype(int)) % 2 * draw.uniform(0, 1)
    image = _coloured(draw, np.clip(0.2 + 0.5 * checks + 0.3 * noise(draw, (4, 4)), 0, 1))
    image[(y % 1 < 0.04) | (x % 1 < 0.04)] *= draw.uniform(0.4, 1.2)
    return image


def _stripes(draw: Draw) -> Any:
    count = draw.integers(1, 9)
    wave = np.sin(
        2 * np.pi * (count * np.linspace(0, 1, SIDE)[None, :] + draw.uniform(0, 0.3) * noise(draw, (2, 2), 3))
    )
    image = _coloured(draw, (wave * draw.uniform(0.5, 4) * 0.5 + 0.5).clip(0, 1))
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if draw.random() < 0.5 else image


def _leaves(draw: Draw) -> Any:
    """Overlapping ellipses, the later the lighter: foliage, pebbles, petals, coins."""
    image = np.zeros((SIDE, SIDE), np.float32)
    size, narrow = draw.uniform(4, 26), draw.uniform(0.3, 1)
    for step in np.linspace(0.1, 1, int(min(900, 4 * SIDE * SIDE / (size * size * 3 * narrow)))):
        x, y = draw.integers(0, SIDE, 2)
        axes = (int(size * draw.uniform(0.5, 1.2)) + 1, int(size * narrow * draw.uniform(0.5, 1.2)) + 1)
        angle, light = draw.uniform(0, 180), float(step * draw.uniform(0.5, 1))
        for dx in (0, SIDE if x < SIDE / 2 else -SIDE):
            cv2.ellipse(image, (int(x + dx), int(y)), axes, angle, 0, 360, light, -1, cv2.LINE_AA)
    return _coloured(draw, np.clip(image * 0.8 + 0.2 * noise(draw, (8, 8), 4), 0, 1))


def _windows(draw: Draw) -> Any:
    """A facade: windows in rows on a plain wall."""
    rows, columns = int(draw.choice([2, 4, 8])), int(draw.choice([2, 4, 8]))
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    row, column = y * rows, x * columns
    inside = (np.abs(row % 1 - 0.5) < draw.uniform(0.2, 0.4)) & (np.abs(column % 1 - 0.5) < draw.uniform(0.15, 0.42))
    image = _coloured(draw, 0.6 + 0.4 * noise(draw, (4, 4), 5))
    panes = draw.uniform(0.05, 0.5) + 0.4 * draw.random((rows, columns))[row.astype(int), column.astype(int)]
    image[inside] = panes[inside][:, None] * draw.uniform(0.7, 1.1, 3)
    return image


def _print(draw: Draw) -> Any:
    """A page, a poster, a label: blocks of colour and lines of dark marks."""
    image = np.ones((SIDE, SIDE, 3), np.float32) * draw.uniform(0.5, 1, 3).astype(np.float32)
    for _ in range(draw.integers(1, 7)):
        (x0, x1), (y0, y1) = np.sort(draw.integers(0, SIDE, 2)), np.sort(draw.integers(0, SIDE, 2))
        image[y0:y1, x0:x1] = draw.random(3) if draw.random() < 0.5 else _grain(draw)[y0:y1, x0:x1]
    pitch = int(draw.integers(6, 24))
    for y in range(pitch, SIDE - pitch, pitch):
        if draw.random() < 0.6:
            marks = draw.random(SIDE // 4).repeat(4) < 0.6
            image[y : y + pitch // 2, marks] *= draw.uniform(0.1, 0.5)
    return image


def _plain(draw: Draw) -> Any:
    colour = draw.uniform(0.1, 0.95) + draw.uniform(0, 0.6) * (draw.random(3) - 0.5)
    return np.clip(colour * np.ones((SIDE, SIDE, 3)) + 0.06 * (noise(draw, (2, 2), 6)[..., None] - 0.5), 0, 1)


def _fur(draw: Draw) -> Any:
    bands = 0.5 + 0.5 * np.sin(
        2 * np.pi * (draw.integers(1, 6) * np.linspace(0, 1, SIDE)[:, None] + noise(draw, (2, 2)))
    )
    return _coloured(draw, np.clip(draw.uniform(0, 0.6) * bands + 0.5 * noise(draw, (8, 64), 3, 0.8), 0, 1))


MAKERS: Sequence[tuple[str, Callable[[Draw], Any], int]] = (
    ("grain", _grain, 34),
    ("grass", _grass, 16),
    ("wood", _wood, 20),
    ("bricks", _bricks, 16),
    ("tiles", _tiles, 14),
    ("stripes", _stripes, 16),
    ("leaves", _leaves, 30),
    ("windows", _windows, 20),
    ("print", _print, 24),
    ("plain", _plain, 40),
    ("fur", _fur, 16),
)


def bank(seed: int) -> dict[str, list[Texture]]:
    """Textures of each kind."""
    draw = np.random.default_rng([seed, 1])
    return {name: [Texture.of(make(draw)) for _ in range(count)] for name, make, count in MAKERS}
