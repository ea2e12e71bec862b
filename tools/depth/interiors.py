"""Scenes between walls and on tables: rooms, passages, still lifes, floors, piles, boards."""

from typing import Any

import numpy as np

from tools.depth import lens
from tools.depth.raycast import FAR, Stage, risen, turned
from tools.depth.settings import Shot, focused, foot_at, stage_of
from tools.depth.textures import Draw
from tools.depth.things import Shop


def walls(shop: Shop, stage: Stage, draw: Draw, half: Any, centre: Any, yaw: float) -> None:
    """A room's walls, ceiling and floor, windows, doors and pictures on the walls."""
    turn = turned(yaw)
    stage.box(centre, half, shop.skin("plain plain plain stripes bricks tiles grain wood", 2), turn, inside=True)
    floor = shop.skin("wood wood tiles grain plain stripes", 1.5)
    stage.plane((0, 0.005, 0), (0, 1, 0), floor, floor=True)
    stage.plane((0, 2 * half[1] - 0.01, 0), (0, 1, 0), shop.skin("plain", 2, tint=draw.uniform(0.7, 1.3) * np.ones(3)))
    for _ in range(draw.integers(0, 7)):
        axis, sign = draw.integers(2), draw.choice((-1, 1))
        place, flat = np.zeros(3), draw.uniform(0.25, 0.9, 3)
        across = 2 if axis == 0 else 0
        place[[0, 2][axis]] = sign * (half[[0, 2][axis]] - 0.03)
        place[across] = draw.uniform(-0.9, 0.9) * half[across]
        flat[[0, 2][axis]] = 0.03
        door = draw.random() < 0.3
        flat[1] = 1.0 if door else flat[1]
        place[1] = (1.0 if door else draw.uniform(1.2, 1.9)) - half[1]
        bright = draw.random() < 0.35
        skin = (
            shop.painted(draw.uniform(0.85, 1.2, 3), glow=1.2)
            if bright
            else shop.skin("print print wood grain plain stripes", 1.8)
        )
        stage.box(centre + turn @ place, flat, skin, turn)


def room(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """A room with furniture, things on it, people and animals."""
    stage = stage_of(draw, size, draw.normal(0.12, 0.15), draw.uniform(0.8, 1.9), indoors=True)
    half = draw.uniform((1.6, 1.15, 1.6), (5, 1.8, 6))
    yaw = draw.uniform(-0.8, 0.8)
    centre = np.array([draw.uniform(-0.6, 0.6) * half[0], half[1], half[2] * draw.uniform(0.3, 0.85)])
    walls(shop, stage, draw, half, centre, yaw)
    reach = float(centre[2] + half[2])
    for _ in range(draw.integers(2, 13)):
        foot = foot_at(stage, draw.uniform(-0.05, 1.05), draw.uniform(1.0, 0.92 * reach))
        kind = draw.random()
        if kind < 0.3:
            wide, tall = draw.uniform(0.3, 1.0), draw.uniform(0.4, 0.9)
            shop.table(stage, foot, (wide, draw.uniform(0.3, 0.6)), tall, yaw + draw.normal(0, 0.2))
            for _ in range(draw.integers(0, 5)):
                shop.clutter(
                    stage,
                    foot + draw.uniform(-0.7, 0.7, 3) * (wide, 0, 0.3) + (0, tall + 0.025, 0),
                    draw.uniform(0.1, 0.3),
                )
        elif kind < 0.5:
            shop.seat(stage, foot, yaw + draw.choice((0, 1.57, 3.14, -1.57)) + draw.normal(0, 0.2))
        elif kind < 0.68:
            block = draw.uniform((0.2, 0.2, 0.2), (0.8, 1.1, 0.4))
            stage.stands(foot, block[0], block[1])
            stage.box(foot + risen(block[1]), block, shop.skin("wood plain stripes print", 1), turned(yaw))
        elif kind < 0.82:
            shop.person(stage, foot, draw.uniform(1.2, 1.85))
        elif kind < 0.9:
            shop.animal(stage, foot, draw.uniform(0.4, 0.8))
        else:
            shop.clutter(stage, foot, draw.uniform(0.2, 0.9))
    stage.cast_shadows()
    return Shot(stage)


def corridor(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """A passage, a tunnel, an alley or a colonnade that goes away from the camera."""
    stage = stage_of(draw, size, draw.normal(0, 0.06), draw.uniform(0.8, 1.7), indoors=True)
    half = np.array([draw.uniform(0.8, 2.5), draw.uniform(1.2, 2.5), draw.uniform(4, 25)])
    yaw = draw.normal(0, 0.12)
    turn = turned(yaw)
    centre = turn @ np.array([draw.uniform(-0.4, 0.4) * half[0], 0, half[2] - 1]) + (0, half[1], 0)
    stage.box(centre, half, shop.skin("bricks grain plain tiles stripes", 2), turn, inside=True)
    stage.plane((0, 0.005, 0), (0, 1, 0), shop.skin("tiles grain wood bricks", 1.5), floor=True)
    end = centre + turn @ np.array([0, draw.uniform(-0.5, 0) * half[1], half[2] - 0.02])
    bright = (
        shop.painted(draw.uniform(0.8, 1.5, 3), glow=1.3) if draw.random() < 0.5 else shop.skin("print windows wood", 2)
    )
    stage.ellipsoid(end, (0.5 * half[0], 0.8 * half[1], 0.04), bright, turn) if draw.random() < 0.5 else stage.box(
        end, (0.6 * half[0], 0.6 * half[1], 0.03), bright, turn
    )
    every, skin = draw.uniform(1.2, 4), shop.skin("plain wood bricks grain windows", 1)
    kind = draw.random()
    for along in np.arange(1.2, 2 * half[2] - 1.5, every):
        for side in (-1, 1):
            at = centre + turn @ np.array([side * half[0], 0, along - half[2] + 1])
            if kind < 0.5:
                stage.box(at, (draw.uniform(0.03, 0.3), half[1] * (1 if kind < 0.3 else 0.6), 0.3), skin, turn)
            elif kind < 0.75:
                stage.cone(at - (0, half[1], 0), (0.25, 0.2), 2 * half[1], skin)
    for _ in range(draw.integers(0, 5)):
        foot = turn @ np.array([draw.uniform(-0.6, 0.6) * half[0], 0, draw.uniform(1.5, 1.6 * half[2])])
        (shop.person(stage, foot, 1.75) if draw.random() < 0.6 else shop.clutter(stage, foot, 0.6))
    stage.cast_shadows()
    far = stage.distance[stage.distance < FAR]
    fade = draw.uniform(-0.6, 0.8)
    stage.colour *= (1 - fade * (stage.distance / max(float(far.max()), 1e-3)).clip(0, 1))[..., None]
    return Shot(stage)


def studio(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Things on a table before a wall, a backdrop or a room."""
    pitch = draw.uniform(-0.05, 0.75)
    away = draw.uniform(0.6, 1.6)
    stage = stage_of(
        draw,
        size,
        pitch,
        away * (np.tan(pitch) * draw.uniform(0.75, 1.1) + 0.12),
        indoors=True,
        across=draw.uniform(0.25, 0.6),
    )
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("wood wood plain grain tiles stripes print", 0.6), floor=True)
    back = away * draw.uniform(1.2, 2.6)
    if draw.random() < 0.85:
        normal = (draw.normal(0, 0.2), 0, -1)
        stage.plane(
            (0, 0, back),
            normal,
            shop.skin("plain bricks print wood grain stripes leaves windows", draw.uniform(0.3, 1.5)),
        )
    wide = stage.camera.width * stage.camera.pixel
    count, biggest = draw.integers(2, 24), draw.uniform(0.14, 0.6)
    for _ in range(count):
        distance = draw.uniform(0.55, 0.95) * back if draw.random() < 0.7 else draw.uniform(0.5, 1.0) * away
        foot = foot_at(stage, draw.uniform(0, 1), distance)
        for _ in range(1 if draw.random() < 0.75 else draw.integers(2, 5)):
            thing = draw.uniform(0.35, 1.0) * biggest * wide * away
            shop.clutter(stage, foot, thing)
            foot = foot + np.array([0, 0.4 * thing, 0], np.float32) * (draw.random() < 0.5)
    stage.cast_shadows()
    if draw.random() < 0.15:
        lens.sky(stage, draw, 2)
    if draw.random() < 0.3:
        return focused(stage, draw, away, draw.uniform(0, 8))
    return Shot(stage)


def from_above(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """A floor, a lawn, a table or a board looked down upon, with things or with nothing on it."""
    high = draw.uniform(0.6, 2.5)
    stage = stage_of(draw, size, draw.uniform(0.8, 1.45), high)
    stage.plane(
        (0, 0, 0),
        (0, 1, 0),
        shop.skin("bricks tiles wood grass leaves grain print plain", draw.uniform(0.2, 1) * high),
        floor=True,
    )
    for _ in range(draw.integers(0, 9)):
        at = stage.camera.at(draw.uniform(0.05, 0.95), draw.uniform(0.05, 0.95), high * 0.9)
        at[1] = 0
        shop.clutter(stage, at, draw.uniform(0.1, 0.4) * high)
    stage.cast_shadows()
    return Shot(stage)


def pile(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Fruit, stones, balls or boxes that fill the picture."""
    pitch = draw.uniform(0.3, 1.4)
    stage = stage_of(draw, size, pitch, 1.0, indoors=True, across=draw.uniform(0.25, 0.6))
    stage.plane((0, 0, 0), (0, 1, 0), shop.skin("plain grain leaves", 0.5, tint=0.5 * np.ones(3)), floor=True)
    ball, kind = draw.uniform(0.05, 0.22), draw.random()
    skins = [shop.skin("plain grain fur", 0.4, gloss=0.3) for _ in range(draw.integers(1, 5))]
    for _ in range(int(min(110, 2.2 / ball**2))):
        at = stage.camera.at(draw.random(), draw.random(), 1 / np.sin(pitch) if pitch > 0.7 else draw.uniform(0.8, 2))
        at[1] = draw.uniform(0, 1.5) * ball
        turn = turned(*draw.uniform(-3, 3, 3))
        skin = skins[draw.integers(len(skins))]
        if kind < 0.75:
            stage.ellipsoid(at, ball * draw.uniform(0.75, 1.1, 3), skin, turn)
        else:
            stage.box(at, ball * draw.uniform(0.3, 0.9, 3), skin, turn)
    stage.cast_shadows()
    return focused(stage, draw, 1.2, float(draw.choice((0, 0, 4))))


def boards(shop: Shop, draw: Draw, size: tuple[int, int]) -> Shot:
    """Slanted boards, posters and walls, one before another."""
    stage = stage_of(draw, size, draw.normal(0, 0.15), 1.2, indoors=True)
    normal = draw.normal(0, 0.5, 3) * (1, 0.7, 0) + (0, 0, -1)
    stage.plane(
        (0, 1.2, draw.uniform(2, 4)), normal, shop.skin("print bricks windows wood plain leaves stripes grain", 2)
    )
    for _ in range(draw.integers(0, 9)):
        at = stage.camera.at(draw.uniform(0, 1), draw.uniform(0.1, 1.0), draw.uniform(1, 3))
        turn = turned(draw.normal(0, 0.6), draw.normal(0, 0.4), draw.normal(0, 0.2))
        half = draw.uniform(0.15, 0.9, 3) * (1, 1, 0.03)
        stage.box(at, half, shop.skin("print print plain wood leaves stripes bricks", 1.5), turn)
    if draw.random() < 0.4:
        stage.plane((0, 0, 0), (0, 1, 0), shop.skin("wood plain tiles", 1), floor=True)
    lens.sky(stage, draw, int(draw.integers(6)))
    return Shot(stage)
