"""The Dream Machine's operations."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from stillmotion.domain.camera_concepts import HONOURED
from stillmotion.domain.errors import (
    AccessDenied,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    QuotaSpent,
    Unavailable,
)
from stillmotion.domain.file_types.videos import MAX_VIDEO_BYTES
from stillmotion.domain.request import MAX_SECONDS, GenerationRequest
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.bearer import bearer_key
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Surface, Unfiltered
from stillmotion.http.parsing.body import apart_if_large
from stillmotion.http.parsing.strict_json import WrongShape
from stillmotion.http.surfaces.dreammachine import examples, wire
from stillmotion.http.surfaces.dreammachine.refusals import PROBLEMS, Sentence
from stillmotion.http.surfaces.dreammachine.translate import (
    encode,
    to_reframe,
    to_request,
    to_stretch,
    to_upscale,
    to_wire,
)

NAME = "dream-machine"
BASE = "/dream-machine/v1"

_ID: Mapping[str, str] = {"id": "The generation's id."}
_ENCODE = msgspec.json.Encoder().encode


async def ping(call: Call, subscription: Subscription, asked: wire.AnyBody) -> OperationResult:
    """Answer a request with a working key."""
    del call, subscription, asked
    return OperationResult(_ENCODE(wire.Pong()))


async def get_credits(call: Call, subscription: Subscription, asked: wire.AnyBody) -> OperationResult:
    """The rest of the quota."""
    del asked
    return OperationResult(_ENCODE(wire.Credits(await call.services.access.credit_balance(subscription))))


async def create(call: Call, subscription: Subscription, submitted: wire.CreateRequest) -> OperationResult:
    """Accept a generation."""
    request = await apart_if_large(call.size, to_request, submitted)
    return await _submit(call, subscription, request, submitted.metadata, 201)


async def reframe(call: Call, subscription: Subscription, submitted: wire.ReframeRequest) -> OperationResult:
    """Accept a reframe: another shape of a video."""
    return await _submit(call, subscription, to_reframe(submitted), submitted.metadata, 201)


async def upscale(call: Call, subscription: Subscription, submitted: wire.UpscaleRequest) -> OperationResult:
    """Accept an upscale: a larger form of a finished video."""
    source = await call.services.generations.get(subscription, call.path["id"])
    return await _submit(call, subscription, to_upscale(submitted, source), submitted.metadata, 200)


async def _submit(
    call: Call, subscription: Subscription, request: GenerationRequest, metadata: Mapping[str, str] | None, status: int
) -> OperationResult:
    accepted = await call.services.generations.submit(
        subscription, NAME, request, call.idempotency, call.fingerprint, metadata or {}
    )
    view = await call.services.generations.shown(accepted)
    return OperationResult(encode(view, call.link_to), view, accepted.window, status)


async def get(call: Call, subscription: Subscription, asked: wire.AnyBody) -> OperationResult:
    """The present state of a generation."""
    del asked
    view = await call.services.generations.view(subscription, call.path["id"])
    return OperationResult(encode(view, call.link_to), view)


async def list_(call: Call, subscription: Subscription, page: wire.ListQuery) -> OperationResult:
    """One page of the subscription's own generations."""
    services = call.services
    found = await services.lists.page(subscription, page.chosen(services.generations.catalogue), to_stretch(page))
    shown = tuple(to_wire(view, call.link_to) for view in found.views)
    return OperationResult(
        _ENCODE(
            wire.GenerationList(
                shown,
                len(shown),
                page.limit,
                page.offset,
                has_more=found.has_more,
                total=found.total,
                next=found.following,
                previous=found.preceding,
            )
        )
    )


async def delete(call: Call, subscription: Subscription, asked: wire.AnyBody) -> OperationResult:
    """Cancel an unfinished generation, and remove it with its files."""
    del asked
    await call.services.generations.delete(subscription, call.path["id"])
    return OperationResult(b"", status=204)


async def list_concepts(call: Call, subscription: Subscription, asked: Unfiltered) -> OperationResult:
    """The camera concepts that engines carry out as they are named."""
    del call, subscription, asked
    return OperationResult(_ENCODE(HONOURED))


async def list_camera_motions(call: Call, subscription: Subscription, asked: Unfiltered) -> OperationResult:
    """The same moves as phrases for a prompt."""
    del call, subscription, asked
    return OperationResult(_ENCODE([f"camera {each.replace('_', ' ')}" for each in HONOURED]))


def _missing(ability: str) -> Callable[[Call, Subscription, wire.AnyBody], Awaitable[OperationResult]]:
    """Handler that refuses an ability without an engine."""

    async def refuse(call: Call, subscription: Subscription, asked: wire.AnyBody) -> OperationResult:
        del call, subscription, asked
        raise Sentence(f"No engine of this server can {ability}: it makes and reshapes videos")

    return refuse


_SHARED = (NotAuthenticated, AccessDenied, LimitExceeded, Exception, Unavailable)
_SUBMITTED = (InvalidRequest, WrongShape, IdempotencyConflict, QuotaSpent, *_SHARED)
_BY_ID = (GenerationNotFound, *_SHARED)


def _create(operation_id: str, path: str) -> Operation[Subscription, wire.CreateRequest]:
    return Operation(
        operation_id=operation_id,
        method="POST",
        path=BASE + path,
        summary="Turn a picture and a sentence into a video",
        description="Answers at once with the queued generation; look at it until it is completed or failed.",
        wire=wire.CreateRequest,
        answer=wire.DreamMachineGeneration,
        example=examples.CREATE,
        answers={"queued": examples.QUEUED},
        refusals=_SUBMITTED,
        handle=create,
        status=201,
        submits=True,
    )


def _refused(operation_id: str, path: str, ability: str) -> Operation[Subscription, wire.AnyBody]:
    return Operation(
        operation_id=operation_id,
        method="POST",
        path=BASE + path,
        summary=f"Not here: {ability}",
        description="No engine of this server has this ability, and nothing is made up: the answer is a 400.",
        parameters=_ID if "{id}" in path else {},
        wire=wire.AnyBody,
        answer=None,
        answered="Never.",
        shows_engine=False,
        refusals=(InvalidRequest, WrongShape, *_SHARED),
        handle=_missing(ability),
    )


DREAM_MACHINE = Surface(
    name=NAME,
    key_of=bearer_key,
    problems=PROBLEMS,
    encode=encode,
    base=BASE,
    blind_retries=True,
    security_schemes={"bearerKey": {"type": "http", "scheme": "bearer"}},
    operations=(
        Operation(
            operation_id="ping",
            method="GET",
            path=f"{BASE}/ping",
            summary="Try the key",
            description="Nothing is done.",
            wire=wire.AnyBody,
            answer=wire.Pong,
            answers={"": wire.Pong()},
            answered="The key works.",
            shows_engine=False,
            refusals=_SHARED,
            handle=ping,
        ),
        Operation(
            operation_id="getCredits",
            method="GET",
            path=f"{BASE}/credits",
            summary="What is left of the quota",
            description="The month's video-seconds that are left, times the product's price of one (1 where it has "
            "none); a billion without a quota.",
            wire=wire.AnyBody,
            answer=wire.Credits,
            answers={"": wire.Credits(150.0)},
            answered="The balance.",
            shows_engine=False,
            refusals=_SHARED,
            handle=get_credits,
        ),
        _create("createGeneration", "/generations"),
        _create("createVideo", "/generations/video"),
        Operation(
            operation_id="reframeVideo",
            method="POST",
            path=f"{BASE}/generations/video/reframe",
            summary="Give a video another shape",
            description="The video of one of your completed generations, or any MP4, MOV, WebM or GIF file at an "
            f"http(s) address, {MAX_VIDEO_BYTES >> 20} MiB and {MAX_SECONDS:g} s at most; such a one counts as "
            f"{MAX_SECONDS:g} s. Cropped around its subject, or placed in the new frame as the edges say. It is a "
            "resampling: nothing is painted beyond the picture but its blurred border.",
            wire=wire.ReframeRequest,
            answer=wire.DreamMachineGeneration,
            example=examples.REFRAME,
            answers={"queued": examples.REFRAMED},
            refusals=_SUBMITTED,
            handle=reframe,
            status=201,
            submits=True,
        ),
        Operation(
            operation_id="upscaleVideo",
            method="POST",
            path=f"{BASE}/generations/{{id}}/upscale",
            summary="Make a finished video larger",
            description="It is a resampling (Lanczos): no detail is made up.",
            parameters=_ID,
            wire=wire.UpscaleRequest,
            answer=wire.DreamMachineGeneration,
            example=examples.UPSCALE,
            answers={"queued": examples.UPSCALED},
            refusals=(GenerationNotFound, *_SUBMITTED),
            handle=upscale,
            submits=True,
        ),
        Operation(
            operation_id="listGenerations",
            method="GET",
            path=f"{BASE}/generations",
            summary="Your generations, the newest first",
            description="Those of this subscription, whichever surface they were made on, filtered as you ask. Go on "
            "with the `next` of a page as `after`, and back with its `previous` as `before`: a page costs the same "
            "wherever it lies.",
            wire=wire.ListQuery,
            answer=wire.GenerationList,
            answers={"": examples.LISTED},
            answered="A part of the list.",
            shows_engine=False,
            refusals=(InvalidRequest, *_SHARED),
            handle=list_,
        ),
        Operation(
            operation_id="getGeneration",
            method="GET",
            path=f"{BASE}/generations/{{id}}",
            summary="Look at a generation",
            description="Every answer to a completed generation holds fresh addresses of the video and the thumbnail.",
            parameters=_ID,
            wire=wire.AnyBody,
            answer=wire.DreamMachineGeneration,
            answers={"queued": examples.QUEUED, "completed": examples.COMPLETED, "failed": examples.FAILED},
            refusals=_BY_ID,
            handle=get,
        ),
        Operation(
            operation_id="deleteGeneration",
            method="DELETE",
            path=f"{BASE}/generations/{{id}}",
            summary="Delete a generation",
            description="Stops it where it has not finished, and removes the record, the video and the pictures.",
            parameters=_ID,
            wire=wire.AnyBody,
            answer=None,
            answered="It is gone.",
            shows_engine=False,
            status=204,
            refusals=_BY_ID,
            handle=delete,
        ),
        Operation(
            operation_id="listConcepts",
            method="GET",
            path=f"{BASE}/generations/concepts/list",
            summary="The camera concepts",
            description="Those that are carried out as they are named. Others of the Dream Machine's are accepted, "
            "hinted at by a move near to them, and the generation's plan says so.",
            wire=Unfiltered,
            answer=wire.Names,
            answers={"": list(HONOURED[:4])},
            answered="Their keys.",
            shows_engine=False,
            refusals=(InvalidRequest, *_SHARED),
            handle=list_concepts,
        ),
        Operation(
            operation_id="listCameraMotions",
            method="GET",
            path=f"{BASE}/generations/camera_motion/list",
            summary="The camera moves as phrases",
            description="Each can be written into a prompt.",
            wire=Unfiltered,
            answer=wire.Names,
            answers={"": ["camera push in", "camera orbit left"]},
            answered="The phrases.",
            shows_engine=False,
            refusals=(InvalidRequest, *_SHARED),
            handle=list_camera_motions,
        ),
        _refused("addAudio", "/generations/{id}/audio", "add audio"),
        _refused("modifyVideo", "/generations/video/modify", "modify what a video shows"),
        _refused("createImage", "/generations/image", "make images"),
        _refused("reframeImage", "/generations/image/reframe", "reframe images"),
    ),
)
