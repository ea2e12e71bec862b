"""The cost of a clip: wall time against encoding alone and against ffmpeg's zoompan."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from bench.engine_depth import motorcycle_depth
from bench.engine_photos import clip_size, never, photo, photo_file
from bench.table import Figure, Sense, spread
from stillmotion.domain.rendering import Frame, RenderJob
from stillmotion.domain.request import FrameSize, Resolution, VideoCodec
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.output.encoder import OPTIONS, can_encode, encode

Made = TypeVar("Made")

WIDE = FrameSize(1280, 720)
UPSCALED = 8000
"""The width that a picture is enlarged to before zoompan, so that whole-pixel steps become small."""


@dataclass(frozen=True)
class Timed:
    """A clip of 5 s at 720p that is timed; with `deep` its picture's true depth is given, with `av1` both codecs."""

    name: str
    photo: str
    prompt: str
    bar: float
    deep: bool = False
    av1: bool = False

    def job(self) -> RenderJob:
        """The whole order."""
        depth = motorcycle_depth() if self.deep else None
        return RenderJob(self.prompt, photo(self.photo), None, WIDE, 5.0, depth=depth)


CLIPS = (
    Timed("5 s 720p camera move", "coffee", "push in", 1.5),
    Timed("the same in two layers", "motorcycle_left", "orbit left", 2.0, deep=True, av1=True),
    Timed("“a leaning girl while it snows”", "astronaut", "a leaning girl while it snows", 2.4),
    Timed("“orbit left, snow” in two layers", "motorcycle_left", "orbit left, snow", 2.4, deep=True),
    Timed("“push in, waves, the clouds drift by”", "lake", "push in, waves, the clouds drift by", 2.4),
)


@dataclass
class Rounds:
    """One clip's times over the time of encoding the same frames alone, a value for each round.

    `whole` and `analysis` are wall time, `busy` is processor time; `av1` is over x264's floor.
    """

    whole: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    analysis: list[float] = field(default_factory=list)
    av1: list[float] = field(default_factory=list)
    layers: int = 1


def speed(engine: Parallax, folder: Path, rounds: int) -> list[Figure]:
    """Times against each other, taken in turns so that a busy machine slows both alike."""
    clips = {clip: Rounds() for clip in CLIPS}
    larger, longer, panned = [], [], []
    for _ in range(rounds):
        for clip, found in clips.items():
            _against_floor(engine, clip, folder, found)
        five = _whole(engine, folder, Resolution.P720, 5.0)
        longer.append(_whole(engine, folder, Resolution.P720, 10.0) / five)
        larger.append(_whole(engine, folder, Resolution.P1080, 5.0) / five)
        if shutil.which("ffmpeg"):
            panned.append(_against_zoompan(engine, folder))
    zoompan = "camera move ÷ ffmpeg zoompan on 8000 px"
    return [
        *_against_encoding(clips),
        *([Figure(zoompan, spread(panned), Sense.AT_MOST, 0.8, "×")] if panned else []),
        Figure("1080p ÷ 720p", spread(larger), Sense.AT_MOST, 2.4, "×"),
        Figure("10 s ÷ 5 s", spread(longer), Sense.AT_MOST, 2.05, "×"),
    ]


def _against_encoding(clips: Mapping[Timed, Rounds]) -> list[Figure]:
    rows = []
    for clip, found in clips.items():
        note = f"{found.layers} layers, processor time {spread(found.busy).median:.3g} ×"
        rows.append(Figure(f"{clip.name} ÷ encoding alone", spread(found.whole), Sense.AT_MOST, clip.bar, "×", note))
        if found.av1:
            name = f"{clip.name}, AV1 ÷ encoding alone by x264"
            rows.append(Figure(name, spread(found.av1), Sense.AT_MOST, 1.3, "×"))
    slowest = max(clips, key=lambda clip: spread(clips[clip].analysis).median)
    name = "analysis before frame 0 ÷ encoding alone, slowest"
    analysis = spread(clips[slowest].analysis)
    return [*rows, Figure(name, analysis, Sense.AT_MOST, 0.5, "×", f"{slowest.photo}, “{slowest.prompt}”")]


def _against_floor(engine: Parallax, clip: Timed, folder: Path, found: Rounds) -> None:
    """Add a round: the whole way's time over the time of encoding the same frames when they are drawn already."""
    # Making or decoding the picture is not the engine's work.
    job = clip.job()
    rendering, analysis = _measured(lambda: engine.render(job, never))
    found.layers = json.loads(rendering.plan).get("layers", 1)
    drawn = [Frame(frame.width, frame.height, bytes(frame.planes)) for frame in rendering.frames]
    _, floor = _measured(lambda: encode(replace(rendering, frames=iter(drawn)), folder / "floor.mp4"))
    _, whole = _measured(lambda: encode(engine.render(job, never), folder / "whole.mp4"))
    found.whole.append(whole.wall / floor.wall)
    found.busy.append(whole.busy / floor.busy)
    found.analysis.append(analysis.wall / floor.wall)
    if clip.av1 and can_encode(VideoCodec.AV1):
        options = OPTIONS[VideoCodec.AV1]
        _, smaller = _measured(lambda: encode(engine.render(job, never), folder / "whole.mp4", options))
        found.av1.append(smaller.wall / floor.wall)


def _whole(engine: Parallax, folder: Path, resolution: Resolution, seconds: float) -> float:
    """Seconds from the picture's file to the clip's."""

    def work() -> None:
        picture = photo("astronaut")
        job = RenderJob("push in", picture, None, clip_size(picture, resolution), seconds)
        encode(engine.render(job, never), folder / "whole.mp4")

    return _measured(work)[1].wall


def _against_zoompan(engine: Parallax, folder: Path) -> float:
    """The same picture, length, size and encoder settings, pushed in by ffmpeg."""
    crop = f"crop=iw:iw*9/16,scale={UPSCALED}:-2:flags=bicubic"
    zoom = "zoompan=z='1+0.22*on/120':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d=120:s=1280x720:fps=24"
    command = ["ffmpeg", "-y", "-v", "error", "-i", str(photo_file("astronaut")), "-vf", f"{crop},{zoom}"]
    command += ["-frames:v", "120", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "3"]
    command += ["-pix_fmt", "yuv420p", "-movflags", "+faststart", str(folder / "zoompan.mp4")]
    _, panned = _measured(lambda: subprocess.run(command, check=True))

    def ours() -> None:
        encode(engine.render(RenderJob("push in", photo("astronaut"), None, WIDE, 5.0), never), folder / "whole.mp4")

    return _measured(ours)[1].wall / panned.wall


@dataclass(frozen=True)
class _Cost:
    """Seconds by the clock, and seconds of this process's threads."""

    wall: float
    busy: float


def _measured(work: Callable[[], Made]) -> tuple[Made, _Cost]:
    start, busy = time.perf_counter(), time.process_time()
    made = work()
    return made, _Cost(time.perf_counter() - start, time.process_time() - busy)
