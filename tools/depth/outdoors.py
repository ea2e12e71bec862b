"""Scenes under the sky: landscapes, streets, a look up, water."""

import numpy as np

from tools.depth import lens
from tools.depth.raycast import risen, turned
from tools.depth.settings import Shot, focused, foot_at, frame, outdoor_thing, outside, stage_of
from tools.depth.textures import Draw
from tools.depth.things import Shop


def landscape(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Ground, ridges, trees, rocks, houses, people and fences under a sky."""
    high = float(np.exp(draw.uniform(np.log(0.3), np.log(30))))
    stage = stage_of(draw, size, draw.normal(0.05, 0.14), high)
    stage.plane(
        (0, 0, 0), (0, 1, 0), shop.skin("grass grass grain grain leaves", high * draw.uniform(0.5, 4)), floor=True
    )
    for level in np.sort(draw.uniform(2, 8, draw.integers(0, 5))):
        rocky = shop.skin("grain grain leaves grass", 1, tint=draw.uniform((0.4, 0.5, 0.4), (1.0, 1.0, 1.1)))
        lens.ridge(stage, draw, high * float(np.exp(level)), draw.uniform(0.02, 0.12) * level, rocky)
    for _ in range(draw.integers(0, 4)):
        hill = draw.uniform(2, 40, 3) * high * (1.5, draw.uniform(0.1, 0.35), 1)
        centre = foot_at(stage, draw.uniform(-0.5, 1.5), hill[2] + draw.uniform(1, 60) * high)
        stage.ellipsoid(centre, hill, shop.skin("grass grain leaves grain", high * draw.uniform(1, 6)))
    crowd = shop.draw.random()
    for _ in range(draw.integers(0, 22)):
        foot = foot_at(stage, draw.uniform(-0.1, 1.1), high * float(np.exp(draw.uniform(0.7, 4))))
        outdoor_thing(shop, stage, draw, foot, crowd)
    if draw.random() < 0.25:
        frame(shop, stage, draw, high)
    outside(stage, draw)
    return focused(stage, draw, 3 * high, draw.uniform(0, 3)) if draw.random() < 0.25 else Shot(stage)


def street(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Houses on both sides, a road, cars, lamps, people, trees."""
    stage = stage_of(draw, size, draw.normal(0, 0.1), draw.uniform(1.2, 5))
    yaw = draw.normal(0, 0.25)
    stage.plane(
        (0, 0, 0), (0, 1, 0), shop.skin("grain tiles bricks plain", 3, tint=draw.uniform(0.5, 1, 3)), floor=True
    )
    wide = draw.uniform(4, 12)
    turn = turned(yaw)
    for side in (-1, 1):
        if draw.random() < 0.15:
            continue
        along = draw.uniform(-4, 6)
        while along < 90:
            house = draw.uniform((3, 2.5, 3), (7, 11, 8))
            at = turn @ np.array([side * (wide + house[0] * draw.uniform(0.9, 1.1)), house[1], along + house[2]])
            stage.box(at, house, shop.skin("windows windows windows bricks plain", 9), turn)
            along += 2 * house[2] + (draw.uniform(0, 4) if draw.random() < 0.3 else 0)
        pavement = turn @ np.array([side * wide * 0.85, 0.06, 50])
        stage.box(pavement, (wide * 0.15, 0.07, 60), shop.skin("tiles grain plain", 1.5), turn)
    for _ in range(draw.integers(2, 16)):
        side = draw.choice((-1, 1))
        foot = turn @ np.array([side * wide * draw.uniform(0.3, 0.95), 0, float(np.exp(draw.uniform(1.1, 4)))])
        kind = draw.random()
        if kind < 0.35:
            shop.car(stage, foot, yaw + np.pi * draw.integers(2) + draw.normal(0, 0.06))
        elif kind < 0.7:
            shop.person(stage, foot, draw.uniform(1.5, 1.9))
        elif kind < 0.85:
            stage.stands(foot, 0.2, 6)
            stage.cone(foot, (0.09, 0.06), draw.uniform(3, 7), shop.skin("plain", 1, tint=draw.uniform(0.1, 0.6, 3)))
        else:
            shop.tree(stage, foot, draw.uniform(3, 8))
    if draw.random() < 0.4:
        lens.ridge(stage, draw, 300, 0.2, shop.skin("windows grain", 1))
    outside(stage, draw)
    return Shot(stage)


def looking_up(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Houses, towers, tree crowns or a figure against the sky."""
    stage = stage_of(draw, size, -draw.uniform(0.2, 0.9), 1.5)
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grass grain tiles", 2), floor=True)
    kind = draw.random()
    for _ in range(draw.integers(1, 9)):
        foot = foot_at(stage, draw.uniform(0, 1), draw.uniform(8, 30))
        if kind < 0.45:
            house = draw.uniform((2, 5, 2), (5, 20, 5))
            turn = turned(draw.uniform(-3, 3))
            stage.box(foot + risen(house[1]), house, shop.skin("windows windows bricks plain", 6), turn)
            if draw.random() < 0.3:
                stage.cone(foot + risen(2 * house[1]), (house[0], 0.1), house[1], shop.skin("tiles plain", 2), turn)
        elif kind < 0.85:
            shop.tree(stage, foot, draw.uniform(6, 18))
        else:
            stage.cone(foot, (0.5, 0.3), draw.uniform(6, 30), shop.skin("plain stripes bricks", 2))
    if draw.random() < 0.3:
        for _ in range(draw.integers(5, 40)):
            shop.leaf(stage, stage.camera.at(draw.random(), draw.uniform(0, 0.6), draw.uniform(1, 3)), 0.15)
    outside(stage, draw)
    return Shot(stage)


def water(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """The sea or a lake with its mirror image, a shore, boats and posts."""
    high = float(np.exp(draw.uniform(np.log(0.5), np.log(15))))
    stage = stage_of(draw, size, draw.normal(0.05, 0.12), high)
    kind = int(draw.choice(8, p=(0.2, 0.15, 0.15, 0.18, 0.12, 0.1, 0.06, 0.04)))
    for level in np.sort(draw.uniform(3, 7, draw.integers(0, 4))):
        lens.ridge(
            stage,
            draw,
            high * float(np.exp(level)),
            draw.uniform(0.01, 0.07) * level,
            shop.skin("grain leaves grass", 1, tint=draw.uniform(0.3, 0.9, 3)),
        )
    for _ in range(draw.integers(0, 8)):
        outdoor_thing(
            shop,
            stage,
            draw,
            foot_at(stage, draw.uniform(-0.1, 1.1), high * float(np.exp(draw.uniform(1, 4.5)))),
            draw.random(),
        )
    lens.sky(stage, draw, kind)
    above = stage.colour.copy()
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grain grass", high, tint=np.ones(3)), floor=True)
    wet = stage.floor
    if wet.any():
        first = int(np.flatnonzero(wet.any(axis=1))[0])
        rows = np.clip(2 * first - np.arange(above.shape[0]), 0, max(first - 1, 0))
        ripple = stage.colour.mean(2, keepdims=True) - stage.colour[wet].mean()
        tint = draw.uniform((0.3, 0.4, 0.45), (0.95, 0.95, 1.0))
        mirrored = above[rows] * tint + draw.uniform(0.05, 0.7) * ripple
        stage.colour[wet] = mirrored[wet]
    if draw.random() < 0.4:
        shore = draw.uniform(1.5, 6, 3) * high * (3, 0.1, 1)
        stage.ellipsoid(foot_at(stage, draw.random(), high * 2), shore, shop.skin("grain grass leaves", high))
    if draw.random() < 0.3:
        frame(shop, stage, draw, high)
    low, _ = lens.SKIES[kind]
    lens.hazed(stage, low, float(np.exp(draw.uniform(4, 8))))
    return Shot(stage)
