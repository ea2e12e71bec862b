"""The subject's own motion: a soft region deformed with its foot fixed. Nothing is cut out, so nothing tears."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import Samples
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.depth.estimate import person
from stillmotion.engines.parallax.motion.displacement import Cells, Deformation
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid, blurred

LEAN = 0.14
"""Lean of a head, as a fraction of the height above the foot: about eight degrees."""
SWAY = 0.10
NOD = 0.22
"""Nod, as a fraction of the face's height."""
TURN = 0.14
"""Turn, as a fraction of the face's width."""
BREATH = 0.028
"""Rise of a breath, as a fraction of the height above the foot."""
BOB = 0.032


@dataclass(frozen=True, slots=True)
class Figure:
    """The subject on the canvas's cells.

    `body` and `head` are soft masks. `height` is 0 at the foot and 1 at the top. `tall` and `face` (width, height) are
    in pixels.
    """

    body: Grid
    head: Grid
    height: Grid
    middle: tuple[float, float]
    tall: float
    face: tuple[float, float]


_Motion = Callable[[Figure, Beat], tuple[Any, Samples]]


def _toward_middle(figure: Figure, beat: Beat) -> float:
    off = figure.middle[0] - 0.5
    if abs(off) > 0.04:
        return -1.0 if off > 0 else 1.0
    return 1.0 if beat.seed % 2 == 0 else -1.0


def _bent(figure: Figure, reach: float) -> Any:
    """Displacement of a body that bends about its foot, and sinks slightly.

    `reach` is in pixels at the top, right being positive.
    """
    turn = figure.body * figure.height**1.25 * reach
    return np.dstack([turn, np.abs(turn) * 0.18])


def _lean(figure: Figure, beat: Beat, side: float | None = None) -> tuple[Any, Samples]:
    side = _toward_middle(figure, beat) if side is None else side
    return _bent(figure, side * LEAN * figure.tall), beat.arrive(0.62)


def _sway(figure: Figure, beat: Beat) -> tuple[Any, Samples]:
    return _bent(figure, SWAY * figure.tall), beat.swing(0.36)


def _breathe(figure: Figure, beat: Beat) -> tuple[Any, Samples]:
    rise = figure.body * figure.height * (BREATH * figure.tall)
    return np.dstack([np.zeros_like(rise), -rise]), beat.swing(0.27)


def _nod(figure: Figure, beat: Beat) -> tuple[Any, Samples]:
    dip = figure.head * (NOD * figure.face[1])
    return np.dstack([np.zeros_like(dip), dip]), (1 - np.cos(2 * np.pi * _cycles(beat, 0.55) * beat.x)) / 2


def _turn(figure: Figure, beat: Beat) -> tuple[Any, Samples]:
    side = _toward_middle(figure, beat)
    slide = figure.head * (side * TURN * figure.face[0])
    return np.dstack([slide, np.zeros_like(slide)]), beat.arrive(0.55)


def _walk(figure: Figure, beat: Beat) -> tuple[Any, Samples]:
    step = figure.body * figure.height**0.5 * (BOB * figure.tall)
    return np.dstack([0.35 * step, -step]), (1 - np.cos(2 * np.pi * _cycles(beat, 1.7) * beat.x)) / 2


def _cycles(beat: Beat, per_second: float) -> int:
    return max(1, round(per_second * beat.seconds))


MOTIONS: Mapping[str, _Motion] = {
    "lean": _lean,
    "lean_left": lambda figure, beat: _lean(figure, beat, -1.0),
    "lean_right": lambda figure, beat: _lean(figure, beat, 1.0),
    "sway": _sway,
    "breathe": _breathe,
    "nod": _nod,
    "turn": _turn,
    "walk": _walk,
}
"""By subject key: a displacement in pixels, and its weight at each frame."""


def deformations(keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> list[Deformation]:
    """Displacements for the subject keys, fading to zero at the canvas's edge."""
    known = [key for key in keys if key in MOTIONS]
    if not known:
        return []
    figure = find_figure(scene, cells)
    parts = []
    for key in known:
        shape, weight = MOTIONS[key](figure, beat)
        shape = (shape * cells.inner * strength).astype(np.float32)
        parts.append(Deformation(shape[np.newaxis], weight[:, np.newaxis].astype(np.float32)))
    return parts


def find_figure(scene: Scene, cells: Cells) -> Figure:
    """The person with the largest face; without a face, the salient thing in the middle."""
    face = scene.faces[0] if scene.faces else _presumed_head(scene)
    pixels_across = float(cells.x.max() - cells.x.min()) / max(float(cells.across.max() - cells.across.min()), 1e-6)
    pixels_down = float(cells.y.max() - cells.y.min()) / max(float(cells.down.max() - cells.down.min()), 1e-6)
    size = ((face.right - face.left) * pixels_across, (face.bottom - face.top) * pixels_down)
    top = max(float(cells.down.min()), face.top - 0.45 * (face.bottom - face.top))
    foot = min(float(cells.down.max()), 1.0)
    height = np.clip((foot - cells.down) / max(foot - top, 1e-3), 0, 1)
    tall = (foot - top) * pixels_down
    # A wide soft edge spreads the lean over more background, which then stretches less.
    body = _softened(person(face, cells.across, cells.down), max(0.5 * size[0], 0.8 * LEAN * tall))
    head = _softened(_head(face, cells), 0.35 * size[0])
    return Figure(body, head, height.astype(np.float32), face.centre, tall, size)


def _presumed_head(scene: Scene) -> Box:
    """A presumed head on the upper part of the focus, for subjects without a detected face."""
    x, y = scene.focus
    height, width = scene.shape
    side = 0.22 * min(height, width)
    across, down = side / width, side / height
    top = max(0.02, y - 1.2 * down)
    return Box(x - across / 2, top, x + across / 2, top + down)


def _head(face: Box, cells: Cells) -> Any:
    x, y = face.centre
    wide, high = (face.right - face.left) * 0.95, (face.bottom - face.top) * 1.05
    return np.exp(-((((cells.across - x) / wide) ** 2 + ((cells.down - y) / high) ** 2) ** 2))


def _softened(mask: Any, sigma_pixels: float) -> Grid:
    """A blurred mask, scaled to a maximum of 1."""
    soft = blurred(mask.astype(np.float32), max(1.0, sigma_pixels / CELL))
    return np.asarray(soft / max(float(soft.max()), 1e-6), np.float32)
