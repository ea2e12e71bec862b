"""Links to a clip: made, listed and taken back by its owner."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.history.links import LinkNotFound
from stillmotion.domain.errors import GenerationNotFound, InvalidRequest, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.history.links import LONGEST, SHORTEST, USUAL, SharedLink
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.resources.history.shared_page import SHARED

_ENCODE = msgspec.json.Encoder().encode
_SHORTEST, _USUAL, _LONGEST = (each // timedelta(seconds=1) for each in (SHORTEST, USUAL, LONGEST))


class LinkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Link to be made."""

    expires_in: Annotated[
        Annotated[int, Meta(ge=_SHORTEST, le=_LONGEST)] | None,
        Meta(description=f"must be a whole number of seconds from {_SHORTEST} to {_LONGEST}, {_USUAL} if left out"),
    ] = _USUAL


class LinkInfo(Struct, frozen=True):
    """A link. Whoever has the `url` may watch the clip until `expires_at`."""

    id: str
    url: str
    expires_at: datetime


class LinkList(Struct, frozen=True):
    """The links of a generation that have not expired, the oldest first."""

    links: tuple[LinkInfo, ...]


async def make_link(call: Call, subscription: Subscription, asked: LinkRequest) -> OperationResult:
    """Make a link to a clip."""
    lifetime = timedelta(seconds=asked.expires_in or _USUAL)
    link = await call.services.links.share(subscription, call.path["id"], lifetime)
    return OperationResult(_ENCODE(_info(call, link)), status=201)


async def list_links(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The links to a clip."""
    del asked
    found = await call.services.links.of_generation(subscription, call.path["id"])
    return OperationResult(_ENCODE(LinkList(tuple(_info(call, each) for each in found))))


async def take_link_back(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """End a link."""
    del asked
    await call.services.links.take_back(subscription, call.path["id"], call.path["link"])
    return OperationResult(b"", status=204)


def _info(call: Call, link: SharedLink) -> LinkInfo:
    return LinkInfo(link.id, f"{call.base_url}{SHARED}{call.services.links.token(link)}", link.expires_at)


_EXAMPLE: Final = LinkInfo(
    "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44",
    "https://video.example/shared/0193b1d26f5e7c319d2a5b0c7f3e8a445f2b0c9d8e7a6b5c4d3e2f1a0b9c8d7e",
    datetime(2026, 11, 29, 12, 0, tzinfo=UTC),
)
_ID: Mapping[str, str] = {"id": "The generation's id."}
_REFUSALS = (NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable)

LINK_OPERATIONS: Final[tuple[Operation[Subscription, Any], ...]] = (
    Operation(
        operation_id="makeLink",
        method="POST",
        path="/generations/{id}/links",
        summary="Share a clip by a link",
        description="Whoever has the link may watch and download the clip, without a key, until it expires or is taken "
        "back. It shows the clip alone: neither the prompt nor the pictures. The body may be left out.",
        parameters=_ID,
        wire=LinkRequest,
        answer=LinkInfo,
        example={"expires_in": 86400},
        answers={"": _EXAMPLE},
        status=201,
        answered="The link.",
        shows_engine=False,
        refusals=(InvalidRequest, *_REFUSALS),
        handle=make_link,
    ),
    Operation(
        operation_id="listLinks",
        method="GET",
        path="/generations/{id}/links",
        summary="The links to a clip",
        description="Those that have not expired.",
        parameters=_ID,
        wire=Nothing,
        answer=LinkList,
        answers={"": LinkList((_EXAMPLE,))},
        answered="The links, the oldest first.",
        shows_engine=False,
        refusals=_REFUSALS,
        handle=list_links,
    ),
    Operation(
        operation_id="takeLinkBack",
        method="DELETE",
        path="/generations/{id}/links/{link}",
        summary="Take a link back",
        description="It opens nothing any more.",
        parameters={**_ID, "link": "The link's id."},
        wire=Nothing,
        answer=None,
        status=204,
        answered="It is gone.",
        shows_engine=False,
        refusals=(LinkNotFound, *_REFUSALS),
        handle=take_link_back,
    ),
)
