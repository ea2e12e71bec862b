"""Scenes that stand on a ground, for the second round: valleys, still lifes in rows, arbours."""

import numpy as np

from tools.depth import lens
from tools.depth.raycast import risen, turned
from tools.depth.settings import Shot, focused, foot_at, outdoor_thing, outside, stage_of
from tools.depth.textures import Draw
from tools.depth.things import Shop


def valley(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Cliffs, slopes or a wood on both sides, and a way, a river or snow between them."""
    high = float(np.exp(draw.uniform(np.log(0.8), np.log(8))))
    stage = stage_of(draw, size, draw.normal(-0.05, 0.12), high)
    ground = shop.skin("grain grass leaves", high * draw.uniform(0.5, 4))
    stage.plane((0, 0, 0), (0, 1, 0), ground, floor=True)
    for level in np.sort(draw.uniform(3, 7, draw.integers(0, 4))):
        lens.ridge(
            stage, draw, high * float(np.exp(level)), draw.uniform(0.03, 0.14) * level, shop.skin("grain grass", 1)
        )
    rock = shop.skin("grain grain leaves grass", high * draw.uniform(1, 5), ragged=draw.uniform(0, 0.4))
    wide = draw.uniform(2, 7) * high
    for side in (-1, 1):
        along = draw.uniform(2, 6) * high
        while along < 80 * high:
            radii = draw.uniform((1, 1, 2), (3, 7, 6)) * high * draw.uniform(0.6, 1.6)
            at = np.array(
                (side * (wide + radii[0] * draw.uniform(0.7, 1.1)), draw.uniform(-0.2, 0.5) * radii[1], along)
            )
            stage.ellipsoid(at, radii, rock, turned(draw.normal(0, 0.4), draw.normal(0, 0.2), draw.normal(0, 0.25)))
            along += radii[2] * draw.uniform(0.7, 1.8)
    for _ in range(draw.integers(0, 7)):
        foot = foot_at(stage, draw.uniform(0.3, 0.7), high * float(np.exp(draw.uniform(0.9, 3.5))))
        outdoor_thing(shop, stage, draw, foot, draw.random())
    outside(stage, draw)
    return Shot(stage)


def still_life(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Large things on a table or a floor, row before row, in front of a wall or a cloth."""
    pitch, away = draw.uniform(0.1, 0.6), 1.0
    stage = stage_of(draw, size, pitch, np.tan(pitch) + 0.1, indoors=True, across=draw.uniform(0.28, 0.55))
    floor = shop.skin("wood plain grain stripes print leaves", 0.6)
    stage.plane((0, 0, 0), (0, 1, 0), floor, floor=True)
    back = draw.uniform(1.25, 2.2)
    wall = shop.skin("print print plain bricks wood grain leaves tiles stripes", draw.uniform(0.3, 1.2))
    stage.plane((0, 0, back), (draw.normal(0, 0.25), 0, -1), wall)
    wide = stage.camera.width * stage.camera.pixel
    rows = draw.integers(2, 5)
    for row, distance in enumerate(np.linspace(0.93 * back, 0.75, rows)):
        thing = draw.uniform(0.18, 0.5) * wide * away * (1 - 0.1 * row)
        for column in draw.uniform(0, 1, draw.integers(1, 6)):
            foot = foot_at(stage, column, distance * draw.uniform(0.92, 1.06))
            shop.clutter(stage, foot, thing * draw.uniform(0.6, 1.2))
    if draw.random() < 0.4:
        cloth = np.array((draw.uniform(0.2, 0.9), draw.uniform(0.3, 1.0), 0.03))
        lean = turned(draw.normal(0, 0.5), draw.uniform(0, 0.5), draw.normal(0, 0.1))
        at = foot_at(stage, draw.random(), 0.9 * back) + risen(cloth[1] * 0.8)
        stage.box(at, cloth, shop.skin("print stripes grain wood", 0.8), lean)
    stage.cast_shadows()
    return focused(stage, draw, away, draw.uniform(0, 6)) if draw.random() < 0.25 else Shot(stage)


def arbour(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """A person, an animal or a flower among leaves: some behind, some before it."""
    stage = stage_of(draw, size, draw.normal(0.05, 0.12), 1.4, across=draw.uniform(0.25, 0.55))
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grass leaves grain", 0.7), floor=True)
    near = draw.uniform(0.9, 2.2)
    for _ in range(draw.integers(5, 40)):
        shop.leaf(stage, stage.camera.at(draw.random(), draw.random(), near * draw.uniform(1.2, 3)), 0.25 * near)
    for _ in range(draw.integers(2, 12)):
        shop.bush(stage, foot_at(stage, draw.uniform(-0.1, 1.1), near * draw.uniform(2, 6)), draw.uniform(0.4, 1.6))
    at = stage.camera.at(draw.uniform(0.25, 0.75), draw.uniform(0.25, 0.5), near)
    kind = draw.random()
    if kind < 0.6:
        tall = draw.uniform(1.5, 1.9)
        shop.person(stage, at - risen(0.93 * tall), tall, draw.normal(0, 0.5))
    elif kind < 0.8:
        shop.flower(stage, at, 0.2 * near, stem=near)
    else:
        shop.animal(stage, foot_at(stage, 0.5, 1.5 * near), draw.uniform(0.6, 1.2))
    for _ in range(draw.integers(0, 8)):
        place = stage.camera.at(draw.uniform(0, 1), draw.uniform(0.45, 1), near * draw.uniform(0.5, 0.85))
        shop.leaf(stage, place, 0.2 * near)
    outside(stage, draw)
    return focused(stage, draw, near, float(draw.choice((0, 0, 4, 10))))
