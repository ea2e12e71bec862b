"""Evidence for who looks for a fault: the last requests and the settings."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict

from stillmotion.application.administration import Administration
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered
from stillmotion.http.edge.request_ring import MOST_REQUESTS, RequestLine
from stillmotion.http.edge.services import SettingView
from stillmotion.http.surfaces.admin.operations import office_operation

_ENCODE = msgspec.json.Encoder().encode


class RequestQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Filters of the last requests, each the beginning of what it is about."""

    id: Annotated[str, Meta(description="must be the beginning of a request id")] = ""
    status: Annotated[str, Meta(description="must be a status, or its beginning: 404, 5")] = ""
    key: Annotated[str, Meta(description="must be the beginning of a key, as it is shown")] = ""


class RequestInfo(Struct, frozen=True, kw_only=True):
    """One request. `path` is a template, `generation` the one that it began, `reason` the code of its refusal."""

    at: datetime
    id: str
    method: str
    path: str
    status: int
    seconds: float
    key: str | None
    reason: str | None
    generation: str | None


class RequestList(Struct, frozen=True):
    """Requests, the latest first."""

    requests: tuple[RequestInfo, ...]


class SettingInfo(Struct, frozen=True):
    """A setting. A `secret` one has the value `set`, or null where it is not set."""

    name: str
    value: Any
    source: str
    secret: bool


class SettingList(Struct, frozen=True):
    """All settings."""

    settings: tuple[SettingInfo, ...]


def request_info(line: RequestLine) -> RequestInfo:
    """A request in the administration's words."""
    return RequestInfo(**{**asdict(line), "seconds": round(line.seconds, 6)})


def setting_info(known: SettingView) -> SettingInfo:
    """A setting in the administration's words."""
    return SettingInfo(known.name, known.value, known.source, known.is_secret)


async def list_requests(call: Call, office: Administration, asked: RequestQuery) -> OperationResult:
    """The last requests."""
    del office
    found = call.services.recent.find(asked.id, asked.status, asked.key)
    return OperationResult(_ENCODE(RequestList(tuple(map(request_info, found)))))


async def list_settings(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every setting."""
    del office, asked
    return OperationResult(_ENCODE(SettingList(tuple(map(setting_info, call.services.settings)))))


_LINE: Final = RequestInfo(
    at=datetime(2026, 11, 29, 12, tzinfo=UTC),
    id="5f3a-00002a",
    method="POST",
    path="/dream-machine/v1/generations",
    status=201,
    seconds=0.0042,
    key="sm_Hq3x0a",
    reason=None,
    generation="f25c04db-19f7-4b51-871c-af6ed0b32f55",
)

EVIDENCE_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listRequests",
        "GET",
        "requests",
        "List the last requests",
        description=f"The last {MOST_REQUESTS} of this server, kept in its memory: without queries, bodies and keys.",
        wire=RequestQuery,
        answer=RequestList,
        answers={"": RequestList((_LINE,))},
        answered="Those that pass every filter, the latest first.",
        handle=list_requests,
    ),
    office_operation(
        "listSettings",
        "GET",
        "settings",
        "List the settings",
        description="They are read when the server starts. Values of secrets are not shown.",
        wire=Unfiltered,
        answer=SettingList,
        answers={
            "": SettingList(
                (SettingInfo("port", 8080, "default", False), SettingInfo("admin_key", "set", "environment", True))
            )
        },
        answered="Every setting, with its source: `default`, `file`, `environment` or `command line`.",
        handle=list_settings,
    ),
)
