"""Layered clips: the gate that lets depth in, their first frames, and the maps of both layers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from bench.engine_folders import FacedPhoto, KnownDepth
from bench.engine_looks import NATIVE_MOVES, against_picture, worst
from bench.engine_maps import FRAMES, areas, map_faults
from bench.engine_photos import clip_size, never
from bench.engine_read import luma
from bench.engine_stereo import Floats, StereoView
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import DepthMap, Picture, RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.analysis.scene import GATE, Scene, analyse
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.clip import Clip, Joint, Terms
from stillmotion.engines.parallax.defaults import settled
from stillmotion.engines.parallax.depth.source import DepthImage, Estimate
from stillmotion.engines.parallax.engine import Parallax, possible
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.layers.gate import gated
from stillmotion.media.output.encoder import encode
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import Pixels, as_array, fit_within

ASIDE = 8
"""Pixels, of a depth's own grid, by which a wrong depth is shifted."""
GRID = 640
"""Longest side of a depth, in cells."""
LEANS = "leaning girl"
GATE_BAR = 97.8
"""45 of 46 in per cent."""


def layers(
    engine: Parallax,
    folder: Path,
    views: Sequence[StereoView],
    depths: Sequence[KnownDepth],
    people: Sequence[FacedPhoto],
) -> list[Figure]:
    """The rows on layers."""
    deep = [*depths, *(known(view) for view in views if view.name not in {one.name for one in depths})]
    return [*gate(deep), *first_frames(engine, folder, deep, people), *maps_in_layers(deep, people)]


def known(view: StereoView) -> KnownDepth:
    """A stereo pair's left picture with its disparity for depth."""
    height, width = view.left.shape[:2]
    near = np.ascontiguousarray(fit_within(view.disparity, GRID))
    return KnownDepth(
        view.name, Picture(width, height, view.left.tobytes()), DepthMap(near.shape[1], near.shape[0], near.data)
    )


def gate(deep: Sequence[KnownDepth]) -> list[Figure]:
    """Right depths that the gate lets in and wrong ones that it keeps out, of all that are tried."""
    faces = FaceFinder()
    scenes = {one.name: analyse(as_array(one.picture), faces) for one in deep}
    others = dict(pairwise([*(one.name for one in deep), deep[0].name]))
    maps = {one.name: _values(one.depth) for one in deep}
    wrongly: list[str] = []
    tried = 0
    for one in deep:
        rgb, scene = as_array(one.picture), scenes[one.name]
        shown = _measured(maps[one.name], rgb, scene)
        tried += 1
        wrongly += [f"{one.name} {shown:.2f} out"] if shown < GATE else []
        for what, wrong in wrong_depths(maps[one.name], rgb, maps[others[one.name]] if len(deep) > 1 else None):
            shown = _measured(wrong, rgb, scene)
            tried += 1
            wrongly += [f"{one.name} {what} {shown:.2f} in"] if shown >= GATE else []
    share = 100 * (tried - len(wrongly)) / tried
    note = f"{tried - len(wrongly)} of {tried}" + (f"; wrong: {', '.join(wrongly)}" if wrongly else "")
    return [Figure("gate: right depths in, wrong ones out", spread([share]), Sense.AT_LEAST, GATE_BAR, "%", note)]


def wrong_depths(right: Floats, rgb: Pixels, another: Floats | None) -> Iterator[tuple[str, Floats]]:
    """Depths that do not belong to the picture, on the right one's grid: moved, made by hand, another picture's."""
    height, width = right.shape
    size = (width, height)
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    yield "mirrored", np.ascontiguousarray(right[:, ::-1])
    yield "shifted", np.roll(right, ASIDE, axis=1)
    yield "ramp", down
    yield "slanted ramp", (down + across) / 2
    yield "ellipse", ((across - 0.5) ** 2 / 0.06 + (down - 0.55) ** 2 / 0.12 < 1).astype(np.float32)
    small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    yield "blurred luma", np.asarray(cv2.GaussianBlur(small, (0, 0), width / 40))
    if another is not None:
        yield "another's", np.asarray(cv2.resize(another, size, interpolation=cv2.INTER_LINEAR))


def _values(depth: DepthMap) -> Floats:
    return np.frombuffer(depth.nearness, np.float32).reshape(depth.height, depth.width)


def _measured(near: Floats, rgb: Pixels, scene: Scene) -> float:
    """The gate of a depth given with a picture."""
    values = np.ascontiguousarray(near, np.float32)
    depth = gated(DepthImage(DepthMap(values.shape[1], values.shape[0], values.data)).depth(rgb, scene), rgb)
    return depth.gate or 0.0


def first_frames(
    engine: Parallax, folder: Path, deep: Sequence[KnownDepth], people: Sequence[FacedPhoto]
) -> list[Figure]:
    """The first frames of clips with a depth given, and of people who lean, against the picture scaled by Pillow."""
    jobs = [(one.name, one.picture, "orbit left", one.depth) for one in deep]
    decibels, likeness = {}, {}
    for name, picture, prompt, depth in (*jobs, *((one.name, one.picture, LEANS, None) for one in people)):
        size = clip_size(picture)
        encode(engine.render(RenderJob(prompt, picture, None, size, 0.5, depth=depth), never), folder / "first.mp4")
        clip = f"{prompt} on {name}"
        decibels[clip], likeness[clip] = against_picture(picture, luma(folder / "first.mp4")[0])
    return [
        worst("frame 0 of layered and leaning clips, worst", decibels, Sense.AT_LEAST, 40, "dB"),
        worst("frame 0 of layered and leaning clips, worst SSIM", likeness, Sense.AT_LEAST, 0.975),
    ]


def maps_in_layers(deep: Sequence[KnownDepth], people: Sequence[FacedPhoto]) -> list[Figure]:
    """Folds of either layer and the farthest relative move, over every native move; folds of people who lean too."""
    faces, cutter = FaceFinder(), PersonFinder()
    folds: dict[str, float] = {}
    slides: dict[str, float] = {}
    for one in deep:
        rgb = as_array(one.picture)
        scene = analyse(rgb, faces)
        depth = gated(DepthImage(one.depth).depth(rgb, scene), rgb)
        known_scene = replace(scene, is_flat_art=False, depth=depth)
        shot = Stage.over(one.picture, clip_size(one.picture, Resolution.P540), known_scene)
        for move in NATIVE_MOVES:
            found = map_faults(shot, move)
            folds[f"{move} on {one.name}"] = found.folds
            slides[f"{move} on {one.name}"] = 100 * found.slide
    folds |= {f"{LEANS} on {one.name}": folded(leaning(one.picture, faces, cutter)) for one in people}
    return [
        worst("folds in either layer", folds, Sense.AT_MOST, 0),
        worst("relative move of near and far", slides, Sense.AT_MOST, 6, "% of width"),
    ]


def leaning(picture: Picture, faces: FaceFinder, cutter: PersonFinder) -> Clip:
    """The clip of a person who leans, as the engine builds it."""
    rgb = as_array(picture)
    bare = analyse(rgb, faces)
    scene = replace(bare, people=cutter.mask(rgb), depth=Estimate().depth(rgb, bare))
    size = clip_size(picture, Resolution.P540)
    plan = possible(settled(read(LEANS), scene, size.width, size.height), scene)
    return Clip(picture, scene, plan, Terms(size, FRAMES, 1.0, 0), Joint())


def folded(clip: Clip) -> int:
    """The cells of a clip's maps, of both layers, that are folded over."""
    maps = [layer(index) for index in range(0, FRAMES, 4) for layer in (clip.sources, clip.behind)]
    return sum(int((areas(one.astype(np.float64)) <= 0).sum()) for one in maps if one is not None)
