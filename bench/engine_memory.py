"""The largest resident size of a renderer's process, and the time of its start."""

import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench.engine_depth import motorcycle_depth
from bench.engine_photos import photo_file
from bench.table import Figure, Sense, spread

BARS = {"720p": 250, "1080p": 400}


@dataclass(frozen=True)
class Held:
    """A clip of 5 s whose memory is measured; with `deep` its picture's true depth is given."""

    photo: str
    prompt: str
    deep: bool = False


CASES = (
    Held("coffee", "push in"),
    Held("astronaut", "a leaning girl while it snows"),
    Held("motorcycle_left", "orbit left, snow", deep=True),
)

STARTED = "from stillmotion.worker.renderer.__main__ import embedded_engines; embedded_engines()"
IMPORTED = "import av, cv2, numpy"
START_ROUNDS = 11
START_BEFORE = 1.46
"""The start's processor time over that of importing the libraries alone, measured on 2026-11-29 at `bf35dc7`, before
any network was in the package."""


def memory() -> list[Figure]:
    """Peaks from the picture's file to the thumbnail, the worst of some clips."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        depth = Path(folder, "near.png")
        write_depth(depth)
        for resolution, bar in BARS.items():
            peaks = {one.prompt: _peak(one, resolution, depth) for one in CASES}
            note = ", ".join(f"“{prompt}” {peak:.0f}" for prompt, peak in peaks.items())
            worst = spread([max(peaks.values())])
            figures.append(Figure(f"peak RSS, 5 s {resolution}", worst, Sense.AT_MOST, bar, "MB", note))
    return figures


def write_depth(path: Path) -> None:
    """The motorcycle's true depth as a grey picture of 16 bits, bright being near."""
    depth = motorcycle_depth()
    values = np.frombuffer(depth.nearness, np.float32).reshape(depth.height, depth.width)
    cv2.imwrite(str(path), (values / values.max() * 65535).astype(np.uint16))


def _peak(held: Held, resolution: str, depth: Path) -> float:
    program = "import sys; from bench.engine_process import made; print(made(*sys.argv[1:]))"
    command = [sys.executable, "-c", program, str(photo_file(held.photo)), held.prompt, resolution]
    command += [str(depth)] if held.deep else []
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def start() -> list[Figure]:
    """Processor time of loading the renderer's engine over that of importing the libraries that it cannot do without.

    Processor time, since a start is too short for a clock on a busy machine.
    """
    ratios = [_busy(STARTED) / _busy(IMPORTED) for _ in range(START_ROUNDS)]
    bar = round(1.2 * START_BEFORE, 2)
    note = f"1.2 × the {START_BEFORE} of before the networks"
    return [Figure("renderer's start ÷ importing its libraries", spread(ratios), Sense.AT_MOST, bar, "×", note)]


def _busy(program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
