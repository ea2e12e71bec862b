"""From a `Render` message to two finished files: decode, render, encode, thumbnail, proof, digest."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Engine, Picture, RenderJob
from stillmotion.domain.request import FrameSize, frame_size
from stillmotion.media import intake
from stillmotion.media.encode import Clip, encode
from stillmotion.media.probe import BrokenClip, probe
from stillmotion.media.thumbnail import write_thumbnail
from stillmotion.worker.messages import Done, File, Render, Stage

Say = Callable[[float, Stage], None]
"""Takes the fraction done and the stage. Raises `RenderCancelled` when the render must stop."""

RENDERED = 0.98
"""The fraction done when the last frame is drawn: the rest is writing it down."""

PICTURELESS = FrameSize(16, 9)
"""The shape of a clip that starts from no picture."""


def make(render: Render, engine: Engine, say: Say) -> Done:
    """Carry out the render and answer with its files.

    Raises `GenerationFailed`, and `RenderCancelled` out of `say`; then no file is left.
    """
    started = time.monotonic()
    job = _job(render, say)
    video, thumbnail = Path(render.output, "video.mp4"), Path(render.output, "thumbnail.jpg")
    say(0.0, Stage.RENDERING)
    rendering = engine.render(job, lambda fraction: say(fraction * RENDERED, Stage.RENDERING))
    clip = encode(rendering, video)
    say(RENDERED, Stage.FINISHING)
    _prove(clip)
    write_thumbnail(clip.telling, thumbnail)
    return Done(
        ticket=render.ticket,
        video=_finished(video),
        thumbnail=_finished(thumbnail),
        plan=rendering.plan,
        width=clip.size.width,
        height=clip.size.height,
        fps=clip.fps,
        frames=clip.frame_count,
        seconds=time.monotonic() - started,
    )


def _job(render: Render, say: Say) -> RenderJob:
    say(0.0, Stage.DECODING)
    sources = [Path(path) for path in (render.frame0, render.frame1) if path is not None]
    shape = intake.measure(sources[0]) if sources else PICTURELESS
    size = frame_size(render.resolution, render.aspect_ratio, shape)
    return RenderJob(
        prompt=render.prompt,
        frame0=_picture(render.frame0, size, say),
        frame1=_picture(render.frame1, size, say),
        size=size,
        seconds=render.seconds,
        loop=render.loop,
        seed=render.seed,
        concepts=render.concepts,
    )


def _picture(path: str | None, cover: FrameSize, say: Say) -> Picture | None:
    if path is None:
        return None
    picture = intake.decode(Path(path), cover=cover)
    say(0.0, Stage.DECODING)
    return picture


def _prove(clip: Clip) -> None:
    """Look at the file as a player would, before anyone is told that it is there."""
    try:
        facts = probe(clip.path)
    except BrokenClip as error:
        raise _unplayable() from error
    if facts.size != clip.size or facts.frame_count != clip.frame_count:
        raise _unplayable()


def _unplayable() -> GenerationFailed:
    return GenerationFailed(
        "video_encode_failed", "The finished video could not be read back; it will be tried again.", permanent=False
    )


def _finished(path: Path) -> File:
    with path.open("rb") as file:
        return File(str(path), path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
