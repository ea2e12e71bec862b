"""Sessions: a browser sends its key once, and is known by a cookie from then on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from stillmotion.application.access import Visit
from stillmotion.domain.errors import (
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    Reason,
    SessionRefused,
    Unavailable,
)
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.keyless import is_from_here
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult, Surface
from stillmotion.http.edge.refusals import RefusalRule, Refusals
from stillmotion.http.edge.visits import cookie_of, refuse_other_sites
from stillmotion.http.server.replies import Headers

PATH = "/session"

_ENCODE = msgspec.json.Encoder().encode
_NO_TIME = timedelta(0)


class NewSession(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A session to open, by a key or by the token of the first link."""

    key: Annotated[
        str | None, msgspec.Meta(description="must be a string: a subscription's or the administrator's key")
    ] = None
    first: Annotated[str | None, msgspec.Meta(description="must be a string: the token of the server's first link")] = (
        None
    )
    role: Annotated[Literal["reader"] | None, msgspec.Meta(description="must be reader, or left out")] = None


class SessionSubscription(msgspec.Struct, frozen=True):
    """The subscription that a session acts for, and its product's name."""

    id: str
    name: str
    product: str


class SessionInfo(msgspec.Struct, frozen=True):
    """The session of a browser; null throughout where there is none.

    An `administrator` may call the administration too. `open` is true if the server lets this machine in without a key.
    """

    role: Literal["user", "reader", "administrator"] | None
    subscription: SessionSubscription | None
    administrator: bool
    expires_at: datetime | None
    open: bool = False


async def open_session(call: Call, visit: Visit | None, asked: NewSession) -> OperationResult:
    """Sign in, or add a key to the session."""
    sessions, is_reader = call.services.sessions, asked.role == "reader"
    if (asked.key is None) is (asked.first is None):
        raise InvalidRequest(Problem("key", "is required, or `first` in its place: send one of them"))
    if asked.key is not None:
        opened = await sessions.open(asked.key.strip(), call.address, visit, is_reader=is_reader)
    elif is_from_here(call.request):
        opened = await sessions.open_first(asked.first or "", visit, is_reader=is_reader)
    else:
        raise NotAuthenticated("the first link works on the server's own machine alone", Reason.FIRST_LINK)
    if opened.visit.subscription is not None:
        call.services.read_limits.spend(opened.visit.subscription, call.began_at)
    left = opened.visit.session.expires_at - call.services.clock.now()
    body = _ENCODE(_of_visit(call, opened.visit))
    return OperationResult(body, status=201, headers=(cookie_of(call, opened.token, left),))


async def get_session(call: Call, visit: Visit | None, asked: Nothing) -> OperationResult:
    """The session as it is now."""
    del asked
    keyless = call.services.keyless
    lent = None if keyless is None else keyless.lend(call.request)
    if visit is None and lent is not None:
        subscription = _subscription(await call.services.access.authenticate(lent))
        return OperationResult(
            _ENCODE(SessionInfo("user", subscription, administrator=False, expires_at=None, open=True))
        )
    return OperationResult(_ENCODE(_NOBODY if visit is None else _of_visit(call, visit)))


async def close_session(call: Call, visit: Visit | None, asked: Nothing) -> OperationResult:
    """Sign out."""
    del asked
    if visit is not None:
        await call.services.sessions.close(visit)
    return OperationResult(b"", status=204, headers=(cookie_of(call, "", _NO_TIME),))


def _of_visit(call: Call, visit: Visit) -> SessionInfo:
    office = call.services.admin
    is_administrator = office is not None and office.admits(visit)
    if visit.subscription is None and not is_administrator:
        return _NOBODY
    role: Literal["user", "reader", "administrator"] = "administrator" if is_administrator else "user"
    return SessionInfo(
        role="reader" if visit.session.is_reader else role,
        subscription=None if visit.subscription is None else _subscription(visit.subscription),
        administrator=is_administrator,
        expires_at=visit.session.expires_at,
    )


def _subscription(known: Subscription) -> SessionSubscription:
    return SessionSubscription(known.id, known.name, known.product.name)


def _no_key(headers: Headers, query: bytes) -> str | None:
    """No key: a session is opened by its body, and known by its cookie."""
    del headers, query
    return None


def _admit(call: Call, key: str | None) -> Visit | None:
    """The open session; None without one. No other site's page signs anybody in, as somebody of its choice."""
    del key
    if call.request.method == "POST":
        refuse_other_sites(call)
    return call.visit


_NOBODY = SessionInfo(None, None, administrator=False, expires_at=None)
_USER: Mapping[str, Any] = {
    "role": "user",
    "subscription": {"id": "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44", "name": "Ada's shop", "product": "basic"},
    "administrator": False,
    "expires_at": "2025-12-10T12:00:00Z",
    "open": False,
}
_SHARED = (Exception, Unavailable)
_OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        operation_id="openSession",
        method="POST",
        path=PATH,
        summary="Sign in",
        description=(
            "For browsers: exchanges a key for a cookie (`HttpOnly`, `SameSite=Strict`), which every operation takes "
            "in place of a key from then on, where no key is sent. A write with it needs `Sec-Fetch-Site: "
            "same-origin`, as browsers send it, or an `Origin` that is this server's. Posted inside a session, it adds "
            "the administration to a subscription, or a subscription to the administration. With the role `reader` "
            "the session changes nothing. It ends after a week, with its key, or by `DELETE`. `first` is the token of "
            "the link that `serve` prints on a terminal while there is no key: good once, for ten minutes, and on "
            "the server's own machine."
        ),
        wire=NewSession,
        answer=SessionInfo,
        example={"key": "sm_YOUR_KEY"},
        answers={"": _USER},
        answered="The session. Its cookie is in `Set-Cookie`.",
        status=201,
        shows_engine=False,
        only_reads=True,
        refusals=(InvalidRequest, NotAuthenticated, SessionRefused, LimitExceeded, *_SHARED),
        handle=open_session,
    ),
    Operation(
        operation_id="getSession",
        method="GET",
        path=PATH,
        summary="Who is signed in",
        description="By the cookie alone. Without a session every field is null or false.",
        wire=Nothing,
        answer=SessionInfo,
        answers={"": _USER},
        answered="The session as it is now.",
        shows_engine=False,
        refusals=_SHARED,
        handle=get_session,
    ),
    Operation(
        operation_id="closeSession",
        method="DELETE",
        path=PATH,
        summary="Sign out",
        description="The session ends everywhere within a second or so, and the browser forgets its cookie.",
        wire=Nothing,
        answer=None,
        answered="Nobody is signed in.",
        status=204,
        shows_engine=False,
        only_reads=True,
        refusals=(SessionRefused, *_SHARED),
        handle=close_session,
    ),
)


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _with_sentences(problems: Refusals) -> Refusals:
    """The refusals with the reason in the body, for the person who signs in."""

    def telling(row: RefusalRule) -> RefusalRule:
        body = type(row.body)
        return replace(row, detailed=lambda error: body(_sentence(error)))

    told = (NotAuthenticated, LimitExceeded)
    return Refusals(telling(row) if kind in told else row for kind, row in problems.rows.items())


def session_surface(problems: Refusals) -> Surface:
    """The surface of signing in, which refuses in another's form and says why."""
    return Surface(
        name="session",
        key_of=_no_key,
        problems=_with_sentences(problems),
        base=PATH,
        comes_with_all=True,
        admit=_admit,
        operations=_OPERATIONS,
    )
