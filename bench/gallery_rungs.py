"""The engine's rungs side by side, for a person to look through: today's, the one below, and ffmpeg's zoompan."""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.engine_depth import motorcycle_depth
from bench.engine_folders import photographs
from bench.engine_photos import never
from bench.gallery_page import Clips, Row, page
from bench.gallery_zoompan import Pan, pan_of, write_zoompan
from stillmotion.domain.rendering import DepthMap, Picture, Rendering, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Depth, Scene
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.media.input.depth_images import decode_depth
from stillmotion.media.input.pictures import decode
from stillmotion.media.output.encoder import encode

SECONDS = 3.0
AREA = 640 * 360
"""Pixels of a frame: small enough for three dozen clips on one screen."""
LAYERS = 2
"""Layers of the highest rung, in a plan."""
MOTORCYCLE = "motorcycle_left"
"""The picture at hand whose depth was measured."""
PROMPTS = (
    "push in",
    "orbit left",
    "truck right",
    "crane up",
    "dolly zoom",
    "leaning girl",
    "she turns her head",
    "her hair blows in the wind",
    "snow",
    "the water ripples, the clouds drift by",
    "the candle flickers, smoke rises",
    "handheld, the leaves rustle",
)


class OneRungDown(Parallax):
    """The engine without its highest rung for a picture: layers become the soft warp, and the soft warp a plane."""

    def __init__(self, *, layered: bool) -> None:
        super().__init__()
        self._layered = layered

    def _analysed(self, picture: Picture, known: DepthMap | None) -> Scene:
        scene = super()._analysed(picture, known)
        if scene.depth is None:
            return scene
        if self._layered:
            return replace(scene, people=None, depth=replace(scene.depth, raw=None, gate=None))
        plane = np.full(scene.depth.near.shape, FLAT_NEARNESS, np.float32)
        return replace(scene, people=None, depth=Depth(plane, "left out"))


@dataclass(frozen=True)
class Order:
    """A photograph, and the depth that somebody gave of it."""

    name: str
    file: Path
    depth: Path | None = None

    def known(self) -> DepthMap | None:
        """Its known depth, if there is any."""
        if self.depth is not None:
            return decode_depth(self.depth)
        return motorcycle_depth() if self.name == MOTORCYCLE else None


def ordered(photos: Sequence[Path], depths: Path | None, only: str) -> list[Order]:
    """The photographs at hand and those of the folders, each with its depth if somebody gave one."""
    return [
        Order(each.name, each.file, _beside(depths, each.name)) for each in photographs(photos) if only in each.name
    ]


def write_rungs(
    folder: Path, orders: Sequence[Order], prompts: Sequence[str], jobs: int | None, seconds: float = SECONDS
) -> Path:
    """Make all clips, a photograph after the other, and the page `rungs.html`; returns its path.

    The page is written anew after each photograph, so that looking can begin at once.
    """
    (folder / "zoompan").mkdir(parents=True, exist_ok=True)
    target, began = folder / "rungs.html", time.perf_counter()
    rows: list[Row] = []
    with ProcessPoolExecutor(jobs or max(1, (os.cpu_count() or 2) // 2)) as pool:
        for row in pool.map(partial(_row, folder, prompts, seconds), orders):
            rows.append(row)
            target.write_text(page(rows, len(orders)), "utf-8")
            print(f"{len(rows)} of {len(orders)}: {row.name}, {time.perf_counter() - began:.0f} s in all", flush=True)
    return target


def _beside(depths: Path | None, name: str) -> Path | None:
    path = None if depths is None else depths / f"{name}.near.png"
    return path if path is not None and path.exists() else None


def _row(folder: Path, prompts: Sequence[str], seconds: float, order: Order) -> Row:
    """The clips of one photograph."""
    picture, depth = decode(order.file), order.known()
    size = _small(picture)
    clips = folder / "rungs" / order.name
    clips.mkdir(parents=True, exist_ok=True)
    engines: dict[bool, Parallax] = {}
    today = Parallax()
    made = []
    for number, prompt in enumerate(prompts, 1):
        job = RenderJob(prompt, picture, None, size, seconds, depth=depth)
        first = _film(today, job, clips / f"{number:02}-today.mp4")
        layered = json.loads(first.plan)["layers"] == LAYERS
        below = engines.setdefault(layered, OneRungDown(layered=layered))
        second = _film(below, job, clips / f"{number:02}-below.mp4")
        panned = _zoompan(folder / "zoompan", order.file, job, pan_of(first.plan))
        paths = (clips / f"{number:02}-today.mp4", clips / f"{number:02}-below.mp4", panned)
        one, other, third = (str(path.relative_to(folder)) for path in paths)
        made.append(Clips(prompt, one, other, third, first.plan, second.plan))
    return Row(order.name, f"{size.width} / {size.height}", tuple(made))


def _film(engine: Parallax, job: RenderJob, path: Path) -> Rendering:
    rendering = engine.render(job, never)
    encode(rendering, path)
    return rendering


def _zoompan(folder: Path, file: Path, job: RenderJob, pan: Pan) -> Path:
    """The path of zoompan's clip, which is made once for a picture, a length and a way."""
    assert job.frame0 is not None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    path = folder / f"{digest}-{pan.value}-{job.size.width}x{job.size.height}-{job.seconds:g}.mp4"
    if not path.exists():
        write_zoompan(job.frame0, job.size, pan, job.seconds, path)
    return path


def _small(picture: Picture) -> FrameSize:
    width = (AREA * picture.width / picture.height) ** 0.5
    return FrameSize(2 * round(width / 2), 2 * round(AREA / width / 2))


def prompts_of(file: Path | None) -> Sequence[str]:
    """The prompts of a file, one a line; without a file a dozen that reach into every part of the engine."""
    return PROMPTS if file is None else tuple(_lines(file))


def _lines(file: Path) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        if line.strip():
            yield line.strip()
