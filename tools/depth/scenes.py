"""Procedural scenes with their depth, to train a depth network on.

    python -m tools.depth.scenes OUT --count 9000 --seed 18

A scene is drawn by a ray caster at more than the size wanted, from textures by formula alone, and ends as 8-bit RGB and
inverse distance. Three shapes of picture: wide, square and tall.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.depth import grounded, interiors, lens, nearby, outdoors
from tools.depth.raycast import FAR
from tools.depth.settings import Shot
from tools.depth.textures import Draw, bank
from tools.depth.things import Shop

SHAPES: Mapping[str, tuple[int, int]] = {"wide": (256, 160), "square": (192, 192), "tall": (160, 256)}
"""Width and height of the pictures."""
SHARES: Mapping[str, float] = {"wide": 0.56, "square": 0.24, "tall": 0.2}
OVERSIZE = 1.25
"""Size of the drawing relative to the picture's, against jagged outlines."""


LEAST_RANGE = 1.15
"""Least ratio of near to far disparity in a scene."""
LEAST_CONTRAST = 12
"""Least standard deviation of a picture's values."""


Family = Callable[[Shop, Draw, tuple[int, int]], Shot]


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture (height × width × 3, RGB) and its disparity, 1/m, at half the resolution; 0 is the sky."""

    rgb: Any
    disparity: Any


FIRST: Mapping[Family, float] = {
    outdoors.landscape: 15,
    outdoors.street: 9,
    interiors.room: 13,
    interiors.corridor: 5,
    interiors.studio: 17,
    nearby.close_up: 11,
    nearby.portrait: 11,
    nearby.animals: 6,
    interiors.from_above: 5,
    outdoors.looking_up: 5,
    interiors.pile: 4,
    interiors.boards: 6,
    outdoors.water: 6,
}
"""Kinds of scene of the first round and their weights."""
SECOND: Mapping[Family, float] = {
    outdoors.landscape: 13,
    outdoors.street: 9,
    interiors.room: 13,
    interiors.corridor: 5,
    interiors.studio: 8,
    nearby.close_up: 9,
    nearby.portrait: 11,
    nearby.animals: 6,
    interiors.from_above: 3,
    outdoors.looking_up: 3,
    interiors.pile: 3,
    interiors.boards: 2,
    outdoors.water: 5,
    grounded.valley: 6,
    grounded.still_life: 13,
    grounded.arbour: 5,
}
"""Kinds of the second round: more that stands on a ground, as most of what is photographed does."""
ROUNDS = (FIRST, SECOND)


def sample(shop: Shop, draw: Draw, shape: str, families: Mapping[Family, float] = FIRST) -> Sample:
    """One scene; another one is drawn if it has next to no depth."""
    while True:
        one = _drawn(shop, draw, shape, families)
        low, high = np.percentile(one.disparity, (3, 97))
        if high > LEAST_RANGE * low and one.rgb.std() > LEAST_CONTRAST:
            return one


def _drawn(shop: Shop, draw: Draw, shape: str, families: Mapping[Family, float]) -> Sample:
    width, height = SHAPES[shape]
    weights = np.array(list(families.values()), float)
    family = list(families)[draw.choice(len(weights), p=weights / weights.sum())]
    shot = family(shop, draw, (round(width * OVERSIZE), round(height * OVERSIZE)))
    disparity = np.where(shot.stage.distance < FAR / 2, 1 / shot.stage.distance, 0).astype(np.float32)
    image = cv2.resize(shot.stage.colour, (width, height), interpolation=cv2.INTER_AREA)
    near = cv2.resize(disparity, (width, height), interpolation=cv2.INTER_AREA)
    if shot.aperture > 0:
        image = lens.defocused(image, near, shot.focus, shot.aperture)
    half = cv2.resize(disparity, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return Sample(lens.developed(image, draw), half)


def make(out: Path, count: int, seed: int, families: Mapping[Family, float]) -> None:
    """Scenes in one file per shape: `SHAPE.rgb.npy` and `SHAPE.disparity.npy`."""
    textures = bank(seed)
    out.mkdir(parents=True, exist_ok=True)
    for at, (shape, share) in enumerate(SHARES.items()):
        wanted = round(count * share)
        width, height = SHAPES[shape]
        size = (wanted, height, width, 3)
        pictures = np.lib.format.open_memmap(out / f"{shape}.rgb.npy", "w+", np.uint8, size)
        half = (wanted, height // 2, width // 2)
        depths = np.lib.format.open_memmap(out / f"{shape}.disparity.npy", "w+", np.float16, half)
        for index in range(wanted):
            draw = np.random.default_rng([seed, at, index])
            one = sample(Shop(textures, draw), draw, shape, families)
            pictures[index], depths[index] = one.rgb, one.disparity
        pictures.flush()
        depths.flush()


def main() -> None:
    """Write the scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--round", type=int, choices=(1, 2), default=1)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    make(asked.out, asked.count, asked.seed, ROUNDS[asked.round - 1])


if __name__ == "__main__":
    main()
