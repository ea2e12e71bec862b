"""Lists and changes of past generations, links to clips and failures, with the wire format of those paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, TypedDict
from urllib.parse import quote, urlencode

from stillmotion.client.errors import BadAnswer
from stillmotion.client.steps import HttpReply, HttpRequest
from stillmotion.client.wire import BASE, Options, asked, json_object

A_WEEK: Final = timedelta(days=7)
NO_CHANGES: Final[Mapping[str, str | None]] = MappingProxyType({})


class Filters(TypedDict, total=False):
    """Choice and order of a list.

    `state` is one state or several; `search` is text that the prompt, the id or the metadata contains; `id` is the
    beginning of an id. `after` and `before` are a page's `next` and `previous`; `order` is desc or asc.
    """

    state: str | Sequence[str]
    model: str
    search: str
    id: str
    created_after: datetime
    created_before: datetime
    metadata: Mapping[str, str]
    after: str
    before: str
    order: str


@dataclass(frozen=True, slots=True)
class ClipLink:
    """Link to a clip: whoever has the `url` may watch it until `expires_at`."""

    id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FailureSummary:
    """Failures of one cause: the latest one's reason and id, the remedy, and the number of all.

    `can_retry` is true if the same request may succeed now.
    """

    code: str
    sentence: str
    remedy: str | None
    count: int
    latest: str
    latest_at: datetime
    can_retry: bool


def list_request(limit: int, offset: int, filters: Filters) -> HttpRequest:
    """Request for one page of the list."""
    is_beside = filters.get("after") or filters.get("before")
    query: dict[str, Any] = {"limit": limit, "offset": None if is_beside and not offset else offset}
    for name, value in filters.items():
        if name == "metadata" and isinstance(value, Mapping):
            query |= {f"metadata.{each}": text for each, text in value.items()}
        elif isinstance(value, datetime):
            query[name] = value.astimezone().isoformat()
        else:
            query[name] = value if isinstance(value, str) or value is None else ",".join(map(str, _several(value)))
    return HttpRequest("GET", f"{BASE}?{urlencode({name: each for name, each in query.items() if each is not None})}")


def retry_request(
    generation_id: str, prompt: str | None, keyframes: Mapping[str, Any], options: Options, idempotency_key: str
) -> HttpRequest:
    """Request for a generation once more. The idempotency key makes its repetition safe."""
    headers = {"Idempotency-Key": idempotency_key}
    return HttpRequest("POST", f"{_path(generation_id)}/retry", headers, json=asked(prompt, keyframes, options))


def cancel_request(generation_id: str) -> HttpRequest:
    """Request that cancels a generation."""
    return HttpRequest("POST", f"{_path(generation_id)}/cancel", json={})


def edit_request(generation_id: str, prompt: str | None, metadata: Mapping[str, str | None]) -> HttpRequest:
    """Request that changes a generation's words."""
    given = {} if prompt is None else {"prompt": prompt}
    return HttpRequest("PATCH", _path(generation_id), json={**given, "metadata": dict(metadata)})


def share_request(generation_id: str, lifetime: timedelta) -> HttpRequest:
    """Request for a link to a clip."""
    return HttpRequest("POST", f"{_path(generation_id)}/links", json={"expires_in": int(lifetime.total_seconds())})


def links_request(generation_id: str) -> HttpRequest:
    """Request for the links to a clip."""
    return HttpRequest("GET", f"{_path(generation_id)}/links")


def unshare_request(generation_id: str, link_id: str) -> HttpRequest:
    """Request that takes a link back."""
    return HttpRequest("DELETE", f"{_path(generation_id)}/links/{quote(link_id, safe='')}")


def failures_request(days: int) -> HttpRequest:
    """Request for the failures of so many days."""
    return HttpRequest("GET", f"/failures?days={days}")


def retry_failures_request(code: str, days: int) -> HttpRequest:
    """Request for all failures of a cause once more."""
    return HttpRequest("POST", f"/failures/{quote(code, safe='')}/retry", json={"days": days})


def link(reply: HttpReply) -> ClipLink:
    """The link in a response. Raises `BadAnswer`."""
    return _link(json_object(reply))


def links(reply: HttpReply) -> list[ClipLink]:
    """The links in a response. Raises `BadAnswer`."""
    return [_link(each) for each in json_object(reply).get("links") or ()]


def failures(reply: HttpReply) -> list[FailureSummary]:
    """The failures in a response. Raises `BadAnswer`."""
    try:
        return [
            FailureSummary(**{**each, "latest_at": datetime.fromisoformat(each["latest_at"])})
            for each in json_object(reply)["failures"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The answer holds no failures: check that the address is a Stillmotion server's.") from error


def retried(reply: HttpReply) -> list[str]:
    """Ids of the new generations in a response."""
    return [str(each) for each in json_object(reply).get("generations") or ()]


def _link(body: Mapping[str, Any]) -> ClipLink:
    try:
        return ClipLink(str(body["id"]), str(body["url"]), datetime.fromisoformat(body["expires_at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The answer holds no link: check that the address is a Stillmotion server's.") from error


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else (value,)


def _path(generation_id: str) -> str:
    return f"/generations/{quote(generation_id, safe='')}"
