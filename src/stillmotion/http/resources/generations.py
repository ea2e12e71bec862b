"""Paths of all surfaces: uploads, plans and events. The key may be in any surface's form."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from stillmotion.domain.errors import (
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    Reason,
    Unavailable,
)
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Surface
from stillmotion.http.resources.account import ACCOUNT_OPERATIONS
from stillmotion.http.resources.callback_trials import CALLBACK_TRIAL_OPERATIONS, callback_message
from stillmotion.http.resources.callbacks import CALLBACK_OPERATIONS, callback_list
from stillmotion.http.resources.events import EventStream, position
from stillmotion.http.resources.history.failures import FAILURE_OPERATIONS
from stillmotion.http.resources.history.links import LINK_OPERATIONS
from stillmotion.http.resources.history.streams import OWN_EVENTS
from stillmotion.http.resources.models import MODEL_OPERATIONS
from stillmotion.http.resources.previews import PREVIEW_OPERATION
from stillmotion.http.resources.timelines import TIMELINE_OPERATION
from stillmotion.http.resources.usage import USAGE_OPERATION
from stillmotion.http.server.replies import Headers


class PlanReply(msgspec.Struct, frozen=True):
    """The engine's reading of the prompt. `plan` is its own JSON, null until the render has ended."""

    id: str
    state: str
    engine: str
    plan: msgspec.Raw


async def get_plan(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The engine's account of a generation."""
    del asked
    generation = await call.services.generations.get(subscription, call.path["id"])
    return OperationResult(msgspec.json.encode(_plan(generation)), generation.view)


def _plan(generation: Generation) -> PlanReply:
    state = "failed" if generation.state == "cancelled" else generation.state.value
    plan = msgspec.Raw(generation.plan.encode() if generation.plan else b"null")
    return PlanReply(generation.id, state, generation.engine, plan)


async def get_events(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The stream of a generation's events; a 204 for a caller who has seen the last one."""
    del asked
    services = call.services
    generation = await services.generations.get(subscription, call.path["id"])
    seen = call.request.headers.get("Last-Event-ID", "")
    if generation.is_terminal and seen == position(generation):
        return OperationResult(b"", generation.view, status=204)
    watch = services.changes.watch(generation.id)
    call.held.append(watch.end)
    parts = services.generations.store, services.previews, generation.id
    stream = EventStream(watch, *parts, lambda: call.link_to, seen, services.timing)
    return OperationResult(b"", generation.view, streamed_by=stream)


class UploadForm(msgspec.Struct, frozen=True):
    """Form with a file and no other field."""


class Uploaded(msgspec.Struct, frozen=True):
    """An uploaded picture. Its `url` is valid for its owner wherever a picture's URL is, until `expires_at`."""

    id: str
    url: str
    expires_at: datetime


async def upload(call: Call, subscription: Subscription, form: UploadForm) -> OperationResult:
    """Keep a picture for a day."""
    del form
    content = (call.files or {}).get("file")
    if content is None:
        raise InvalidRequest(Problem("file", "is required: send the picture as a file in a form"))
    kept = await call.services.uploads.keep(subscription, "file", content)
    url = call.services.asset_urls.link_until(call.base_url, kept.key, kept.expires_at)
    return OperationResult(msgspec.json.encode(Uploaded(kept.id, url, kept.expires_at)), status=201)


_EVENTS = (
    "Server-Sent Events. The first tells how it is now; then comes one for every change: `event: state` or "
    '`event: progress`, with the data `{"id", "state", "progress"}` in the gateway\'s words, and `assets` once it is '
    "completed or `failure_reason` where it failed, after which the stream ends. While it is made there may be a "
    "`preview`: the address of a small JPEG of what is there so far, which is replaced about once a second and goes "
    "with the render. Send an event's id as `Last-Event-ID` "
    "to go on from there. A comment comes every 15 seconds without an event. In a browser, where an `EventSource` sets "
    "no headers, the key goes into the query as `subscription-key`."
)
_UPLOADED: Final = Uploaded(
    id="0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44",
    url="https://video.example.com/assets/uploads/0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44/"
    "3q2-7wAAc0ffee00000000000000000000000000000?expires=1764763200&signature=5f2b0c9d8e7a6b5c4d3e2f1a0b9c8d7e",
    expires_at=datetime(2025, 12, 3, 12, 0, 0, 250000, UTC),
)
_EXAMPLE: Mapping[str, Any] = {
    "id": "f25c04db-19f7-4b51-871c-af6ed0b32f55",
    "state": "completed",
    "engine": "parallax/1",
    "plan": {"moves": [["push_in"]], "subject": ["lean"], "ignored": []},
}
_OPERATIONS: tuple[Operation[Subscription, Any], ...] = (
    Operation(
        operation_id="getPlan",
        method="GET",
        path="/generations/{id}/plan",
        summary="What the engine made of the words",
        description="Which movements were understood and which words were not.",
        parameters={"id": "The generation's id."},
        wire=Nothing,
        answer=PlanReply,
        answers={"": _EXAMPLE},
        answered="The engine's own account; null until the render has ended.",
        refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
        handle=get_plan,
    ),
    Operation(
        operation_id="getEvents",
        method="GET",
        path="/generations/{id}/events",
        summary="Watch a generation",
        description=_EVENTS,
        parameters={"id": "The generation's id."},
        wire=Nothing,
        answer=None,
        media_types=("text/event-stream",),
        answered="The stream.",
        if_empty="Last-Event-ID is the last event's: do not come back.",
        refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
        handle=get_events,
    ),
    Operation(
        operation_id="upload",
        method="POST",
        path="/uploads",
        summary="Send a picture ahead",
        description="It is kept for a day, and the URL works for this subscription alone.",
        wire=UploadForm,
        answer=Uploaded,
        answers={"": _UPLOADED},
        status=201,
        answered="Where the picture is.",
        shows_engine=False,
        files={"file": "A PNG, JPEG, WebP, AVIF, GIF or TIFF file of 20 MiB at most."},
        is_form=True,
        refusals=(InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable),
        handle=upload,
    ),
)


def shared_surface(surfaces: Sequence[Surface], *more: Operation[Subscription, Any]) -> Surface:
    """The surface of the paths that every product includes, `more` of them among these.

    Refusals are in the first surface's words.
    """

    def key_of(headers: Headers, query: bytes) -> str | None:
        keys = {surface.key_of(headers, query) for surface in surfaces} - {None}
        if len(keys) > 1:
            raise NotAuthenticated("there is more than one key", Reason.SEVERAL_KEYS)
        return keys.pop() if keys else None

    encoders = {each.name: each.encode for each in surfaces if each.encode is not None}
    return Surface(
        name="generations",
        key_of=key_of,
        problems=surfaces[0].problems,
        encode=surfaces[0].encode,
        security_schemes={name: each for surface in surfaces for name, each in surface.security_schemes.items()},
        base="/generations/",
        comes_with_all=True,
        operations=(
            *_OPERATIONS,
            TIMELINE_OPERATION,
            PREVIEW_OPERATION,
            *ACCOUNT_OPERATIONS,
            USAGE_OPERATION,
            OWN_EVENTS,
            *FAILURE_OPERATIONS,
            *LINK_OPERATIONS,
            *CALLBACK_OPERATIONS,
            callback_list(encoders),
            *CALLBACK_TRIAL_OPERATIONS,
            callback_message(encoders),
            *MODEL_OPERATIONS,
            *more,
        ),
    )
