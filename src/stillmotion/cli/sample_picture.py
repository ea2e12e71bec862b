"""Sample picture of the demo: an evening lake, drawn from a few formulas."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 1600, 900
_HORIZON = 0.60
_SUN = (0.66, 0.35)

Plane = NDArray[np.floating[Any]]


def draw_sample() -> bytes:
    """The scene as the bytes of a JPEG file of 1600×900 pixels, the same at every call."""
    random = np.random.default_rng(20241206)
    x = (np.arange(WIDTH, dtype=np.float32) / WIDTH)[None, :]
    y = (np.arange(HEIGHT, dtype=np.float32) / HEIGHT)[:, None]
    scene = _sky(x, y, random)
    ranges = ((0.46, 0.10, 3, 0.20), (0.53, 0.085, 5, 0.42), (0.585, 0.06, 8, 0.64))
    for level, height, bumps, darkness in ranges:
        scene = _mountains(scene, x, y, random, (level, height, bumps, darkness))
    scene = _lake(scene, x, y, random)
    for left, top, size in ((0.10, 0.17, 0.70), (0.20, 0.36, 0.52), (0.93, 0.29, 0.62)):
        scene = _fir(scene, x, y, random, (left, top, size))
    scene = _shore(scene, x, y, random)
    scene += random.normal(0, 0.006, scene.shape).astype(np.float32)
    pixels = (np.clip(scene, 0, 1) * 255 + 0.5).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=94)
    return file.getvalue()


def _colour(*rgb: int) -> Plane:
    return np.array(rgb, np.float32) / 255


def _fill(colour: Plane) -> Plane:
    return np.broadcast_to(colour, (HEIGHT, WIDTH, 3)).astype(np.float32)


def _mix(under: Plane, over: Plane, weight: Plane) -> Plane:
    return under + (over - under) * weight[..., None]


def _smooth(low: float, high: float, value: Plane) -> Plane:
    t = np.clip((value - low) / (high - low), 0, 1)
    smooth: Plane = t * t * (3 - 2 * t)
    return smooth


def _noise(x: Plane, random: np.random.Generator, waves: int, octaves: int = 5) -> Plane:
    """Smooth one-dimensional noise along `x`, about -1 to 1."""
    total = np.zeros_like(x)
    for octave in range(octaves):
        phase = random.uniform(0, 2 * np.pi, 2)
        frequency = 2 * np.pi * waves * 1.9**octave
        total += (np.sin(frequency * x + phase[0]) + np.sin(1.37 * frequency * x + phase[1])) / 2.1 ** (octave + 1)
    return total


def _sky(x: Plane, y: Plane, random: np.random.Generator) -> Plane:
    high, middle, low = (
        _colour(38, 52, 104),
        _colour(205, 112, 122),
        _colour(255, 198, 128),
    )
    sky = _mix(_fill(high), middle, _smooth(0.02, 0.40, y))
    sky = _mix(sky, low, _smooth(0.30, _HORIZON, y))
    for height, thickness, waves in (
        (0.10, 0.018, 2),
        (0.19, 0.024, 3),
        (0.29, 0.014, 2),
        (0.36, 0.010, 4),
    ):
        band = height + 0.022 * _noise(x, random, waves, 3)
        edge = thickness * (1 + 0.45 * _noise(x, random, waves + 3, 4))
        sky = _mix(
            sky,
            _colour(255, 186, 160),
            0.42 * np.exp(-(((y - band) / np.maximum(edge, 0.5 * thickness)) ** 2)),
        )
    distance = np.hypot((x - _SUN[0]) * WIDTH / HEIGHT, y - _SUN[1])
    sky = _mix(sky, _colour(255, 226, 160), 0.85 * np.exp(-((distance / 0.20) ** 2)))
    return _mix(sky, _colour(255, 246, 220), _smooth(0.052, 0.046, distance))


def _mountains(
    scene: Plane,
    x: Plane,
    y: Plane,
    random: np.random.Generator,
    shape: tuple[float, float, int, float],
) -> Plane:
    level, height, bumps, darkness = shape
    ridge = level - height * (0.55 + 0.5 * _noise(x, random, bumps, 6))
    far, near = _colour(196, 132, 140), _colour(34, 42, 70)
    body = far + (near - far) * darkness
    glow = np.exp(-(((x - _SUN[0]) / 0.25) ** 2)) * (1 - darkness) * 0.5
    shade = _mix(_fill(body), _colour(255, 190, 140), glow)
    shade = _mix(shade, _colour(222, 160, 150), 0.35 * _smooth(0.0, 0.16, y - ridge))
    return _mix(scene, shade, _smooth(-0.0012, 0.0012, y - ridge))


def _lake(scene: Plane, x: Plane, y: Plane, random: np.random.Generator) -> Plane:
    depth = np.clip((y - _HORIZON) / (1 - _HORIZON), 0, 1)
    ripple = np.sin(y * 900 / (0.25 + depth) + 8 * _noise(x, random, 2, 3)) * depth * 0.010
    source = np.clip((2 * _HORIZON - y + ripple) * HEIGHT, 0, HEIGHT - 1).astype(np.intp)
    column = np.clip((x + ripple * 0.6) * WIDTH, 0, WIDTH - 1).astype(np.intp)
    water = scene[source, column] * 0.72 + _colour(30, 44, 84) * 0.22
    width = 0.015 + 0.09 * depth
    sparkle = np.exp(-(((x - _SUN[0] + ripple) / width) ** 2)) * (0.55 + 0.45 * np.sin(y * 1500 / (0.3 + depth)))
    water = _mix(water, _colour(255, 222, 160), 0.42 * sparkle.astype(np.float32))
    return _mix(scene, water, _smooth(_HORIZON - 0.001, _HORIZON + 0.001, y))


def _shore(scene: Plane, x: Plane, y: Plane, random: np.random.Generator) -> Plane:
    bank = 0.965 - 0.22 * np.exp(-((x / 0.24) ** 2)) - 0.12 * np.exp(-(((x - 1) / 0.13) ** 2))
    bank = bank + 0.012 * _noise(x, random, 4, 4)
    blades = 0.014 * np.abs(np.sin(x * 900 + 5 * _noise(x, random, 30, 2))) * (0.5 + 0.5 * _noise(x, random, 9, 3))
    ground = _mix(
        _fill(_colour(20, 26, 34)),
        _colour(58, 52, 46),
        0.6 * _smooth(0.0, 0.2, y - bank),
    )
    return _mix(scene, ground, _smooth(-0.0015, 0.0015, y - bank + blades))


def _fir(
    scene: Plane,
    x: Plane,
    y: Plane,
    random: np.random.Generator,
    place: tuple[float, float, float],
) -> Plane:
    left, top, size = place
    across = (x - left) * WIDTH / HEIGHT
    down = (y - top) / size
    # Branches hang: a tier's edge is lower the farther it is from the stem.
    drooping = down - 0.35 * np.abs(across) / size
    tiers = 0.5 + 0.5 * np.abs(np.sin(drooping * 30 + 0.6 * _noise(y, random, 6, 2)))
    ragged = 1 + 0.16 * _noise(drooping, random, 14, 3)
    half = 0.155 * size * np.clip(down, 0, 1) ** 0.85 * (0.42 + 0.58 * tiers) * ragged
    needles = _smooth(0.0016, -0.0016, np.abs(across) - half) * (down > 0)
    lit = _smooth(0.0, 0.10 * size, across * (1 if left < _SUN[0] else -1)) * 0.35
    body = _mix(_fill(_colour(14, 24, 30)), _colour(96, 70, 56), lit)
    return _mix(scene, body, needles.astype(np.float32))
