"""Scenes with something near: flowers, people, animals."""

import numpy as np

from tools.depth import lens
from tools.depth.interiors import walls
from tools.depth.raycast import FAR, turned
from tools.depth.settings import Shot, focused, foot_at, outdoor_thing, outside, stage_of
from tools.depth.textures import Draw
from tools.depth.things import Shop


def close_up(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """A flower, leaves, stalks or a small thing before a blurred background."""
    stage = stage_of(draw, size, draw.uniform(-0.3, 0.9), draw.uniform(0.3, 1), across=draw.uniform(0.2, 0.5))
    camera = stage.camera
    if draw.random() < 0.75:
        stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grass leaves grain wood", 0.3), floor=True)
    far = draw.uniform(0.8, 4)
    for _ in range(draw.integers(2, 25)):
        at = camera.at(draw.random(), draw.random(), far * draw.uniform(0.8, 2))
        kind = draw.random()
        if kind < 0.4:
            shop.leaf(stage, at, 0.15 * far)
        elif kind < 0.6:
            shop.flower(stage, at, draw.uniform(0.05, 0.15) * far)
        else:
            stage.ellipsoid(at, draw.uniform(0.05, 0.3, 3) * far, shop.leafy(0.3, ragged=0.4))
    near = draw.uniform(0.15, 0.35)
    kind = draw.random()
    wide = max(camera.width, camera.height) * camera.pixel * near
    for _ in range(1 if draw.random() < 0.5 else draw.integers(2, 9)):
        distance = near * draw.uniform(1.0, 1.7)
        at = camera.at(draw.uniform(0.15, 0.85), draw.uniform(0.2, 0.85), distance)
        if kind < 0.4:
            shop.flower(stage, at, wide * draw.uniform(0.12, 0.6), stem=float(draw.choice((0, 1))) * wide)
        elif kind < 0.6:
            for _ in range(draw.integers(1, 6)):
                shop.leaf(stage, at + draw.normal(0, 0.15, 3) * wide, wide * draw.uniform(0.15, 0.6))
        elif kind < 0.75:
            shop.blades(stage, at - (0, 0.6 * wide, 0), wide * draw.uniform(0.6, 1.2), int(draw.integers(3, 25)))
        else:
            shop.clutter(stage, at, wide * draw.uniform(0.15, 0.6))
    backdrop = draw.choice(8, p=(0.15, 0.15, 0.25, 0.1, 0.1, 0.05, 0.05, 0.15))
    lens.sky(stage, draw, int(backdrop))
    if backdrop != 0 and draw.random() < 0.6:
        empty = stage.distance >= FAR
        stage.colour[empty] *= draw.uniform((0.2, 0.4, 0.1), (0.9, 1.0, 0.7))
    return focused(stage, draw, near * 1.1, float(draw.choice((0, 6, 12, 16))))


def portrait(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """One to four people near the camera: before a wall, in a room, in the open."""
    indoors = draw.random() < 0.6
    high = draw.uniform(1.0, 1.7)
    stage = stage_of(draw, size, draw.normal(0.0, 0.08), high, indoors=indoors, across=draw.uniform(0.2, 0.6))
    near = float(np.exp(draw.uniform(np.log(0.6), np.log(4))))
    if indoors:
        back = near * draw.uniform(1.2, 3)
        if draw.random() < 0.5:
            half = np.array([draw.uniform(1.5, 5), 1.6, back])
            walls(shop, stage, draw, half, np.array([0, 1.6, 0.2]), draw.normal(0, 0.3))
        else:
            stage.plane((0, 0, 0), (0, 1, 0), shop.skin("wood plain grain tiles", 1), floor=True)
            stage.plane(
                (0, 0, back),
                (draw.normal(0, 0.2), 0, -1),
                shop.skin("plain plain bricks stripes grain leaves print", 1.5),
            )
        for _ in range(draw.integers(0, 4)):
            shop.clutter(stage, foot_at(stage, draw.random(), back * 0.9), draw.uniform(0.3, 1.0))
    else:
        stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grass grain tiles", 1.5), floor=True)
        crowd = draw.random()
        for _ in range(draw.integers(2, 14)):
            outdoor_thing(shop, stage, draw, foot_at(stage, draw.uniform(-0.1, 1.1), near + draw.uniform(3, 30)), crowd)
    many = 1 if near < 1.3 or draw.random() < 0.5 else draw.integers(2, 6)
    for column in (
        draw.normal(0.5, 0.15, 1) if many == 1 else np.linspace(0.12, 0.88, many) + draw.normal(0, 0.04, many)
    ):
        foot = foot_at(stage, column, near * draw.uniform(0.95, 1.2))
        tall = draw.uniform(1.5, 1.9)
        if near < 2.5:
            # The head is kept in the picture however near the camera is.
            foot[1] = stage.camera.at(column, draw.uniform(0.22, 0.55), near)[1] - 0.93 * tall
        shop.person(stage, foot, tall, draw.normal(0, 0.4))
    if indoors:
        stage.cast_shadows()
    else:
        outside(stage, draw)
    return focused(stage, draw, near, float(draw.choice((0, 0, 4, 10))))


def animals(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Animals on a lawn or a floor, or one animal's head close by."""
    stage = stage_of(draw, size, draw.uniform(-0.1, 0.35), draw.uniform(0.4, 1.5))
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("grass grain wood tiles", 1), floor=True)
    inside = draw.random() < 0.5
    if inside:
        stage.plane(
            (0, 0, draw.uniform(2.5, 6)),
            (draw.normal(0, 0.3), 0, -1),
            shop.skin("plain bricks stripes wood grain", 1.5),
        )
    else:
        for _ in range(draw.integers(0, 10)):
            outdoor_thing(shop, stage, draw, foot_at(stage, draw.random(), draw.uniform(5, 30)), draw.uniform(0, 0.7))
    near = 1.0
    if draw.random() < 0.45:
        near = draw.uniform(0.35, 0.8)
        wide = min(stage.camera.width, stage.camera.height) * stage.camera.pixel * near
        head = wide * draw.uniform(0.2, 0.42)
        at = stage.camera.at(draw.uniform(0.3, 0.7), draw.uniform(0.35, 0.6), near)
        fur = shop.skin("fur fur plain grain", 2 * head)
        turn = turned(draw.normal(0, 0.5), draw.normal(0, 0.2), draw.normal(0, 0.15))
        stage.ellipsoid(at + np.array((draw.normal(0, 0.5), -1.6, 1.2)) * head, np.array((1.5, 1.6, 1.4)) * head, fur)
        shop.muzzle(stage, at, head, fur, turn)
    else:
        for _ in range(draw.integers(1, 5)):
            near = draw.uniform(1.2, 4)
            shop.animal(stage, foot_at(stage, draw.uniform(0.2, 0.8), near), draw.uniform(0.5, 1.2))
    if inside:
        stage.cast_shadows()
    else:
        outside(stage, draw)
    return focused(stage, draw, near, float(draw.choice((0, 3, 8))))
