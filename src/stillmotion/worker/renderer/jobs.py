"""From an order to two finished files: decode, render or resample, encode, thumbnail, proof, digest."""

import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import DepthMap, Engine, Pause, Picture, Rendering, RenderJob, Show, Wants, unseen
from stillmotion.domain.request import FrameSize, Purpose, frame_size
from stillmotion.media.frames import as_picture
from stillmotion.media.input.probe import BrokenClip, probe
from stillmotion.media.output.encoder import OPTIONS, Clip, encode
from stillmotion.media.output.stills import write_thumbnail
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.fit import fitted, write_fitted
from stillmotion.media.transform.import_clip import take_in, take_over
from stillmotion.media.transform.resample import Source, motion_plan, reframe, upscale
from stillmotion.worker.renderer.previews import shown
from stillmotion.worker.renderer.protocol import (
    Adopt,
    Done,
    FinishedFile,
    Order,
    Prepare,
    Prepared,
    Render,
    RenderStage,
    Resample,
)

Say = Callable[[float, RenderStage], None]
"""Takes the fraction done and the stage. Raises `RenderCancelled` when the render must stop."""

RENDERED = 0.98
"""The fraction done when the last frame is drawn: the rest is writing it down."""

PICTURELESS = FrameSize(16, 9)
"""The shape of a clip that starts from no picture."""


def make(render: Render, engine: Engine, decoder: DecoderProcess, say: Say, show: Show = unseen) -> Done:
    """Carry out the render and answer with its files; `show` is offered each frame, and whatever the engine shows.

    Raises `GenerationFailed`, and `RenderCancelled` out of `say`; then no file is left.
    """
    started = time.monotonic()
    job = replace(_job(render, engine.wants, decoder, say), show=show)
    progress = _DrawingProgress(say)
    progress.report(0.0)
    return _finish(render, engine.render(job, progress.report), progress, show, started)


def remake(resample: Resample, decoder: DecoderProcess, say: Say, show: Show = unseen) -> Done:
    """Carry out the upscaling or reframing and answer with its files. Shows and raises as `make` does."""
    started = time.monotonic()
    progress = _DrawingProgress(say)
    progress.report(0.0)
    thumbnail = None if resample.thumbnail is None else Path(resample.thumbnail)
    video = _ours(resample, decoder, progress) if resample.is_foreign else Path(resample.video)
    source = Source(decoder, video, thumbnail, resample.plan)
    size = frame_size(resample.resolution, resample.aspect_ratio, decoder.facts(source.video, progress.pause).size)
    if resample.purpose is Purpose.REFRAME:
        rendering = reframe(source, size, resample.placement, progress.report)
    else:
        rendering = upscale(source, size, progress.report)
    return _finish(resample, rendering, progress, show, started)


def _ours(resample: Resample, decoder: DecoderProcess, progress: "_DrawingProgress") -> Path:
    """Somebody else's video as a clip like our own, in a file beside it."""
    source = Path(resample.video)
    ours = source.with_name(f"{source.name}.mp4")
    take_in(source, ours, decoder, OPTIONS[resample.codec], lambda _: progress.pause())
    return ours


def prepare(order: Prepare, decoder: DecoderProcess, say: Say) -> Prepared:
    """Make the request's pictures ready for another server. Raises as `make` does."""

    def pause() -> None:
        say(0.0, RenderStage.DECODING)

    pause()
    size = order.sizes.nearest(frame_size(order.resolution, order.aspect_ratio, _shape(order, decoder, pause)))
    pictures = {
        "frame0": _opening(order, decoder, size, pause),
        "frame1": _ending(order, decoder, size, pause),
    }
    files: dict[str, str | None] = {}
    for name, picture in pictures.items():
        path = Path(order.output, f"{name}.png")
        files[name] = None if picture is None else str(path)
        if picture is not None:
            pause()
            write_fitted(picture, size, path)
    return Prepared(order.ticket, files["frame0"], files["frame1"], size.width, size.height)


def adopt(order: Adopt, decoder: DecoderProcess, say: Say) -> Done:
    """Take over another server's clip: decoded to its last frame, playable from its first byte on.

    What a browser plays is kept as it is, anything else is compressed anew. Raises as `make` does, and
    `GenerationFailed` (code `remote_clip_broken`) for a file that is not whole.
    """
    started = time.monotonic()
    progress = _DrawingProgress(say)
    progress.report(0.0)
    video, thumbnail = Path(order.output, "video.mp4"), Path(order.output, "thumbnail.jpg")
    kept = slice(1 if order.without_first else None, -1 if order.without_last else None)
    clip = take_over(Path(order.video), video, kept, decoder, OPTIONS[order.codec], progress.report)
    progress.finishing()
    write_thumbnail(clip.telling, thumbnail)
    return _done(order, clip, thumbnail, order.plan, started)


class _DrawingProgress:
    """How far the drawing of the frames is, which is said again while they are waited for."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._done = 0.0

    def report(self, fraction: float) -> None:
        """So much is drawn."""
        self._done = fraction * RENDERED
        self.pause()

    def pause(self) -> None:
        """No more than before."""
        self._say(self._done, RenderStage.RENDERING)

    def finishing(self) -> None:
        """All is drawn and encoded."""
        self._say(RENDERED, RenderStage.FINISHING)


def _finish(order: Order, rendering: Rendering, progress: _DrawingProgress, show: Show, started: float) -> Done:
    """Draw the frames and write the files."""
    rendering = replace(rendering, frames=shown(rendering.frames, show))
    video, thumbnail = Path(order.output, "video.mp4"), Path(order.output, "thumbnail.jpg")
    clip = encode(rendering, video, OPTIONS[order.codec], progress.pause)
    progress.finishing()
    _prove(clip)
    progress.finishing()
    write_thumbnail(clip.telling, thumbnail)
    progress.finishing()
    return _done(order, clip, thumbnail, rendering.plan, started)


def _done(order: Order, clip: Clip, thumbnail: Path, plan: str, started: float) -> Done:
    return Done(
        ticket=order.ticket,
        video=_finished(clip.path),
        thumbnail=_finished(thumbnail),
        plan=plan,
        width=clip.size.width,
        height=clip.size.height,
        fps=clip.fps,
        frames=clip.frame_count,
        seconds=time.monotonic() - started,
    )


def _job(render: Render, wants: Wants, decoder: DecoderProcess, say: Say) -> RenderJob:
    def pause() -> None:
        say(0.0, RenderStage.DECODING)

    def ready(picture: Picture | None) -> Picture | None:
        return picture if picture is None or wants.sizes is None else fitted(picture, size)

    pause()
    size = frame_size(render.resolution, render.aspect_ratio, _shape(render, decoder, pause))
    if wants.sizes is not None:
        size = wants.sizes.nearest(size)
    earlier = _earlier(render, wants, decoder, pause)
    frame0 = earlier[-1] if earlier else _opening(render, decoder, size, pause)
    return RenderJob(
        prompt=render.prompt,
        frame0=ready(frame0),
        frame1=ready(_ending(render, decoder, size, pause)),
        size=size,
        seconds=render.seconds,
        loop=render.loop,
        seed=render.seed,
        concepts=render.concepts,
        frame0_plan=motion_plan(render.frame0_plan),
        frame1_plan=motion_plan(render.frame1_plan),
        depth=_depth(render, decoder, pause),
        extends=render.frame0_is_clip,
        before=tuple(each for picture in earlier[:-1] if (each := ready(picture)) is not None),
        negative_prompt=render.negative_prompt,
    )


def _shape(render: Render | Prepare, decoder: DecoderProcess, pause: Pause) -> FrameSize:
    """The size of the picture that the clip starts from, or else ends with."""
    path, is_clip = (render.frame0, render.frame0_is_clip) if render.frame0 else (render.frame1, render.frame1_is_clip)
    if path is None:
        return PICTURELESS
    return decoder.facts(Path(path), pause).size if is_clip else decoder.size(Path(path), pause)


def _opening(render: Render | Prepare, decoder: DecoderProcess, cover: FrameSize, pause: Pause) -> Picture | None:
    if render.frame0 is None:
        return None
    path = Path(render.frame0)
    if render.frame0_is_clip:
        return as_picture(decoder.last(path, pause))
    return decoder.picture(path, cover, pause)


def _earlier(render: Render, wants: Wants, decoder: DecoderProcess, pause: Pause) -> list[Picture]:
    """The end of the clip that is carried on, its last frame the last, where the engine wants more than that one."""
    if render.frame0 is None or not render.frame0_is_clip or not wants.before:
        return []
    path = Path(render.frame0)
    apart = float(decoder.facts(path, pause).fps) / wants.fps
    tail = deque(decoder.frames(path, pause), round(wants.before * apart) + 1)
    places = (len(tail) - 1 - round(back * apart) for back in range(wants.before, -1, -1))
    found = [as_picture(tail[place]) for place in places if place >= 0]
    return found if len(found) > wants.before else found[-1:]


def _ending(render: Render | Prepare, decoder: DecoderProcess, cover: FrameSize, pause: Pause) -> Picture | None:
    pause()
    if render.frame1 is None:
        return None
    path = Path(render.frame1)
    if render.frame1_is_clip:
        return as_picture(decoder.first(path, pause))
    return decoder.picture(path, cover, pause)


def _depth(render: Render, decoder: DecoderProcess, pause: Pause) -> DepthMap | None:
    pause()
    if render.depth is None:
        return None
    return decoder.depth(Path(render.depth), pause, bright_is_far=render.depth_bright_is_far)


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


def _finished(path: Path) -> FinishedFile:
    with path.open("rb") as file:
        return FinishedFile(str(path), path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
