"""Parallax of orbits, over pictures whose depth is given and over photographs with nothing given."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from bench.engine_folders import FacedPhoto, KnownDepth
from bench.engine_parallax import farthest, parallax
from bench.engine_photos import clip_size, never
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import DepthMap, Frame, Picture, RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.engine import Parallax

PROMPT = "orbit left"
SECONDS = 1.0
FLAT = 1.0
"""Parallax, in % of the longer side, below which an orbit is a slide with a zoom."""
SHOWN = 8
"""Pictures that a note names, the worst first."""


def orbits(engine: Parallax, photos: Sequence[FacedPhoto], depths: Sequence[KnownDepth]) -> list[Figure]:
    """The rows on parallax."""
    given = {one.name: orbit(engine, one.picture, one.depth) for one in depths}
    guessed = {one.name: orbit(engine, one.picture, None) for one in photos}
    flat = 100 * float(np.mean([value < FLAT for value, _ in guessed.values()]))
    return [
        _median("parallax of an orbit, depth given", given, 4),
        _median("parallax of an orbit, nothing given", guessed, 3),
        Figure("orbits with less than 1 % of parallax, nothing given", spread([flat]), Sense.AT_MOST, 15, "%"),
    ]


def orbit(engine: Parallax, picture: Picture, depth: DepthMap | None) -> tuple[float, str]:
    """Parallax between the first and the farthest drawn frame, % of the longer side, and the plan's depth."""
    size = clip_size(picture, Resolution.P540)
    rendering = engine.render(RenderJob(PROMPT, picture, None, size, SECONDS, depth=depth), never)
    planes = [luma_of(frame) for frame in rendering.frames]
    plan = json.loads(rendering.plan)
    layers = f" in {plan['layers']} layers" if "layers" in plan else ""
    return parallax(planes[0], farthest(planes)), f"{plan['depth']}{layers}"


def luma_of(frame: Frame) -> np.ndarray:
    """A copy of a frame's luma plane as stored: the engine may draw the next frame into the same memory."""
    plane = np.frombuffer(frame.planes, np.uint8)[: frame.width * frame.height]
    return plane.reshape(frame.height, frame.width).copy()


def _median(name: str, found: Mapping[str, tuple[float, str]], bar: float) -> Figure:
    worst = sorted(found, key=lambda picture: found[picture][0])[:SHOWN]
    note = "least: " + ", ".join(f"{picture} {found[picture][0]:.2g} ({found[picture][1]})" for picture in worst)
    return Figure(name, spread([value for value, _ in found.values()]), Sense.AT_LEAST, bar, "%", note)
