"""`python3 dev.py bench gpu`: seconds a step and a clip, bare diffusers against our engine, in one run.

Each case is built once. It is timed first as diffusers has it (pipeline, then encoding); then through the engine
without optimizations, at the fewest steps, where the engine's overhead weighs most; then with those that its family
has by default, or those of `--options` (JSON). A clip before each warms it up, and its time is told too, since
optimizations compile. `--only WORD` picks cases, `--rounds N` repeats. Without a GPU tiny cases run on the CPU, and
no figure of speed is given.
"""

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

try:
    import torch
except ImportError:
    sys.exit("This needs torch and diffusers, which `python3 dev.py test --all` installs: run that first.")

from bench.gpu.cases import FULL, TINY, Case
from stillmotion.domain.rendering import Frame, Rendering
from stillmotion.engines.diffusers import optimizations
from stillmotion.engines.diffusers.conditioning import Anchor, Conditioning
from stillmotion.engines.diffusers.decoding import frames_of
from stillmotion.engines.diffusers.families import FAMILIES
from stillmotion.engines.diffusers.loaded_model import LoadedModel
from stillmotion.engines.diffusers.progress import ClipProgress
from stillmotion.media.output.encoder import encode

TRIED: Mapping[str, Any] = {"compile": True, "channels_last": True}
"""The optimizations tried on a GPU for a family that has none by default."""
BARS: Mapping[tuple[str, int], float] = {("Wan2.2 TI2V 5B, 720p", 4): 0.6, ("Wan2.2 TI2V 5B, 720p", 50): 0.75}
"""Our engine with its optimizations ÷ bare diffusers, seconds a clip: at most."""
OVERHEAD = 1.02
"""Our engine without optimizations ÷ bare diffusers: at most."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of one clip: a step, and the time to the first frame, to the last, and to the whole file."""

    step: float
    first: float
    last: float
    clip: float


class Stopwatch:
    """The end of each step."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.ends: list[float] = []

    def step(self) -> float:
        """Seconds of a step in the middle."""
        between = [after - before for before, after in zip(self.ends, self.ends[1:], strict=False)]
        return median(between or [self.ends[-1] - self.began])

    def since(self) -> float:
        """Seconds since the clip began."""
        return time.perf_counter() - self.began


def shot_for(case: Case, steps: int) -> Conditioning:
    """The same clip for both."""
    grey = Image.linear_gradient("L").resize((case.size.width, case.size.height)).convert("RGB")
    anchors = (Anchor(0, (grey,)),) if case.first_picture else ()
    return Conditioning("a boat drifts on a lake", case.size, case.frames, case.fps, steps, case.guidance, 1, anchors)


def bare(case: Case, pipeline: Any, shot: Conditioning, device: torch.device) -> Timed:
    """The clip as a script makes it: the whole pipeline, then the whole file."""
    asked = FAMILIES[case.family].arguments(pipeline, shot)
    watch = Stopwatch()

    def ended(_: Any, __: int, ___: Any, given: dict[str, Any]) -> dict[str, Any]:
        _wait(device)
        watch.ends.append(time.perf_counter())
        return given

    made = pipeline(
        **asked, generator=torch.Generator("cpu").manual_seed(1), output_type="pt", callback_on_step_end=ended
    )
    decoded = (made.frames[0] * 2 - 1).permute(1, 0, 2, 3)
    frames = list(frames_of(decoded))
    last = watch.since()
    _written(shot, iter(frames))
    return Timed(watch.step(), last, last, watch.since())


def ours(resident: LoadedModel, shot: Conditioning, device: torch.device) -> Timed:
    """The clip as the engine makes it: frames go to the encoder while the next are decoded."""
    watch = Stopwatch()
    course = _Noted(resident, shot, watch, device)
    latents = resident.denoise(shot, course)
    marks: list[float] = []

    def frames() -> Iterator[Frame]:
        for piece in resident.decode(latents, shot, course):
            for frame in frames_of(piece):
                marks.append(watch.since())
                yield frame

    _written(shot, frames())
    return Timed(watch.step(), marks[0], marks[-1], watch.since())


class _Noted(ClipProgress):
    """A course that notes the end of each step."""

    def __init__(self, resident: LoadedModel, shot: Conditioning, watch: Stopwatch, device: torch.device) -> None:
        super().__init__(resident.step_times, None, shot.steps, shot.frame_count, lambda _: None)
        self._watch, self._device = watch, device

    def after_step(self) -> None:
        super().after_step()
        _wait(self._device)
        self._watch.ends.append(time.perf_counter())


def _written(shot: Conditioning, frames: Iterator[Frame]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        encode(Rendering(shot.size, shot.fps, shot.frame_count, frames, "{}"), Path(folder, "clip.mp4"))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _typical(rounds: Sequence[Timed]) -> Timed:
    return Timed(*(median(getattr(each, name) for each in rounds) for name in ("step", "first", "last", "clip")))


def measured(
    case: Case, device: torch.device, options: Mapping[str, Any], rounds: int
) -> Iterator[tuple[int, str, Timed]]:
    """Rows of the table: steps, maker, and seconds."""
    pipeline = case.build(device)
    pipeline.set_progress_bar_config(disable=True)
    shots = [shot_for(case, steps) for steps in case.steps]
    yield from _rows("bare", shots, rounds, lambda shot: bare(case, pipeline, shot, device))
    for name, pulled in (("ours", {}), ("ours, optimized", options)):
        if name != "ours" and not options:
            continue
        resident = LoadedModel(case.entry(case.steps[0], pulled), device, pipeline, FAMILIES[case.family])
        if "vae_dtype" in pulled:
            pipeline.vae.to(getattr(torch, str(pulled["vae_dtype"])))
        optimizations.apply(pipeline, resident.entry)
        timed = shots if pulled else shots[:1]
        yield from _rows(name, timed, rounds, partial(ours, resident, device=device))


def _rows(
    who: str, shots: Sequence[Conditioning], rounds: int, run: Callable[[Conditioning], Timed]
) -> Iterator[tuple[int, str, Timed]]:
    warming = run(replace(shots[0], steps=min(2, shots[0].steps)))
    print(f"{who}: warmed up by a clip of {min(2, shots[0].steps)} steps in {warming.clip:.1f} s", file=sys.stderr)
    for shot in shots:
        yield shot.steps, who, _typical([run(shot) for _ in range(rounds)])


def line(case: Case, row: tuple[int, str, Timed], base: float, *, barred: bool) -> tuple[str, bool]:
    """A line of Markdown, and the outcome against its bar; None where nothing is measured."""
    steps, who, timed = row
    ratio = timed.clip / base
    bar = _bar(case, steps, who) if barred else None
    kept = bar is None or ratio <= bar
    verdict = "" if bar is None else f"≤ {bar:g} {'ok' if kept else 'MISSED'}"
    return (
        f"| {case.name}, {case.frames} frames | {steps} | {who} | {timed.step:.3f} | {timed.first:.2f} | "
        f"{timed.last:.2f} | {timed.clip:.2f} | {ratio:.3f} | {verdict} |"
    ), kept


def _bar(case: Case, steps: int, who: str) -> float | None:
    if who == "bare":
        return None
    return OVERHEAD if who == "ours" else BARS.get((case.name, steps))


def main() -> int:
    """Run the cases and print the table."""
    arguments = _arguments()
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda:0" if has_gpu else "cpu")
    asked = json.loads(arguments.options) if arguments.options else None
    cases = [case for case in (FULL if has_gpu else TINY) if arguments.only in case.name]
    print("| model | steps | who | s a step | first frame out, s | last, s | whole clip, s | ÷ bare | bar |")
    print("|---|---|---|---|---|---|---|---|---|")
    kept = True
    for case in cases:
        options = optimizations.GPU_DEFAULTS.get(case.family, TRIED) if asked is None and has_gpu else asked or {}
        bases: dict[int, float] = {}
        for row in measured(case, device, options, arguments.rounds):
            told, good = line(case, row, bases.setdefault(row[0], row[2].clip), barred=has_gpu)
            print(told, flush=True)
            kept &= good
        gc.collect()
        if has_gpu:
            torch.cuda.empty_cache()
    if not has_gpu:
        print("\nThere is no GPU here: tiny models ran through on the CPU. NOTHING WAS MEASURED: these are no times.")
        return 0
    print(f"\n{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
    return 0 if kept else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py bench gpu", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--options", default="", help="optimizations as JSON, e.g. '{\"compile\": true}'")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
