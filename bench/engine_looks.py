"""The looks of clips, read back from the MP4: fidelity, smoothness, direction, lines, loops, endings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from bench.engine_lines import bends
from bench.engine_mesh import Mesh, mesh
from bench.engine_motion import Places, agrees, backward_steps, jerk, motion, tracks
from bench.engine_photos import clip_size, grey, never, photo
from bench.engine_read import luma, psnr, seam, ssim
from bench.table import Figure, Sense, Spread, spread
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import Resolution
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.output.encoder import encode
from stillmotion.vision.resize import even

NATIVE_MOVES = (
    *("push_in", "pull_out", "zoom_in", "zoom_out", "pan_left", "pan_right", "tilt_up", "tilt_down"),
    *("truck_left", "truck_right", "pedestal_up", "pedestal_down", "orbit_left", "orbit_right"),
    *("crane_up", "crane_down", "roll_left", "roll_right", "dolly_zoom", "handheld", "static"),
)
WITH_DEPTH = frozenset({"push_in", "truck_right", "orbit_left", "crane_up", "dolly_zoom"})
"""The moves whose clips are looked at for folds and stretches."""
BENDING = ("push in", "truck left", "orbit right", "crane up", "dolly zoom")
LOOPS = (
    *(("astronaut", "orbit left"), ("coffee", "push in"), ("rocket", "pan right"), ("chelsea", "handheld")),
    *(("lake", "waves"), ("lake", "the clouds drift"), ("coffee", "snow"), ("astronaut", "she sways")),
)
NEAR_AND_FAR: Mapping[str, Places] = {
    "astronaut": Places((0.4, 0.75), (0.8, 0.25)),
    "chelsea": Places((0.52, 0.7), (0.9, 0.3)),
    "coffee": Places((0.5, 0.45), (0.9, 0.15)),
    "motorcycle_left": Places((0.5, 0.5), (0.65, 0.1)),
    "camera": Places((0.4, 0.35), (0.8, 0.35)),
    "lake": Places((0.84, 0.3), (0.17, 0.48)),
}
"""Hand-set places of pictures in which the nearest thing does not lie lowest."""
UNTOLD = frozenset({"YellowFlower", "LadyBird", "hubble_deep_field", "clock_motion"})
"""Pictures in which one cannot say what is near: their orbits only have to move."""
PIVOTED = frozenset({"orbit_left", "orbit_right", "crane_up", "crane_down"})
"""Moves whose subject keeps its place, and may fill most of the frame: a quarter of the tracks must move."""
TRACKED_WIDTH = 640
"""Directions are measured on frames scaled to this width."""
TRACKED_EVERY = 2
"""The step between frames on which directions are measured; the last frame is always among them."""


def render(engine: Parallax, job: RenderJob, path: Path) -> None:
    """One clip by the product's own path."""
    encode(engine.render(job, never), path)


def fidelity(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """The first frame against the picture, scaled by another library."""
    decibels, likeness = {}, {}
    for name in names:
        picture = photo(name)
        size = clip_size(picture)
        render(engine, RenderJob("push in", picture, None, size, 0.5), folder / "first.mp4")
        decibels[name], likeness[name] = against_picture(picture, luma(folder / "first.mp4")[0])
    return [
        Figure("frame 0 against the picture, luma", _all(decibels), Sense.AT_LEAST, 40, "dB"),
        worst("the worst of them", decibels, Sense.AT_LEAST, 40, "dB"),
        worst("frame 0, worst SSIM", likeness, Sense.AT_LEAST, 0.975),
    ]


def _all(found: Mapping[str, float]) -> Spread:
    return spread(list(found.values()))


def worst(name: str, found: Mapping[str, float], sense: Sense, bar: float, unit: str = "") -> Figure:
    """The worst of several as one figure, with those that miss the bar in its note."""
    value = min(found.values()) if sense is Sense.AT_LEAST else max(found.values())
    missed = {clip: one for clip, one in found.items() if (one < bar if sense is Sense.AT_LEAST else one > bar)}
    ordered = sorted(missed, key=lambda clip: missed[clip], reverse=sense is Sense.AT_MOST)
    note = f"{len(missed)} of {len(found)} miss: " if missed else ""
    return Figure(
        name, spread([value]), sense, bar, unit, note + ", ".join(f"{clip} {missed[clip]:.3g}" for clip in ordered)
    )


def against_picture(picture: Picture, frame: np.ndarray) -> tuple[float, float]:
    """Decibels and structural similarity of a frame's luma to the picture scaled by Pillow, in floating point.

    A frame's shape is a little off the picture's, whose sides need not be even: each side is scaled to the frame's or
    to the even length that keeps the shape, and of the crops to the frame the one counts that is most like it.
    """
    height, width = frame.shape
    scale = max(width / picture.width, height / picture.height)
    image = Image.fromarray(grey(picture).astype(np.float32))
    sides = [
        {side, max(side, even(whole * scale))} for side, whole in ((width, picture.width), (height, picture.height))
    ]
    crops = []
    for across, down in product(*sides):
        scaled = np.asarray(image.resize((across, down), Image.Resampling.BICUBIC)) * 219 / 255 + 16
        corners = product(range(down - height + 1), range(across - width + 1))
        crops += [scaled[top : top + height, left : left + width] for top, left in corners]
    wanted = max(crops, key=lambda crop: psnr(crop, frame))
    return psnr(wanted, frame), ssim(wanted, frame)


def smoothness(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """Points followed through a slow push."""
    jerks, backwards = {}, {}
    for name in names:
        picture = photo(name)
        render(engine, RenderJob("slow push in", picture, None, clip_size(picture), 5.0), folder / "slow.mp4")
        paths = tracks(luma(folder / "slow.mp4"))
        if paths.shape[1] >= 6:
            jerks[name], backwards[name] = jerk(paths), 100 * backward_steps(paths)
    return [
        Figure("acceleration of tracked points, slow push", _all(jerks), Sense.AT_MOST, 0.20, "px/f²"),
        worst("the worst picture's", jerks, Sense.AT_MOST, 0.20, "px/f²"),
        worst("steps against the motion, worst picture", backwards, Sense.AT_MOST, 1.0, "%"),
    ]


@dataclass
class Moves:
    """The measurements of every native move on every picture."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    reaches: dict[str, float] = field(default_factory=dict)
    meshes: dict[str, Mesh] = field(default_factory=dict)

    def look(self, engine: Parallax, folder: Path, name: str) -> None:
        """Film the picture with each move and note the measurements."""
        picture, path = photo(name), folder / "move.mp4"
        size = clip_size(picture, Resolution.P540)
        for move in NATIVE_MOVES:
            rendering = engine.render(RenderJob("", picture, None, size, 1.0, concepts=(move,)), never)
            is_one_surface = json.loads(rendering.plan).get("layers", 1) == 1
            if move == "dolly_zoom" and not is_one_surface:
                # Nearly all tracks lie on the subject, which holds still.
                continue
            encode(rendering, path)
            planes = luma(path, TRACKED_WIDTH)[::-TRACKED_EVERY][::-1]
            measured = motion(planes, NEAR_AND_FAR.get(name))
            clip = f"{move} on {name}"
            judged = "handheld" if move.startswith("orbit") and name in UNTOLD else move
            if agrees(judged, measured):
                self.right += 1
            else:
                self.wrong.append(clip)
            if move != "static":
                self.reaches[clip] = 100 * (measured.quarter if move in PIVOTED else measured.reach)
            # Between two layers a mesh over both folds and tears as it should.
            if move in WITH_DEPTH and is_one_surface:
                self.meshes[clip] = mesh(planes)

    def figures(self) -> list[Figure]:
        """The rows of the table."""
        share = 100 * self.right / (self.right + len(self.wrong))
        folds = {clip: float(found.folds) for clip, found in self.meshes.items()}
        stretches = {clip: found.stretch for clip, found in self.meshes.items()}
        return [
            Figure("moves that go the way asked", spread([share]), Sense.AT_LEAST, 97, "%", "; ".join(self.wrong)),
            Figure("median track of a clip that moves", _all(self.reaches), Sense.AT_LEAST, 2, "% of width"),
            worst("the clip that moves least", self.reaches, Sense.AT_LEAST, 2, "% of width"),
            worst("folds, as tracked", folds, Sense.AT_MOST, 0),
            worst("worst local stretch, as tracked", stretches, Sense.AT_MOST, 1.6, "×"),
        ]


def directions(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """Every native move on every picture, measured by optical flow."""
    moves = Moves()
    for name in names:
        moves.look(engine, folder, name)
    return moves.figures()


def straightness(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """The lines of pictures that have any, through the moves that shift near against far.

    Clips in two layers are left out: what is behind a layer is cut by its outline, and points on it are lost there.
    """
    pooled: list[float] = []
    clips: dict[str, float] = {}
    for name in names:
        picture = photo(name)
        for prompt in BENDING:
            rendering = engine.render(RenderJob(prompt, picture, None, clip_size(picture), 1.0), never)
            if json.loads(rendering.plan).get("layers", 1) > 1:
                continue
            encode(rendering, folder / "lines.mp4")
            found = [100 * value for value in bends(luma(folder / "lines.mp4"))]
            pooled += found
            if len(found) >= 3:
                clips[f"{prompt} on {name}"] = float(np.percentile(found, 95))
    pooled_value = float(np.percentile(pooled, 95))
    worst = sorted(clips, key=lambda clip: -clips[clip])[:6]
    note = f"{len(pooled)} segments; most: " + ", ".join(f"{clip} {clips[clip]:.2g}" for clip in worst)
    return [
        Figure(
            "95th percentile bend of straight lines", spread([pooled_value]), Sense.AT_MOST, 1.0, "% of length", note
        )
    ]


def loops(engine: Parallax, folder: Path, cases: Sequence[tuple[str, str]]) -> list[Figure]:
    """The step over the seam of a loop."""
    found = {}
    for name, prompt in cases:
        picture = photo(name)
        size = clip_size(picture, Resolution.P540)
        render(engine, RenderJob(prompt, picture, None, size, 4.0, loop=True), folder / "loop.mp4")
        found[f"{prompt} on {name}"] = seam(luma(folder / "loop.mp4"))
    return [worst("loop seam ÷ mean step, worst clip", found, Sense.AT_MOST, 1.2, "×")]


def ending(engine: Parallax, folder: Path, pairs: Sequence[tuple[str, str]]) -> list[Figure]:
    """Between two keyframes, the last frame against the second picture, scaled by another library."""
    found = {}
    for start, end in pairs:
        first, last = photo(start), photo(end)
        size = clip_size(last)
        render(engine, RenderJob("push in", first, last, size, 2.0), folder / "two.mp4")
        found[f"{start} to {end}"], _ = against_picture(last, luma(folder / "two.mp4")[-1])
    return [worst("last frame against frame1, worst pair", found, Sense.AT_LEAST, 38, "dB")]
