"""The parts that scenes share: light, camera, sky, and the things that stand about outdoors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.depth import lens
from tools.depth.raycast import Camera, Light, Stage, risen, turned
from tools.depth.textures import Draw
from tools.depth.things import Shop


@dataclass(frozen=True, slots=True)
class Shot:
    """A drawn scene, and the lens: the disparity in focus, and the blur in pixels per unit of disparity beside it."""

    stage: Stage
    focus: float = 0.0
    aperture: float = 0.0


def light(draw: Draw, *, indoors: bool) -> Light:
    towards = draw.normal(0, 1, 3) * (1, 0, 1) + (0, draw.uniform(0.3, 2.5), -0.3)
    towards /= np.linalg.norm(towards)
    hard = draw.uniform(0.1, 0.6) if indoors else draw.uniform(0.0, 0.9)
    warm = 1 + draw.normal(0, 0.12, 3) * (1, 0.3, -1)
    ambient = draw.uniform(0.35, 0.75) * (1 + draw.normal(0, 0.06, 3))
    return Light.of(towards, hard * warm, ambient, 0.6 * hard)


def stage_of(
    draw: Draw, size: tuple[int, int], pitch: float, high: float, *, indoors: bool = False, across: Any = None
) -> Stage:
    """A stage whose camera is `high` metres above the floor (y = 0)."""
    across = draw.uniform(0.35, 0.85) if across is None else across
    camera = Camera(*size, across, pitch, draw.normal(0, 0.02), np.array([0, high, 0], np.float32))
    return Stage(camera, light(draw, indoors=indoors))


def foot_at(stage: Stage, column: float, distance: float) -> Any:
    at = stage.camera.ahead(column, distance)
    at[1] = 0
    return at


def outside(stage: Stage, draw: Draw, kind: int | None = None) -> None:
    """Sky, haze and shadows of an outdoor scene."""
    stage.cast_shadows()
    kind = int(draw.choice(8, p=(0.26, 0.2, 0.17, 0.1, 0.08, 0.1, 0.05, 0.04))) if kind is None else kind
    low, _ = lens.SKIES[kind]
    if kind >= 6:
        stage.colour *= 0.35
    lens.hazed(stage, low, float(np.exp(draw.uniform(3.5, 8))))
    lens.sky(stage, draw, kind)


def focused(stage: Stage, draw: Draw, distance: float, blur: float) -> Shot:
    """A shot in focus at a distance, its background (at infinity) blurred by up to `blur` pixels."""
    return Shot(stage, 1 / distance, blur * distance * draw.uniform(0.3, 1))


def outdoor_thing(shop: Shop, stage: Stage, draw: Draw, foot: Any, crowd: float) -> None:
    kind = (draw.random() + crowd) % 1 if draw.random() < 0.5 else crowd
    if kind < 0.45:
        shop.tree(stage, foot, draw.uniform(3, 14))
    elif kind < 0.58:
        shop.bush(stage, foot, draw.uniform(0.3, 1.5))
    elif kind < 0.7:
        radii = draw.uniform(0.2, 1.6, 3)
        stage.stands(foot, radii[0], radii[1])
        stage.ellipsoid(foot, radii, shop.skin("grain leaves", 1.5, ragged=0.3), turned(draw.uniform(-3, 3)))
    elif kind < 0.78:
        house = draw.uniform((2, 2, 2), (6, 5, 6))
        turn = turned(draw.uniform(-3, 3))
        stage.stands(foot, house[0], house[1])
        stage.box(foot + risen(house[1] / 2), house / 2, shop.skin("windows bricks plain wood", 3), turn)
        roof = shop.skin("bricks tiles plain", 2, tint=draw.uniform(0.3, 1.0, 3))
        stage.cone(foot + risen(house[1]), (0.8 * house[0], 0.05), 0.5 * house[1], roof, turn)
    elif kind < 0.87:
        shop.person(stage, foot, draw.uniform(1.5, 1.9))
    elif kind < 0.93:
        shop.animal(stage, foot, draw.uniform(0.5, 2))
    else:
        tall = draw.uniform(1, 9)
        stage.stands(foot, 0.1, tall)
        lean = turned(0, draw.normal(0, 0.05), draw.normal(0, 0.05))
        stage.cone(foot, (0.1, 0.06), tall, shop.skin("wood plain grain", 0.5), lean)


def frame(shop: Shop, stage: Stage, draw: Draw, high: float) -> None:
    """Something near at the picture's edge or foot: leaves, blades, a branch, a rail."""
    near = high * draw.uniform(0.6, 1.5)
    if draw.random() < 0.5:
        tall = draw.uniform(0.4, 1.0) * high
        for column in draw.uniform(0, 1, draw.integers(3, 14)):
            shop.blades(stage, foot_at(stage, column, near * draw.uniform(0.8, 2)), tall, 6)
        return
    for _ in range(draw.integers(3, 20)):
        at = stage.camera.at(draw.uniform(0, 0.3) + 0.7 * draw.integers(2), draw.uniform(0, 0.5), near)
        shop.leaf(stage, at, 0.12 * near)
