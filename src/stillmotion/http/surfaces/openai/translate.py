"""Translation between the videos API's words and the domain's."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import msgspec

from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import Field, InvalidRequest, Problem
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import GenerationRequest, Keyframe, prompt_problems
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.edge.record_fields import record_fields
from stillmotion.http.parsing.data_uri import BadDataUri, read_address
from stillmotion.http.surfaces.openai import wire
from stillmotion.http.surfaces.openai.sizes import frame_for, size_of

CANCELLED = wire.Failure("cancelled", "The generation was cancelled.")
UNKNOWN_CODE = "server_error"
OWNER = "stillmotion"

_STATUS: Mapping[State, wire.StatusWord] = {
    State.QUEUED: "queued",
    State.DREAMING: "in_progress",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}
_SECONDS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", re.ASCII)
_ENCODER = msgspec.json.Encoder()


def to_request(submitted: wire.CreateVideo, picture: Keyframe | None) -> GenerationRequest:
    """The request in the domain's words. Raises `InvalidRequest`."""
    # The domain takes a picture without a prompt; this API does not.
    problems = [Problem(Field.PROMPT, each) for each in prompt_problems(submitted.prompt)]
    if problems:
        raise InvalidRequest(*problems)
    aspect_ratio, resolution = frame_for(submitted.size)
    return GenerationRequest(
        prompt=submitted.prompt,
        frame0=picture,
        aspect_ratio=aspect_ratio,
        resolution=resolution,
        seconds=_seconds(submitted.seconds),
        model=submitted.model,
        seed=submitted.seed,
        fps=submitted.fps,
        frame_count=submitted.num_frames,
        negative_prompt=submitted.negative_prompt or "",
        codec=submitted.codec,
    )


def to_picture(field: str, address: str) -> Keyframe:
    """Keyframe of an address, which may be a data URI. Raises `InvalidRequest` that names `field`."""
    try:
        return read_address(address)
    except BadDataUri as error:
        raise InvalidRequest(Problem(field, str(error))) from None


def _seconds(seconds: str | float) -> float:
    if not isinstance(seconds, str):
        return float(seconds)
    if _SECONDS.fullmatch(seconds.strip()) is None:
        raise InvalidRequest(Problem("seconds", 'must be a number of seconds, such as "4"'))
    return float(seconds)


def encode(view: GenerationView, link_to: LinkTo) -> bytes:
    """JSON body of a video, which callbacks carry too."""
    return _ENCODER.encode(to_wire(view, link_to))


def to_wire(view: GenerationView, link_to: LinkTo) -> wire.Video:
    """A generation in the videos API's words."""
    request, completed = view.request, view.state is State.COMPLETED
    return wire.Video(
        id=view.id,
        object="video",
        model=request.model,
        status=_STATUS[view.state],
        progress=100 if completed else min(99, int(view.progress * 100)),
        created_at=int(view.created_at.timestamp()),
        completed_at=_seconds_since_1970(view.finished_at) if completed else None,
        expires_at=None,
        size=size_of(request),
        seconds=f"{request.seconds:g}",
        prompt=request.prompt,
        error=_failure(view),
        started_at=_seconds_since_1970(view.started_at),
        finished_at=_seconds_since_1970(view.finished_at),
        **cast("Any", record_fields(view, link_to)),
    )


def _seconds_since_1970(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())


def to_model(subscription: Subscription, model: str, catalogue: Catalogue) -> wire.Model:
    """One of the caller's models, by its wire name."""
    engine = catalogue.route(model)[0].engine_name
    return wire.Model(model, "model", int(subscription.created_at.timestamp()), OWNER, engine)


def _failure(view: GenerationView) -> wire.Failure | None:
    if view.state is State.CANCELLED:
        return CANCELLED
    if view.state is State.FAILED:
        return wire.Failure(view.failure_code or UNKNOWN_CODE, view.failure_reason or "")
    return None
