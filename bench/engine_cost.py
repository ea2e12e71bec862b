"""The cost of a clip: wall time against encoding alone and against ffmpeg's zoompan, and memory."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.engine_photos import clip_size, never, photo, photo_file
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import Frame, RenderJob
from stillmotion.domain.request import FrameSize, Resolution
from stillmotion.engines.parallax import Parallax
from stillmotion.media.output.encoder import encode

WIDE = FrameSize(1280, 720)
CAMERA = ("astronaut", "push in")
MOVING = (("astronaut", "a leaning girl while it snows"), ("lake", "push in, waves, the clouds drift by"))
UPSCALED = 8000
"""The width that a picture is enlarged to before zoompan, so that whole-pixel steps become small."""
MEMORY_BARS = {"720p": 250, "1080p": 400}
MEMORY_CASES = (("coffee", "push in"), ("astronaut", "a leaning girl while it snows"))


def speed(engine: Parallax, folder: Path, rounds: int) -> list[Figure]:
    """Wall times against each other, taken in turns so that a busy machine slows both alike."""
    floors: dict[str, list[float]] = {prompt: [] for _, prompt in (CAMERA, *MOVING)}
    larger, longer, panned = [], [], []
    for _ in range(rounds):
        for name, prompt in (CAMERA, *MOVING):
            floors[prompt].append(_against_floor(engine, RenderJob(prompt, photo(name), None, WIDE, 5.0), folder))
        five = _whole(engine, folder, Resolution.P720, 5.0)
        longer.append(_whole(engine, folder, Resolution.P720, 10.0) / five)
        larger.append(_whole(engine, folder, Resolution.P1080, 5.0) / five)
        if shutil.which("ffmpeg"):
            panned.append(_against_zoompan(engine, folder))
    camera, *moving = floors.items()
    return [
        Figure("5 s 720p camera move ÷ encoding alone", spread(camera[1]), Sense.AT_MOST, 2.0, "×", "aim 1.5"),
        *(Figure(f"“{prompt}” ÷ encoding alone", spread(times), Sense.AT_MOST, 2.6, "×") for prompt, times in moving),
        *(
            [Figure("camera move ÷ ffmpeg zoompan on 8000 px", spread(panned), Sense.AT_MOST, 0.8, "×")]
            if panned
            else []
        ),
        Figure("1080p ÷ 720p", spread(larger), Sense.AT_MOST, 2.4, "×"),
        Figure("10 s ÷ 5 s", spread(longer), Sense.AT_MOST, 2.05, "×"),
    ]


def _against_floor(engine: Parallax, job: RenderJob, folder: Path) -> float:
    """The whole way's time over the time of encoding the same frames when they are drawn already."""
    floor = _floor(engine, job, folder)
    return _timed(lambda: encode(engine.render(job, never), folder / "whole.mp4")) / floor


def _floor(engine: Parallax, job: RenderJob, folder: Path) -> float:
    """The seconds that encoding alone takes."""
    rendering = engine.render(job, never)
    drawn = [Frame(frame.width, frame.height, bytes(frame.planes)) for frame in rendering.frames]
    return _timed(lambda: encode(replace(rendering, frames=iter(drawn)), folder / "floor.mp4"))


def _whole(engine: Parallax, folder: Path, resolution: Resolution, seconds: float) -> float:
    """Seconds from the picture's file to the clip's."""

    def work() -> None:
        picture = photo("astronaut")
        job = RenderJob("push in", picture, None, clip_size(picture, resolution), seconds)
        encode(engine.render(job, never), folder / "whole.mp4")

    return _timed(work)


def _against_zoompan(engine: Parallax, folder: Path) -> float:
    """The same picture, length, size and encoder settings, pushed in by ffmpeg."""
    crop = f"crop=iw:iw*9/16,scale={UPSCALED}:-2:flags=bicubic"
    zoom = "zoompan=z='1+0.22*on/120':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d=120:s=1280x720:fps=24"
    command = ["ffmpeg", "-y", "-v", "error", "-i", str(photo_file("astronaut")), "-vf", f"{crop},{zoom}"]
    command += ["-frames:v", "120", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "3"]
    command += ["-pix_fmt", "yuv420p", "-movflags", "+faststart", str(folder / "zoompan.mp4")]
    panned = _timed(lambda: subprocess.run(command, check=True))

    def ours() -> None:
        encode(engine.render(RenderJob("push in", photo("astronaut"), None, WIDE, 5.0), never), folder / "whole.mp4")

    return _timed(ours) / panned


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory() -> list[Figure]:
    """The largest resident size of a renderer's process, picture's file to thumbnail, the worst of some clips."""
    figures = []
    for resolution, bar in MEMORY_BARS.items():
        peaks = {prompt: _peak(name, prompt, resolution) for name, prompt in MEMORY_CASES}
        note = ", ".join(f"“{prompt}” {peak:.0f}" for prompt, peak in peaks.items())
        figures.append(
            Figure(f"peak RSS, 5 s {resolution}", spread([max(peaks.values())]), Sense.AT_MOST, bar, "MB", note)
        )
    return figures


def _peak(name: str, prompt: str, resolution: str) -> float:
    program = "import sys; from bench.engine_process import made; print(made(*sys.argv[1:]))"
    command = [sys.executable, "-c", program, str(photo_file(name)), prompt, resolution]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
