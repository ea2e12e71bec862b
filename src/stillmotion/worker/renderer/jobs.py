"""Jobs of the renderer: each makes an order into finished files.

The steps are decode, render or resample, encode, thumbnail, excerpt, proof, digest.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import (
    DepthMap,
    Engine,
    Picture,
    Rendering,
    RenderJob,
    Report,
    Show,
    Wants,
    checkpoint,
    unseen,
)
from stillmotion.domain.request import FrameSize, Purpose, VideoCodec, frame_size
from stillmotion.media.frames import as_picture
from stillmotion.media.input.probe import BrokenClip, probe
from stillmotion.media.output.encoder import OPTIONS, EncodedClip, EncodeOptions, encode
from stillmotion.media.output.excerpt import Excerpt
from stillmotion.media.output.stills import write_thumbnail
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.fit import fitted, write_fitted
from stillmotion.media.transform.import_clip import ClipForm, take_in, take_over
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
from stillmotion.worker.renderer.steps import RenderTimes

Say = Callable[[float, RenderStage], None]
"""Takes the fraction done and the stage. Raises `RenderCancelled` when the render must stop."""

RENDERED = 0.98
"""Fraction done when the last frame is drawn; writing the files is the rest."""

PICTURELESS = FrameSize(16, 9)
"""Shape of a clip without a picture."""


def make(render: Render, engine: Engine, decoder: DecoderProcess, say: Say, show: Show = unseen) -> Done:
    """Make a new clip; `show` is offered each frame, and every picture that the engine shows.

    Raises `GenerationFailed`, and `RenderCancelled` out of `say`; then no file is left.
    """
    times = RenderTimes()
    job = replace(_job(render, engine.wants, decoder, say), show=show)
    times.decoded()
    report = _drawn(say)
    report(0.0)
    return _finish(render, engine.render(job, report), say, show, times)


def remake(resample: Resample, decoder: DecoderProcess, say: Say, show: Show = unseen) -> Done:
    """Upscale or reframe a clip. Shows and raises as `make` does."""
    times = RenderTimes()
    report = _drawn(say)
    report(0.0)
    request, files = resample.request, resample.source
    thumbnail = None if files.thumbnail is None else Path(files.thumbnail)
    video = Path(files.video) if request.source is not None else _ours(resample, decoder)
    source = Source(decoder, video, thumbnail, files.plan)
    size = frame_size(request.resolution, request.aspect_ratio, decoder.facts(source.video).size)
    if request.purpose is Purpose.REFRAME:
        rendering = reframe(source, size, request.placement, report)
    else:
        rendering = upscale(source, size, report)
    return _finish(resample, rendering, say, show, times)


def _ours(resample: Resample, decoder: DecoderProcess) -> Path:
    """Path of a stranger's video, made into a clip like our own in a file beside it."""
    source = Path(resample.source.video)
    ours = source.with_name(f"{source.name}.mp4")
    take_in(source, ours, decoder, _options(resample))
    return ours


def prepare(order: Prepare, decoder: DecoderProcess, say: Say) -> Prepared:
    """Make a request's pictures ready for another server. Raises as `make` does."""
    say(0.0, RenderStage.DECODING)
    request, shape = order.request, _shape(order, decoder)
    size = order.sizes.nearest(frame_size(request.resolution, request.aspect_ratio, shape))
    pictures = {
        "frame0": _opening(order, decoder, size),
        "frame1": _ending(order, decoder, size),
    }
    files: dict[str, str | None] = {}
    for name, picture in pictures.items():
        path = Path(order.output, f"{name}.png")
        files[name] = None if picture is None else str(path)
        if picture is not None:
            checkpoint()
            write_fitted(picture, size, path)
    return Prepared(order.ticket, files["frame0"], files["frame1"], size.width, size.height)


def adopt(order: Adopt, decoder: DecoderProcess, say: Say) -> Done:
    """Take over another server's clip: decoded to its last frame, playable from its first byte on.

    A clip that browsers play is copied, unless another codec was asked for; any other is compressed anew.
    Raises as `make` does, and `GenerationFailed` (code `remote_clip_broken`) for a file that is not whole.
    """
    times = RenderTimes()
    report = _drawn(say)
    report(0.0)
    video, thumbnail = Path(order.output, "video.mp4"), Path(order.output, "thumbnail.jpg")
    kept = slice(1 if order.without_first else None, -1 if order.without_last else None)
    form = ClipForm(OPTIONS[order.codec], kept, recoded=order.recoded)
    clip = take_over(Path(order.video), video, form, decoder, report)
    say(RENDERED, RenderStage.FINISHING)
    write_thumbnail(clip.telling, thumbnail)
    checkpoint()
    return _done(order, clip, thumbnail, order.plan, times)


def _drawn(say: Say) -> Report:
    """Report of an engine, scaled to its part of the whole job."""
    return lambda fraction: say(fraction * RENDERED, RenderStage.RENDERING)


def _options(order: Render | Resample) -> EncodeOptions:
    return OPTIONS[order.request.codec or VideoCodec.H264]


def _finish(order: Render | Resample, rendering: Rendering, say: Say, show: Show, times: RenderTimes) -> Done:
    """Draw the frames and write the files."""
    excerpt = Excerpt(rendering.size, rendering.fps)
    passing = excerpt.passing(shown(rendering.frames, show), rendering.frame_count)
    rendering = replace(rendering, frames=passing)
    video, thumbnail = Path(order.output, "video.mp4"), Path(order.output, "thumbnail.jpg")
    clip = replace(encode(rendering, video, _options(order)), small=tuple(excerpt.frames))
    say(RENDERED, RenderStage.FINISHING)
    _prove(clip)
    checkpoint()
    write_thumbnail(clip.telling, thumbnail)
    checkpoint()
    return _done(order, clip, thumbnail, rendering.plan, times)


def _done(order: Order, clip: EncodedClip, thumbnail: Path, plan: str, times: RenderTimes) -> Done:
    poster, preview = Path(order.output, "poster.jpg"), Path(order.output, "preview.mp4")
    excerpt = Excerpt(clip.size, clip.fps, [*clip.small])
    excerpt.write_poster(clip.telling, poster)
    excerpt.write(preview)
    return Done(
        ticket=order.ticket,
        video=_finished(clip.path),
        thumbnail=_finished(thumbnail),
        poster=_finished(poster),
        preview_video=_finished(preview),
        plan=plan,
        width=clip.size.width,
        height=clip.size.height,
        fps=clip.fps,
        frames=clip.frame_count,
        seconds=times.seconds,
        steps=times.steps(),
    )


def _job(render: Render, wants: Wants, decoder: DecoderProcess, say: Say) -> RenderJob:
    def ready(picture: Picture | None) -> Picture | None:
        return picture if picture is None or wants.sizes is None else fitted(picture, size)

    say(0.0, RenderStage.DECODING)
    request = render.request
    size = frame_size(request.resolution, request.aspect_ratio, _shape(render, decoder))
    if wants.sizes is not None:
        size = wants.sizes.nearest(size)
    earlier = _earlier(render, wants, decoder)
    frame0 = earlier[-1] if earlier else _opening(render, decoder, size)
    return RenderJob(
        prompt=request.prompt,
        frame0=ready(frame0),
        frame1=ready(_ending(render, decoder, size)),
        size=size,
        seconds=request.seconds,
        loop=request.loop,
        seed=request.seed or 0,
        concepts=request.concepts,
        frame0_plan="" if render.frame0 is None else motion_plan(render.frame0.plan),
        frame1_plan="" if render.frame1 is None else motion_plan(render.frame1.plan),
        depth=_depth(render, decoder),
        extends=render.frame0 is not None and render.frame0.is_clip,
        before=tuple(each for picture in earlier[:-1] if (each := ready(picture)) is not None),
        negative_prompt=request.negative_prompt,
    )


def _shape(render: Render | Prepare, decoder: DecoderProcess) -> FrameSize:
    """Size of the picture that the clip starts from, or else ends with."""
    keyframe = render.frame0 or render.frame1
    if keyframe is None:
        return PICTURELESS
    path = Path(keyframe.path)
    return decoder.facts(path).size if keyframe.is_clip else decoder.size(path)


def _opening(render: Render | Prepare, decoder: DecoderProcess, cover: FrameSize) -> Picture | None:
    if render.frame0 is None:
        return None
    path = Path(render.frame0.path)
    if render.frame0.is_clip:
        return as_picture(decoder.last(path))
    return decoder.picture(path, cover)


def _earlier(render: Render, wants: Wants, decoder: DecoderProcess) -> list[Picture]:
    """Last frames of the clip that is carried on, in order, if the engine wants more than the very last one."""
    if render.frame0 is None or not render.frame0.is_clip or not wants.before:
        return []
    path = Path(render.frame0.path)
    apart = float(decoder.facts(path).fps) / wants.fps
    tail = deque(decoder.frames(path), round(wants.before * apart) + 1)
    places = (len(tail) - 1 - round(back * apart) for back in range(wants.before, -1, -1))
    found = [as_picture(tail[place]) for place in places if place >= 0]
    return found if len(found) > wants.before else found[-1:]


def _ending(render: Render | Prepare, decoder: DecoderProcess, cover: FrameSize) -> Picture | None:
    checkpoint()
    if render.frame1 is None:
        return None
    path = Path(render.frame1.path)
    if render.frame1.is_clip:
        return as_picture(decoder.first(path))
    return decoder.picture(path, cover)


def _depth(render: Render, decoder: DecoderProcess) -> DepthMap | None:
    checkpoint()
    if render.depth is None:
        return None
    return decoder.depth(Path(render.depth), bright_is_far=render.depth_bright_is_far)


def _prove(clip: EncodedClip) -> None:
    """Check that the finished file can be read back. Raises `GenerationFailed`."""
    try:
        facts = probe(clip.path)
    except BrokenClip as error:
        raise FailureKind.VIDEO_NOT_PLAYABLE.error() from error
    if facts.size != clip.size or facts.frame_count != clip.frame_count:
        raise FailureKind.VIDEO_NOT_PLAYABLE.error()


def _finished(path: Path) -> FinishedFile:
    with path.open("rb") as file:
        return FinishedFile(str(path), path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
