"""How fast and how well the parallax engine moves a picture: `python3 dev.py bench engine [--quick] [--json FILE]`."""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bench.engine_maps import map_faults
from bench.engine_motion import agrees, backward_steps, jerk, luma, motion, psnr, ssim, tracks
from bench.engine_photos import DRAWINGS, NAMES, clip_size, grey, never, photo
from bench.table import Figure, Sense, as_text, spread, write_json
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize, Resolution
from stillmotion.engines.parallax import Parallax
from stillmotion.engines.parallax.scene import FaceFinder
from stillmotion.engines.parallax.shot import Shot
from stillmotion.media.encode import encode

NATIVE_MOVES = (
    *("push_in", "pull_out", "zoom_in", "zoom_out", "pan_left", "pan_right", "tilt_up", "tilt_down"),
    *("truck_left", "truck_right", "pedestal_up", "pedestal_down", "orbit_left", "orbit_right"),
    *("crane_up", "crane_down", "roll_left", "roll_right", "dolly_zoom", "handheld", "static"),
)
WIDE = FrameSize(1280, 720)


def render(engine: Parallax, picture: Picture, prompt: str, size: FrameSize, path: Path, seconds: float = 5.0) -> None:
    """One clip by the product's own path."""
    encode(engine.render(RenderJob(prompt, picture, None, size, seconds), never), path)


def speed(engine: Parallax, folder: Path, rounds: int) -> list[Figure]:
    """Wall time against encoding the same frames alone, in turns."""
    ratios: dict[str, list[float]] = {"push in": [], "a leaning girl while it snows": []}
    lengths: list[float] = []
    picture = photo("astronaut")
    for _ in range(rounds):
        for prompt, found in ratios.items():
            job = RenderJob(prompt, picture, None, WIDE, 5.0)
            found.append(_against_floor(engine, job, folder))
        short = _timed(lambda: render(engine, picture, "push in", WIDE, folder / "five.mp4"))
        long = _timed(lambda: render(engine, picture, "push in", WIDE, folder / "ten.mp4", 10.0))
        lengths.append(long / short)
    camera, moving = ratios.values()
    return [
        Figure("5 s 720p camera move ÷ encoding alone", spread(camera), Sense.AT_MOST, 2.0, "×"),
        Figure("the same with subject and snow", spread(moving), Sense.AT_MOST, 2.6, "×"),
        Figure("10 s ÷ 5 s", spread(lengths), Sense.AT_MOST, 2.05, "×"),
    ]


def _against_floor(engine: Parallax, job: RenderJob, folder: Path) -> float:
    """The whole way's time over the time of encoding the same frames when they are drawn already."""
    rendering = engine.render(job, never)
    drawn = replace(rendering, frames=iter(list(rendering.frames)))
    floor = _timed(lambda: encode(drawn, folder / "floor.mp4"))
    return _timed(lambda: encode(engine.render(job, never), folder / "whole.mp4")) / floor


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory() -> list[Figure]:
    """The largest resident size of a process that decodes, renders and encodes one clip."""
    figures = []
    for resolution, bar in (("720p", 250), ("1080p", 400)):
        run = [sys.executable, "-m", "bench.engine", "--one", resolution]
        peak = float(json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)["peak_mb"])
        figures.append(Figure(f"peak RSS, 5 s {resolution}", spread([peak]), Sense.AT_MOST, bar, "MB"))
    return figures


def one(resolution: str) -> None:
    """Render one clip and print this process's largest resident size."""
    picture = photo("coffee")
    with tempfile.TemporaryDirectory() as folder:
        size = clip_size(picture, Resolution(resolution))
        render(Parallax(), picture, "push in", size, Path(folder, "one.mp4"))
    print(json.dumps({"peak_mb": _peak_megabytes()}))


def _peak_megabytes() -> float:
    """This process's largest resident size; on Linux from the kernel's page, as getrusage remembers the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def fidelity(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """The first frame against the picture, scaled by another library."""
    decibels, likeness = [], []
    for name in names:
        picture = photo(name)
        size = clip_size(picture)
        render(engine, picture, "push in", size, folder / "first.mp4", 1.0)
        wanted = _scaled(grey(picture), size) * 219 / 255 + 16
        first = luma(folder / "first.mp4")[0]
        decibels.append(psnr(wanted, first))
        likeness.append(ssim(wanted, first))
    return [
        Figure("frame 0 against the picture, luma", spread(decibels), Sense.AT_LEAST, 40, "dB"),
        Figure("the worst of them", spread([min(decibels)]), Sense.AT_LEAST, 40, "dB"),
        Figure("frame 0, worst SSIM", spread([min(likeness)]), Sense.AT_LEAST, 0.975),
    ]


def _scaled(plane: np.ndarray, size: FrameSize) -> np.ndarray:
    """By Pillow, in floating point, as the picture's own pixels would be shown at this size."""
    from PIL import Image

    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((size.width, size.height), Image.Resampling.BICUBIC))


def smoothness(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """Points followed through a slow push."""
    jerks, backwards = [], []
    for name in names:
        picture = photo(name)
        render(engine, picture, "slow push in", clip_size(picture), folder / "slow.mp4")
        paths = tracks(luma(folder / "slow.mp4"))
        jerks.append(jerk(paths))
        backwards.append(100 * backward_steps(paths))
    return [
        Figure("acceleration of tracked points, slow push", spread(jerks), Sense.AT_MOST, 0.20, "px/f²"),
        Figure("steps against the motion", spread(backwards), Sense.AT_MOST, 1.0, "%"),
    ]


def directions(engine: Parallax, folder: Path, names: Sequence[str]) -> list[Figure]:
    """Every native move on every photograph, measured by optical flow."""
    right, wrong, reaches = 0, [], {}
    for name in names:
        picture = photo(name)
        size = clip_size(picture, Resolution.P540)
        for move in NATIVE_MOVES:
            render(engine, picture, move.replace("_", " "), size, folder / "move.mp4", 1.0)
            measured = motion(luma(folder / "move.mp4", 640))
            if agrees(move, measured):
                right += 1
            else:
                wrong.append(f"{move} on {name}")
            if move != "static":
                reaches[f"{move} on {name}"] = 100 * measured.reach
    share = 100 * right / (len(names) * len(NATIVE_MOVES))
    return [
        Figure("moves that go the way asked", spread([share]), Sense.AT_LEAST, 97, "%", "; ".join(wrong)),
        Figure(
            "median track of a clip that moves",
            spread(list(reaches.values())),
            Sense.AT_LEAST,
            2,
            "% of width",
            f"the least, which should all be over 2 %: {_least(reaches)}",
        ),
    ]


def _least(reaches: Mapping[str, float]) -> str:
    """The clips that move least, for a reader who wants to look at them."""
    return ", ".join(f"{name} {reaches[name]:.1f}" for name in sorted(reaches, key=lambda name: reaches[name])[:5])


def maps(names: Sequence[str]) -> list[Figure]:
    """Faults of the maps, over every native move and photograph."""
    faces = FaceFinder()
    faults = []
    for name in names:
        picture = photo(name)
        shot = Shot.of(picture, clip_size(picture, Resolution.P540), faces)
        faults += [map_faults(shot, move) for move in NATIVE_MOVES]
    return [
        Figure("folded cells", spread([sum(fault.folds for fault in faults)]), Sense.AT_MOST, 0),
        Figure("worst local stretch", spread([max(fault.stretch for fault in faults)]), Sense.AT_MOST, 1.6, "×"),
        Figure(
            "farthest sample outside the picture",
            spread([max(fault.outside for fault in faults)]),
            Sense.AT_MOST,
            0.01,
            "px",
            "0.01 px is the maps' own rounding",
        ),
    ]


def ending(engine: Parallax, folder: Path) -> list[Figure]:
    """Between two keyframes, the last frame against the second."""
    start, end = photo("astronaut"), photo("coffee")
    size = clip_size(start)
    job = RenderJob("push in", start, end, size, 2.0)
    encode(engine.render(job, never), folder / "two.mp4")
    still = RenderJob("static", None, end, size, 1.0)
    encode(engine.render(still, never), folder / "end.mp4")
    value = psnr(luma(folder / "two.mp4")[-1], luma(folder / "end.mp4")[0])
    return [Figure("last frame against frame1", spread([value]), Sense.AT_LEAST, 38, "dB")]


def main() -> int:
    """Measure, print, and answer 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="bench engine", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="two photographs, one round")
    parser.add_argument("--one", choices=["540p", "720p", "1080p"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one)
        return 0
    names = NAMES[:2] if arguments.quick else NAMES
    engine = Parallax()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [
            *speed(engine, folder, 1 if arguments.quick else 3),
            *memory(),
            *fidelity(engine, folder, names),
            *smoothness(engine, folder, names),
            *directions(engine, folder, names),
            *maps((*names, *DRAWINGS)),
            *ending(engine, folder),
        ]
    print(as_text(figures))
    if arguments.json:
        about = {"python": platform.python_version(), "opencv": cv2.__version__, "machine": platform.machine()}
        write_json(figures, arguments.json, about)
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
