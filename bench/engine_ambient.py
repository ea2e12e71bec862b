"""Ambient motion in its place: the named region against the rest, in pictures where the region is known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from bench.engine_photos import clip_size, never
from bench.engine_read import change, flow_size, luma, region_ratio
from bench.engine_scenes import SCENES
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.output.encoder import encode


class Seen(StrEnum):
    """The measure in which an ambient motion shows."""

    MOVING = "moving"
    CHANGING = "changing"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Word:
    """An ambient word, a prompt with it, a scene, the region that it should stir, and the measure that shows it."""

    name: str
    prompt: str
    scene: str
    region: str
    seen: Seen


WORDS = (
    Word("ripple", "ripples on the water, static camera", "lake", "water", Seen.MOVING),
    Word("waves", "gentle waves, static camera", "lake", "water", Seen.MOVING),
    Word("clouds", "the clouds drift by, static camera", "lake", "sky", Seen.MOVING),
    Word("wind", "wind, static camera", "lake", "foliage", Seen.MOVING),
    Word("leaves", "the leaves rustle, static camera", "lake", "foliage", Seen.MOVING),
    Word("grass", "the grass moves, static camera", "meadow", "grass", Seen.MOVING),
    Word("smoke", "smoke rises, static camera", "chimney", "smoke", Seen.CHANGING),
    Word("fire", "the fire burns, static camera", "campfire", "flame", Seen.CHANGING),
    Word("candle", "the candle flickers, static camera", "candle", "flame", Seen.CHANGING),
    Word("snow", "snow, static camera", "lake", "", Seen.EVERYWHERE),
    Word("rain", "rain, static camera", "lake", "", Seen.EVERYWHERE),
    Word("dust", "dust, static camera", "candle", "", Seen.EVERYWHERE),
    Word("mist", "mist, static camera", "lake", "", Seen.EVERYWHERE),
    Word("rays", "light rays, static camera", "lake", "", Seen.EVERYWHERE),
)
"""The words that have no place of their own are measured against the same clip without them."""

NOISE = {Seen.MOVING: 0.05, Seen.CHANGING: 0.15, Seen.EVERYWHERE: 0.02}
"""The noise of a still clip: pixels of motion, steps of luma. Less counts as this much."""
SECONDS = 3.0
WIDTH = 640


def ambient(engine: Parallax, folder: Path, words: Sequence[Word] = WORDS) -> list[Figure]:
    """A row for each word."""
    return [_measured(engine, folder / "ambient.mp4", word) for word in words]


def _measured(engine: Parallax, path: Path, word: Word) -> Figure:
    scene = SCENES[word.scene]()
    size = clip_size(scene.picture, Resolution.P540)
    rendering = engine.render(RenderJob(word.prompt, scene.picture, None, size, SECONDS), never)
    encode(rendering, path)
    planes = luma(path, WIDTH)
    if word.seen is Seen.EVERYWHERE:
        still = engine.render(RenderJob("static camera", scene.picture, None, size, SECONDS), never)
        encode(still, path)
        ratio = _changes(planes) / max(_changes(luma(path, WIDTH)), NOISE[word.seen])
    else:
        measure = flow_size(planes, 12) if word.seen is Seen.MOVING else change(planes, 5)
        ratio = region_ratio(measure, scene.regions[word.region], NOISE[word.seen])
    ignored = [item["reason"] for item in json.loads(rendering.plan)["ignored"] if item["words"] == word.name]
    where = f"the {word.region}" if word.region else "the frame"
    name = f"“{word.name}” moves {where} ÷ " + ("the rest" if word.region else "a still clip")
    return Figure(name, spread([ratio]), Sense.AT_LEAST, 2, "×", f"ignored: {ignored[0]}" if ignored else "")


def _changes(planes: list[np.ndarray]) -> float:
    return float(change(planes, 6).mean())
