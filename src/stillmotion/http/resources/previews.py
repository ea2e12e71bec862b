"""Preview of an unfinished clip at one address, for pages that show it while it changes."""

from typing import Final

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.domain.assets import CONTENT_TYPES, AssetKind
from stillmotion.domain.errors import GenerationNotFound, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.server.replies import NO_STORE, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces


async def get_preview(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The newest preview; a 204 without one, as before the first and after the end."""
    del asked
    generation = await call.services.generations.get(subscription, call.path["id"])
    await call.services.previews.look_at([generation.id])
    content = None if generation.preview is None else await _whole(call.services.objects, generation.preview)
    if content is None:
        return OperationResult(b"", generation.view, status=204)

    async def answer(request: Request) -> tuple[Reply, Pieces | None]:
        del request
        return Reply(200, content, [("Content-Type", CONTENT_TYPES[AssetKind.THUMBNAIL]), NO_STORE]), None

    return OperationResult(b"", generation.view, streamed_by=answer)


async def _whole(objects: ObjectStore, key: str) -> bytes | None:
    """A small object, read before any of it is sent; None if it was replaced or removed meanwhile."""
    found = await objects.find(key)
    if found is None:
        return None
    try:
        content = b"".join([piece async for piece in objects.read(key, 0, found.size)])
    except KeyError:
        return None
    return content if await objects.find(key) == found else None


PREVIEW_OPERATION: Final[Operation[Subscription, Nothing]] = Operation(
    operation_id="getPreview",
    method="GET",
    path="/generations/{id}/preview",
    summary="The newest preview of an unfinished clip",
    description="The picture that the record and the events name in `preview`, at an address that stays the same.",
    parameters={"id": "The generation's id."},
    wire=Nothing,
    answer=None,
    media_types=("image/jpeg",),
    answered="A small JPEG.",
    if_empty="There is none: before the first, and once the clip is done.",
    refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
    handle=get_preview,
)
