"""Translation between the Dream Machine's words and the domain's."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import msgspec

from stillmotion.application.history.lists import Stretch
from stillmotion.domain.camera_concepts import CONCEPTS
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.reframing import Bounds, placement
from stillmotion.domain.request import (
    DEFAULT_MODEL,
    DEFAULT_SECONDS,
    PROMPT_MAX_CHARACTERS,
    AspectRatio,
    GenerationRequest,
    Keyframe,
    Purpose,
    Resolution,
    VideoCodec,
    is_blank,
)
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.edge.record_fields import record_fields
from stillmotion.http.parsing.data_uri import BadDataUri, read_address
from stillmotion.http.parsing.decoding import remedy
from stillmotion.http.parsing.strict_json import WrongShape
from stillmotion.http.surfaces.dreammachine import wire
from stillmotion.http.surfaces.dreammachine.refusals import Sentence

CANCELLED_REASON = "The generation was cancelled."
INPUT_FAILED = "Failed to read user input frames: "
_INPUT_CODES = ("image_", "clip_", "source_")
"""Beginnings of the failure codes that the caller's pictures cause."""

_DURATION = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)s?", re.ASCII)
_OUR_VIDEO = re.compile(r"(?:/.*)?/assets/generations/([0-9a-fA-F-]{36})/[\w-]+\.mp4", re.ASCII)
_ENCODER = msgspec.json.Encoder()

_KEYFRAME_TYPES: Mapping[str, Any] = {each.name: each.type for each in msgspec.structs.fields(wire.AskedKeyframe)}

_CHANGES: Mapping[Purpose, Collection[str]] = {
    Purpose.UPSCALE: ("resolution", "callback_url"),
    Purpose.REFRAME: ("prompt", "aspect_ratio", "callback_url"),
}
"""Fields that can be changed when a generation of that purpose is made again; any of a video's."""

Word = TypeVar("Word", AspectRatio, Resolution, VideoCodec)
Read = TypeVar("Read")


def to_request(submitted: wire.CreateRequest) -> GenerationRequest:
    """The request in the domain's words. Raises `InvalidRequest`."""
    request, refused = to_draft(submitted)
    if refused:
        raise refused[0]
    return request


def to_draft(
    submitted: wire.CreateRequest, *, is_pictured: bool = False
) -> tuple[GenerationRequest, list[InvalidRequest]]:
    """The request as far as it can be understood, and the refusals of all else; a refused picture becomes an empty one.

    With `is_pictured` there is a first picture that the request does not name.
    """
    refused = _Refused()
    keyframes = submitted.keyframes or wire.AskedKeyframes()
    frame0 = refused.keyframe("keyframes.frame0", keyframes.frame0)
    frame1 = refused.keyframe("keyframes.frame1", keyframes.frame1)
    if is_pictured and frame0 is None and frame1 is None:
        frame0 = Keyframe()
    refused.tried(lambda: check_prompt(submitted.prompt, frame0, frame1), None)
    refused.tried(lambda: _check_frames(frame0, frame1, loop=bool(submitted.loop)), None)
    request = GenerationRequest(
        prompt=submitted.prompt or "",
        frame0=frame0,
        frame1=frame1,
        aspect_ratio=refused.tried(lambda: _word("aspect_ratio", submitted.aspect_ratio, AspectRatio), None),
        loop=bool(submitted.loop),
        seconds=refused.tried(lambda: _seconds(submitted.duration), DEFAULT_SECONDS),
        resolution=refused.tried(lambda: _word("resolution", submitted.resolution, Resolution), None)
        or Resolution.P720,
        seed=submitted.seed,
        concepts=refused.tried(lambda: _concepts(submitted.concepts or ()), ()),
        callback_url=submitted.callback_url,
        model=submitted.model or DEFAULT_MODEL,
        codec=refused.tried(lambda: _word("codec", submitted.codec, VideoCodec), None),
    )
    return request, refused


class _Refused(list[InvalidRequest]):
    """Refusals in their order."""

    def tried(self, read: Callable[[], Read], otherwise: Read) -> Read:
        """The value of `read`, or `otherwise` where it is refused."""
        try:
            return read()
        except InvalidRequest as error:
            self.append(error)
            return otherwise

    def keyframe(self, field: str, given: wire.AskedKeyframe | None) -> Keyframe | None:
        """The keyframe, an empty one where it is refused."""
        return None if given is None else self.tried(lambda: _to_keyframe(field, given), Keyframe())


def _check_frames(frame0: Keyframe | None, frame1: Keyframe | None, *, loop: bool) -> None:
    if frame0 is None and frame1 is None:
        raise Sentence("No keyframes provided", "keyframes.frame0")
    if loop and frame1 is not None:
        raise Sentence("Loop is not supported for generations with an end frame", "loop")
    if loop and frame0 is not None and frame0.id is not None:
        raise Sentence("Loop is not supported for extended generations", "loop")


def to_upscale(submitted: wire.UpscaleRequest, source: Generation) -> GenerationRequest:
    """Request for a larger form of `source`. Raises `InvalidRequest`."""
    asked = _word("resolution", submitted.resolution, Resolution)
    return GenerationRequest(
        prompt=source.request.prompt,
        frame0=None,
        resolution=asked or _next_larger(source.request.resolution),
        callback_url=submitted.callback_url,
        model=source.request.model,
        purpose=Purpose.UPSCALE,
        source=source.id,
    )


def to_reframe(submitted: wire.ReframeRequest) -> GenerationRequest:
    """Request for another shape of a video: one that was made here, or any at an address. Raises `InvalidRequest`."""
    found = _our_video(submitted.media.url)
    if submitted.first_frame is not None:
        raise InvalidRequest(Problem("first_frame", "is not supported: the video is shown in another shape as it is"))
    across = Bounds(submitted.x_start, submitted.x_end, submitted.grid_position_x, submitted.resized_width)
    down = Bounds(submitted.y_start, submitted.y_end, submitted.grid_position_y, submitted.resized_height)
    return GenerationRequest(
        prompt=submitted.prompt or "",
        frame0=None,
        aspect_ratio=_word("aspect_ratio", submitted.aspect_ratio, AspectRatio),
        callback_url=submitted.callback_url,
        model=submitted.model,
        purpose=Purpose.REFRAME,
        source=found,
        source_url=submitted.media.url,
        placement=placement(across, down),
    )


def to_retry(changes: wire.CreateRequest, earlier: Generation) -> GenerationRequest:
    """Request for an earlier generation once more, with changes. Raises `InvalidRequest`."""
    keyframes = changes.keyframes or wire.AskedKeyframes()
    asked: dict[str, tuple[str, Any]] = {
        "prompt": ("prompt", changes.prompt),
        "keyframes.frame0": ("frame0", _maybe_keyframe("keyframes.frame0", keyframes.frame0)),
        "keyframes.frame1": ("frame1", _maybe_keyframe("keyframes.frame1", keyframes.frame1)),
        "aspect_ratio": ("aspect_ratio", _word("aspect_ratio", changes.aspect_ratio, AspectRatio)),
        "loop": ("loop", changes.loop),
        "duration": ("seconds", None if changes.duration is None else _seconds(changes.duration)),
        "resolution": ("resolution", _word("resolution", changes.resolution, Resolution)),
        "concepts": ("concepts", None if changes.concepts is None else _concepts(changes.concepts)),
        "callback_url": ("callback_url", changes.callback_url),
        "model": ("model", changes.model),
        "seed": ("seed", changes.seed),
        "codec": ("codec", _word("codec", changes.codec, VideoCodec)),
    }
    given = {field: each for field, each in asked.items() if each[1] is not None}
    possible = _CHANGES.get(earlier.request.purpose, asked)
    wrong = [Problem(field, "cannot be changed for an upscaled or reframed video") for field in given.keys() - possible]
    if wrong:
        raise InvalidRequest(*sorted(wrong, key=lambda each: each.field))
    if changes.prompt is not None:
        check_prompt(changes.prompt)
    request = replace(earlier.again, **dict(given.values()))
    if request.frame0 is not None or request.frame1 is not None:
        _check_frames(request.frame0, request.frame1, loop=request.loop)
    return request


def _maybe_keyframe(field: str, given: wire.AskedKeyframe | None) -> Keyframe | None:
    return None if given is None else _to_keyframe(field, given)


def to_stretch(page: wire.ListQuery) -> Stretch:
    """Place of a page in a list. Raises `InvalidRequest`."""
    given = [name for name in ("after", "before", "offset") if getattr(page, name)]
    if len(given) > 1:
        raise InvalidRequest(Problem(given[1], f"cannot stand beside {given[0]}: send one of them"))
    after, before = (each and each.lower() for each in (page.after, page.before))
    return Stretch(page.limit, page.offset, after, before, newest_first=page.order == "desc")


def _our_video(url: str) -> str | None:
    """Id of the generation whose video is at that address; None for an address elsewhere."""
    try:
        found = _OUR_VIDEO.fullmatch(urlsplit(url).path)
    except ValueError:
        return None
    return None if found is None else found[1].lower()


def check_prompt(prompt: str | None, *frames: Keyframe | None) -> None:
    """Raise `Sentence` for a prompt that is too short, too long or blank; none will do beside a picture."""
    text = (prompt or "").strip()
    if is_blank(text):
        if prompt is None and any(frame is not None and frame.id is None for frame in frames):
            return
        raise Sentence("Prompt is required", "prompt")
    if len(text) < wire.MIN_PROMPT_CHARACTERS:
        raise Sentence(f"Prompt is too short, minimum length is {wire.MIN_PROMPT_CHARACTERS} characters", "prompt")
    if len(text) > PROMPT_MAX_CHARACTERS:
        raise Sentence(f"Prompt is too long, maximum length is {PROMPT_MAX_CHARACTERS} characters", "prompt")


def _to_keyframe(field: str, given: wire.AskedKeyframe) -> Keyframe:
    is_earlier = given.id is not None if given.type is None else given.type == "generation"
    needed, other = ("id", "url") if is_earlier else ("url", "id")
    if getattr(given, needed) is None:
        raise WrongShape(Problem(f"{field}.{needed}", f"is required: {remedy(_KEYFRAME_TYPES[needed])}"))
    if getattr(given, other) is not None:
        raise WrongShape(
            Problem(f"{field}.{other}", f"cannot stand beside {needed}: a keyframe is an image or a generation")
        )
    if given.id is not None:
        return Keyframe(id=given.id.lower())
    try:
        return read_address(given.url or "")
    except BadDataUri as error:
        raise InvalidRequest(Problem(f"{field}.url", str(error))) from None


def _word(field: str, given: str | None, words: type[Word]) -> Word | None:
    if given is None:
        return None
    try:
        return words(given)
    except ValueError:
        raise InvalidRequest(Problem(field, f"must be one of {', '.join(words)}")) from None


def _seconds(duration: str | float | None) -> float:
    if duration is None:
        return DEFAULT_SECONDS
    if not isinstance(duration, str):
        return float(duration)
    written = _DURATION.fullmatch(duration.strip())
    if written is None:
        raise InvalidRequest(Problem("duration", 'must be a number of seconds, such as 5 or "5s"'))
    return float(written[1])


def _concepts(given: tuple[wire.Concept, ...]) -> tuple[str, ...]:
    problems = [
        Problem(f"concepts.{number}.key", "is none of this server's: GET /generations/concepts/list names them")
        for number, each in enumerate(given)
        if each.key not in CONCEPTS
    ]
    if problems:
        raise InvalidRequest(*problems)
    return tuple(each.key for each in given)


def _next_larger(resolution: Resolution) -> Resolution:
    larger = [each for each in Resolution if each.area > resolution.area]
    return larger[0] if larger else resolution


def encode(view: GenerationView, link_to: LinkTo) -> bytes:
    """JSON body of a generation, which callbacks carry too."""
    return _ENCODER.encode(to_wire(view, link_to))


def to_wire(view: GenerationView, link_to: LinkTo) -> wire.DreamMachineGeneration:
    """A generation in the Dream Machine's words."""
    cancelled = view.state is State.CANCELLED
    assets = None
    if view.video is not None and view.thumbnail is not None:
        assets = wire.DreamMachineAssets(
            link_to(view.video),
            link_to(view.thumbnail),
            poster=view.poster and link_to(view.poster),
            preview_video=view.preview_video and link_to(view.preview_video),
        )
    return wire.DreamMachineGeneration(
        view.id,
        "video",
        cast("wire.StateWord", "failed" if cancelled else view.state.value),
        CANCELLED_REASON if cancelled else _reason(view),
        view.created_at,
        assets,
        view.request.model,
        _echo(view.request, link_to),
        round(view.progress, 3),
        **cast("Any", record_fields(view, link_to)),
        started_at=view.started_at,
        finished_at=view.finished_at,
        failure_code=view.failure_code,
    )


def _reason(view: GenerationView) -> str | None:
    if view.failure_reason is None or not (view.failure_code or "").startswith(_INPUT_CODES):
        return view.failure_reason
    return INPUT_FAILED + view.failure_reason


def _echo(request: GenerationRequest, link_to: LinkTo) -> wire.DreamMachineRequestEcho:
    echo = wire.DreamMachineRequestEcho(
        generation_type=request.purpose.value,
        model=request.model,
        prompt=request.prompt or None,
        aspect_ratio=request.aspect_ratio,
        loop=request.loop,
        keyframes=_keyframes(request, link_to),
        duration=f"{request.seconds:g}s",
        resolution=request.resolution.value,
        concepts=tuple(map(wire.Concept, request.concepts)) or None,
        callback_url=request.callback_url,
        codec=msgspec.UNSET if request.codec is None else request.codec,
    )
    if request.purpose is Purpose.VIDEO:
        return echo
    lies = request.placement
    edges: dict[str, int] = {}
    if lies is not None:
        for axis, edge, length in (("x", lies.left, lies.width), ("y", lies.top, lies.height)):
            edges |= {} if edge is None else {f"{axis}_start": edge}
            edges |= {} if edge is None or length is None else {f"{axis}_end": edge + length}
    media = msgspec.UNSET if request.source_url is None else wire.Media(request.source_url)
    source = msgspec.UNSET if request.source is None else request.source
    return msgspec.structs.replace(echo, source=source, media=media, **edges)


def _keyframes(request: GenerationRequest, link_to: LinkTo) -> wire.DreamMachineKeyframes | None:
    if request.frame0 is None and request.frame1 is None:
        return None
    return wire.DreamMachineKeyframes(_keyframe(request.frame0, link_to), _keyframe(request.frame1, link_to))


def _keyframe(
    keyframe: Keyframe | None, link_to: LinkTo
) -> wire.DreamMachineImageKeyframe | wire.DreamMachineGenerationKeyframe | None:
    if keyframe is None:
        return None
    if keyframe.url is not None:
        return wire.DreamMachineImageKeyframe(keyframe.url)
    if keyframe.key is not None:
        return wire.DreamMachineImageKeyframe(link_to(keyframe.key))
    if keyframe.id is not None:
        return wire.DreamMachineGenerationKeyframe(keyframe.id)
    raise TypeError("a keyframe of a stored generation has no content")
