"""Operations of the videos API."""

from collections.abc import Mapping

import msgspec

from stillmotion.application.history.lists import Stretch
from stillmotion.application.uploads import check_picture
from stillmotion.domain.errors import (
    AccessDenied,
    CursorNotFound,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    ModelNotFound,
    NotAuthenticated,
    Problem,
    QuotaSpent,
    Unavailable,
)
from stillmotion.domain.request import Keyframe
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.bearer import bearer_key
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Surface, Unfiltered
from stillmotion.http.parsing.body import apart_if_large
from stillmotion.http.resources.downloads import Download
from stillmotion.http.surfaces.openai import examples, wire
from stillmotion.http.surfaces.openai.refusals import PROBLEMS
from stillmotion.http.surfaces.openai.translate import encode, to_model, to_picture, to_request, to_wire

NAME = "openai"
BASE = "/v1"
PICTURE = "input_reference"

_VIDEO_ID: Mapping[str, str] = {"video_id": "The video's id."}
_ENCODE = msgspec.json.Encoder().encode


async def create(call: Call, subscription: Subscription, submitted: wire.CreateVideo) -> OperationResult:
    """Accept a video."""
    picture = await _picture(call, subscription, submitted.input_reference)
    request = to_request(submitted, picture)
    accepted = await call.services.generations.submit(
        subscription, NAME, request, call.idempotency, call.fingerprint, submitted.metadata or {}
    )
    view = await call.services.generations.shown(accepted)
    return OperationResult(encode(view, call.link_to), view, accepted.window)


async def _picture(call: Call, subscription: Subscription, reference: wire.Reference | str | None) -> Keyframe | None:
    """First picture of the video: a file of the form, an address or an upload; None without one.

    The application decides if the model needs one. Raises `InvalidRequest`.
    """
    content = (call.files or {}).get(PICTURE)
    field, address, upload_id = PICTURE, reference, None
    if isinstance(reference, wire.Reference):
        field, address, upload_id = f"{PICTURE}.image_url", reference.image_url, reference.file_id
    given = sum(each is not None for each in (content, address, upload_id))
    if given > 1 or (isinstance(reference, wire.Reference) and not given):
        raise InvalidRequest(Problem(PICTURE, "must be one: send the picture as a file, its URL or its upload's id"))
    if upload_id is not None:
        content = await call.services.uploads.read(subscription, f"{PICTURE}.file_id", upload_id)
    if content is not None:
        check_picture(PICTURE, content)
        return Keyframe(content=content)
    return None if address is None else await apart_if_large(call.size, to_picture, field, address)


async def retrieve(call: Call, subscription: Subscription, asked: wire.NoParameters) -> OperationResult:
    """The present state of a video."""
    del asked
    view = await call.services.generations.view(subscription, call.path["video_id"])
    return OperationResult(encode(view, call.link_to), view)


async def list_(call: Call, subscription: Subscription, page: wire.VideoListQuery) -> OperationResult:
    """One page of the subscription's own videos."""
    services = call.services
    after = None if page.after is None else page.after.lower()
    if after is not None:
        await services.generations.check_cursor(subscription, after)
    stretch = Stretch(page.limit, after=after, newest_first=page.order == "desc")
    found = await services.lists.page(subscription, page.chosen(services.generations.catalogue), stretch)
    shown = tuple(to_wire(view, call.link_to) for view in found.views)
    first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
    return OperationResult(_ENCODE(wire.Videos("list", shown, first, last, found.has_more)))


async def list_models(call: Call, subscription: Subscription, asked: Unfiltered) -> OperationResult:
    """Models that the subscription's product includes, by wire name."""
    del asked
    catalogue = call.services.generations.catalogue
    models = tuple(to_model(subscription, each, catalogue) for each in subscription.product.included(catalogue.models))
    return OperationResult(_ENCODE(wire.Models("list", models)))


async def retrieve_model(call: Call, subscription: Subscription, asked: wire.NoParameters) -> OperationResult:
    """One model, in any spelling of its name."""
    del asked
    catalogue = call.services.generations.catalogue
    named = catalogue.named(call.path["model"])
    if named is None or not subscription.product.included((named,)):
        raise ModelNotFound(call.path["model"])
    return OperationResult(_ENCODE(to_model(subscription, named, catalogue)))


async def delete(call: Call, subscription: Subscription, asked: wire.NoParameters) -> OperationResult:
    """Cancel an unfinished video, and remove it with its files."""
    del asked
    video_id = call.path["video_id"].lower()
    await call.services.generations.delete(subscription, video_id)
    return OperationResult(_ENCODE(wire.Deleted(video_id)))


async def download(call: Call, subscription: Subscription, asked: wire.Content) -> OperationResult:
    """Bytes of the clip or of its thumbnail."""
    view = await call.services.generations.view(subscription, call.path["video_id"])
    key = view.video if asked.variant == "video" else view.thumbnail
    if key is None:
        status = to_wire(view, call.link_to).status
        raise InvalidRequest(Problem("video_id", f"is {status}: there is content once a video is completed"))
    stored = await call.services.objects.find(key)
    if stored is None:
        raise GenerationNotFound(view.id)
    digest = await call.services.generations.store.digest_of(key)
    return OperationResult(b"", view, streamed_by=Download(call.services.objects, key, stored, digest))


_SHARED = (InvalidRequest, NotAuthenticated, AccessDenied, LimitExceeded, Exception, Unavailable)

OPENAI = Surface(
    name=NAME,
    key_of=bearer_key,
    problems=PROBLEMS,
    encode=encode,
    base=f"{BASE}/",
    blind_retries=True,
    security_schemes={"bearerKey": {"type": "http", "scheme": "bearer"}},
    operations=(
        Operation(
            operation_id="createVideoOfPicture",
            method="POST",
            path=f"{BASE}/videos",
            summary="Turn a picture and a sentence into a video",
            description="Answers at once with the queued video; ask for it until it is completed or failed. The clip "
            "has the frame nearest to `size` that this server makes, of seven shapes and four areas, and the answer's "
            "`size` says which; a shape more than 5 % off, or an area more than twice or less than half, is refused.",
            wire=wire.CreateVideo,
            answer=wire.Video,
            example=examples.CREATE,
            answers={"queued": examples.QUEUED},
            refusals=(*_SHARED, QuotaSpent, IdempotencyConflict),
            handle=create,
            submits=True,
            files={PICTURE: "The picture to begin with: a PNG, JPEG, WebP, AVIF, GIF or TIFF file of 20 MiB at most."},
        ),
        Operation(
            operation_id="listVideos",
            method="GET",
            path=f"{BASE}/videos",
            summary="Your videos, by age",
            description="Those of this subscription, whichever surface they were made on.",
            wire=wire.VideoListQuery,
            answer=wire.Videos,
            answers={"": examples.LISTED},
            answered="A page of the list.",
            shows_engine=False,
            refusals=(*_SHARED, CursorNotFound),
            handle=list_,
        ),
        Operation(
            operation_id="getVideo",
            method="GET",
            path=f"{BASE}/videos/{{video_id}}",
            summary="Look at a video",
            description="Once it is completed its content can be downloaded.",
            parameters=_VIDEO_ID,
            wire=wire.NoParameters,
            answer=wire.Video,
            answers={"queued": examples.QUEUED, "completed": examples.COMPLETED, "failed": examples.FAILED},
            refusals=(*_SHARED, GenerationNotFound),
            handle=retrieve,
        ),
        Operation(
            operation_id="deleteVideo",
            method="DELETE",
            path=f"{BASE}/videos/{{video_id}}",
            summary="Delete a video",
            description="Stops it where it has not finished, and removes the record, the video and the pictures.",
            parameters=_VIDEO_ID,
            wire=wire.NoParameters,
            answer=wire.Deleted,
            answers={"": examples.DELETED},
            answered="It is gone.",
            shows_engine=False,
            refusals=(*_SHARED, GenerationNotFound),
            handle=delete,
        ),
        Operation(
            operation_id="getVideoContent",
            method="GET",
            path=f"{BASE}/videos/{{video_id}}/content",
            summary="Download a video or its thumbnail",
            description="The bytes themselves, an H.264 or AV1 MP4 or a JPEG; a range of them where one is asked for.",
            parameters=_VIDEO_ID,
            wire=wire.Content,
            answer=None,
            media_types=("video/mp4", "image/jpeg"),
            answered="The whole file.",
            refusals=(*_SHARED, GenerationNotFound),
            handle=download,
        ),
        Operation(
            operation_id="listModels",
            method="GET",
            path=f"{BASE}/models",
            summary="The models that can be asked for",
            description="Those that the subscription's product includes, by their wire names.",
            wire=Unfiltered,
            answer=wire.Models,
            answers={"": examples.MODELS},
            answered="All of them.",
            shows_engine=False,
            refusals=_SHARED,
            handle=list_models,
        ),
        Operation(
            operation_id="getModel",
            method="GET",
            path=f"{BASE}/models/{{model}}",
            summary="Look at a model",
            description="A dated or dotted spelling stands for its model, as in every request.",
            parameters={"model": "The model's wire name."},
            wire=wire.NoParameters,
            answer=wire.Model,
            answers={"": examples.MODEL},
            answered="The model.",
            shows_engine=False,
            refusals=(*_SHARED, ModelNotFound),
            handle=retrieve_model,
        ),
    ),
)
