"""Resampling of finished clips: upscaled, or reframed to another shape. No detail is invented, as the plan says."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.reframing import Placement
from stillmotion.domain.rendering import Frame, Rendering, Report
from stillmotion.domain.request import FrameSize, Purpose
from stillmotion.media.frames import as_picture
from stillmotion.media.input.clip_facts import ClipFacts
from stillmotion.media.sandbox.client import DecoderProcess
from stillmotion.media.transform.layout import Layout, Placed, Span
from stillmotion.media.transform.saliency import Attention, difference
from stillmotion.vision.resize import even

MADE_BY = "resample"
"""A plan's `made_by`, in place of an engine."""
LOOKED = 0.2
"""Progress when a clip has been searched for its subject."""
LOOKS_A_SECOND = 4

Draw = Callable[[int, Frame], Frame]
"""From a frame's index and the source's frame to the new frame."""


@dataclass(frozen=True, slots=True)
class Source:
    """A finished clip's files and their decoder: video, thumbnail if there is one, plan."""

    decoder: DecoderProcess
    video: Path
    thumbnail: Path | None = None
    plan: str = ""


def upscale(source: Source, size: FrameSize, report: Report) -> Rendering:
    """The clip at another size: every frame resampled, at the same rate.

    Raises `GenerationFailed` (code `clip_unreadable`) for an incomplete clip or one that is not ours, here or while
    frames are drawn.
    """
    facts = source.decoder.facts(source.video)
    report(0.0)
    layout = Layout(
        Span(facts.size.width, size.width, size.width),
        Span(facts.size.height, size.height, size.height),
    )
    place = layout.at(0, 0)
    plan = _plan(Purpose.UPSCALE, (facts, source), layout)
    drawn = _drawn(source, facts, lambda _, frame: place.draw(frame), report)
    return _rendering(source, facts, size, drawn, plan)


def reframe(source: Source, size: FrameSize, placement: Placement | None, report: Report) -> Rendering:
    """The clip in another shape.

    Without a placement it is cropped to fill the frame; the window follows the subject smoothly, or stands still. With
    a placement the picture lies there, and the rest is filled with its own blurred mirror image. Raises as `upscale`
    does, and `GenerationFailed` (code `reframe_out_of_view`) for a placement that leaves nothing to see.
    """
    facts = source.decoder.facts(source.video)
    report(0.0)
    return (
        _cropped(source, facts, size, report) if placement is None else _placed(source, facts, size, placement, report)
    )


def _part(report: Report, start: float, end: float) -> Report:
    """Report of one part of the work, from one fraction of the whole to another."""
    return lambda fraction: report(start + (end - start) * fraction)


def _placed(source: Source, facts: ClipFacts, size: FrameSize, placement: Placement, report: Report) -> Rendering:
    layout, left, top = _settled(placement, facts.size, size)
    place = layout.at(left, top)
    seen_left, seen_top, seen_right, seen_bottom = place.picture
    if seen_right - seen_left < 2 or seen_bottom - seen_top < 2:
        raise FailureKind.REFRAME_OUT_OF_VIEW.error()
    more = {
        "picture": [left, top, layout.across.length, layout.down.length],
        "border": "blurred mirror image" if place.is_bare else None,
    }
    plan = _plan(Purpose.REFRAME, (facts, source), layout, more)
    drawn = _drawn(source, facts, lambda _, frame: place.draw(frame), report)
    return _rendering(source, facts, size, drawn, plan)


def _settled(placement: Placement, picture: FrameSize, frame: FrameSize) -> tuple[Layout, int, int]:
    """The layout, and the picture's left and top edge; all even."""
    fit = min(frame.width / picture.width, frame.height / picture.height)
    if placement.width is not None or placement.height is not None:
        # One given side scales the other; two given sides need not keep the shape.
        fit = (placement.width or 0) / picture.width or (placement.height or 0) / picture.height
    width = picture.width * fit if placement.width is None else placement.width
    height = picture.height * fit if placement.height is None else placement.height
    across = Span(picture.width, frame.width, max(2, even(width)))
    down = Span(picture.height, frame.height, max(2, even(height)))
    left = (frame.width - across.length) / 2 if placement.left is None else placement.left
    top = (frame.height - down.length) / 2 if placement.top is None else placement.top
    return Layout(across, down), even(left), even(top)


def _cropped(source: Source, facts: ClipFacts, size: FrameSize, report: Report) -> Rendering:
    cover = max(size.width / facts.size.width, size.height / facts.size.height)
    across = Span(facts.size.width, size.width, max(size.width, even(facts.size.width * cover)))
    down = Span(facts.size.height, size.height, max(size.height, even(facts.size.height * cover)))
    layout = Layout(across, down)
    # The window slides along the axis that is cropped more.
    slides = 1 if across.length - across.frame >= down.length - down.frame else 0
    span = across if slides else down
    way = _way(source, facts, slides, span, report)
    # Less than a pixel of movement is none.
    still = float(way.max() - way.min()) < 1 / span.length
    more = {"window": "still" if still else "follows the subject", "border": None}
    plan = _plan(Purpose.REFRAME, (facts, source), layout, more)

    def place(index: int) -> Placed:
        # The window's way must not leave the picture by rounding.
        edge = max(span.frame - span.length, -float(way[min(index, len(way) - 1)]) * span.length)
        at = float(even(edge)) if still else edge
        return layout.at(at, 0) if slides else layout.at(0, at)

    unmoved = place(0)

    def draw(index: int, frame: Frame) -> Frame:
        return (unmoved if still else place(index)).draw(frame)

    return _rendering(source, facts, size, _drawn(source, facts, draw, _part(report, LOOKED, 1.0)), plan)


def _way(source: Source, facts: ClipFacts, slides: int, span: Span, report: Report) -> Any:
    """Start of the window in each frame, as a fraction of the picture, from the saliency of the whole clip."""
    attention = Attention(slides, span.frame / span.length)
    every = max(1, round(facts.fps / LOOKS_A_SECOND))
    if span.length > span.frame:
        looking = _part(report, 0.0, LOOKED)
        for index, frame in enumerate(source.decoder.frames(source.video)):
            looking(index / facts.frame_count)
            if index % every == 0:
                attention.look(frame)
    return attention.way(facts.frame_count, facts.seconds)


def _drawn(source: Source, facts: ClipFacts, draw: Draw, report: Report) -> Iterator[Frame]:
    count = 0
    for frame in source.decoder.frames(source.video):
        report(count / facts.frame_count)
        yield draw(count, frame)
        count += 1
    if count != facts.frame_count:
        raise FailureKind.CLIP_UNREADABLE.error()
    report(1.0)


def _rendering(source: Source, facts: ClipFacts, size: FrameSize, frames: Iterator[Frame], plan: str) -> Rendering:
    return Rendering(
        size=size,
        fps=int(facts.fps),
        frame_count=facts.frame_count,
        frames=frames,
        plan=plan,
        telling_frame=_telling_frame(source, facts),
    )


def _telling_frame(source: Source, facts: ClipFacts) -> int:
    """Index of the first or last frame, whichever is more like the clip's thumbnail; the first without a thumbnail."""
    if source.thumbnail is None:
        return 0
    decoder = source.decoder
    thumbnail = decoder.picture(source.thumbnail)
    first, last = (as_picture(get(source.video)) for get in (decoder.first, decoder.last))
    return facts.frame_count - 1 if difference(last, thumbnail) < difference(first, thumbnail) else 0


def _plan(
    purpose: Purpose, made_from: tuple[ClipFacts, Source], layout: Layout, more: Mapping[str, Any] | None = None
) -> str:
    facts, source = made_from
    plan = {
        "made_by": MADE_BY,
        "purpose": purpose.value,
        "from": [facts.size.width, facts.size.height],
        "to": [layout.across.frame, layout.down.frame],
        "filter": "lanczos (luma), bicubic (chroma)" if layout.enlarges else "area",
        **(more or {}),
        "source": _read(source.plan),
    }
    return json.dumps(plan)


def motion_plan(plan: str) -> str:
    """The plan of a clip's motion, for an extension: an upscaled clip moves as its source did.

    Empty for a reframed clip, whose motion no plan describes.
    """
    said = _read(plan)
    if not isinstance(said, dict) or said.get("made_by") != MADE_BY:
        return plan
    source = said.get("source")
    if said.get("purpose") != Purpose.UPSCALE.value or source is None:
        return ""
    return motion_plan(json.dumps(source))


def _read(plan: str) -> Any:
    """The plan as JSON; None without one."""
    try:
        return json.loads(plan) if plan else None
    except ValueError:
        return None
