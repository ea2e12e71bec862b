"""Surfaces and their operations, as values.

An `Operation` describes an endpoint whole: `endpoint.py` answers by it, `openapi/document.py` documents it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from stillmotion.application.access import Allowance, Visit
from stillmotion.application.ports.store import Fingerprint, IdempotencyKey
from stillmotion.domain.errors import NotAuthenticated, Reason
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.links import base_url
from stillmotion.http.edge.refusals import Refusals
from stillmotion.http.edge.services import Services
from stillmotion.http.parsing.body import Held
from stillmotion.http.parsing.decoding import Wire
from stillmotion.http.server.replies import Header, Headers
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Opening

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})

Caller = TypeVar("Caller")
"""The caller of an operation: a `Subscription`, or the kind of caller that a surface admits."""

LinkTo = Callable[[str], str]
"""Maps an object key to the URL from which the caller can fetch the object."""


Encode = Callable[[GenerationView, LinkTo], bytes]
"""Encoder of a generation as a dialect's JSON."""


class Call(msgspec.Struct):
    """Context of one request, filled in as it is handled. `began_at` is monotonic, `size` is the body's in bytes.

    `subscription` is None until the request is authenticated, `allowance` until it is counted as a read. A submit has
    an `idempotency` key, or a `fingerprint` by which its repetition is detected, and `accepted` is the id of the
    generation that it began. `files` are those of a form. Where no `key` is sent, `visit` is the open session of a
    cookie's `token`, or `ended` the reason why it is open no more. The calls in `held`
    release resources once the request is answered, the last first.
    """

    services: Services
    request: Request
    request_id: str
    began_at: float
    subscription: Subscription | None = None
    allowance: Allowance | None = None
    size: int = 0
    idempotency: IdempotencyKey | None = None
    fingerprint: Fingerprint | None = None
    files: Mapping[str, bytes] | None = None
    key: str | None = None
    accepted: str | None = None
    visit: Visit | None = None
    token: str | None = None
    ended: Reason | None = None
    held: Held = []

    def let_go(self) -> None:
        """Release the request's resources."""
        while self.held:
            self.held.pop()()

    async def still_admitted(self) -> bool:
        """True while the caller's key or session is good, for answers that last. Cheap: see `Access`."""
        access = self.services.access
        try:
            if self.token is not None and self.visit is not None:
                visit = await access.visit(self.token)
                return self.subscription is None or visit.subscription is not None
            return self.subscription is None or bool(await access.authenticate(self.key))
        except NotAuthenticated:
            return False

    @property
    def address(self) -> str:
        """The caller's address, as the trusted proxies tell it."""
        return self.request.address(self.services.trusted_proxies)

    @property
    def owner(self) -> str:
        """The owner of a large body's bytes: the subscription's id, empty for an administrator."""
        return "" if self.subscription is None else self.subscription.id

    @property
    def base_url(self) -> str:
        """The base of links to this server."""
        return base_url(self.request, self.services.public_url)

    @property
    def path(self) -> Mapping[str, str]:
        """The values of the path's parameters, by name."""
        return self.request.path_values

    @property
    def link_to(self) -> LinkTo:
        """The links under which the caller can fetch objects without any header."""
        return self.services.asset_urls.links(self.base_url)


class Nothing(msgspec.Struct, frozen=True):
    """Wire of an operation without parameters: no query, no body."""


class Unfiltered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wire of a list without parameters. Any parameter is refused: its caller would take it for a filter."""


class OperationResult(msgspec.Struct, frozen=True):
    """Result of an operation. `generation` goes into the honesty headers, `window` is the rate window of submits.

    If there is a `streamed_by`, that makes the answer in place of `status` and `body`. `headers` are of its own.
    """

    body: bytes
    generation: GenerationView | None = None
    window: RateWindow | None = None
    status: int = 200
    streamed_by: Opening | None = None
    headers: Sequence[Header] = ()


@dataclass(frozen=True, slots=True)
class Operation(Generic[Caller, Wire]):
    """Description of one endpoint. A `submits` operation is counted by the store, any other as a read in this process.

    `path` may have parameters, `{name}` for one segment each; `parameters` describes them. `wire` is the type of the
    input: the JSON body of a POST, the query of any other method. `answer` is the type of the output with `status`,
    None without output, `answered` its description, and `media_types` are those besides JSON. `if_empty` describes a
    204, if there may be one. The reference shows `example` and `answers` (by name); `refusals` are the kinds of error
    that are raised. One that `shows_record` has the record's headers. With `files` (descriptions by field) the body
    may be a form, and has to be one if the operation `is_form`. A body that `holds_pictures` may be as large as a
    submit's. One that `only_reads` changes nothing though it is a POST: a reader's session may call it.
    """

    operation_id: str
    method: str
    path: str
    summary: str
    description: str
    wire: type[Wire]
    answer: Any
    refusals: tuple[type[Exception], ...]
    handle: Callable[[Call, Caller, Wire], Awaitable[OperationResult]]
    example: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    answered: str = "The generation as it is now."
    media_types: tuple[str, ...] = ()
    if_empty: str = ""
    shows_engine: bool = True
    shows_record: bool = False
    submits: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    is_form: bool = False
    holds_pictures: bool = False
    only_reads: bool = False

    @property
    def changes(self) -> bool:
        """True if a reader's session may not call it."""
        return self.method != "GET" and not self.only_reads

    @property
    def takes_body(self) -> bool:
        """True if `wire` is the body's type, false if it is the query's."""
        return self.method in BODY_METHODS


@dataclass(frozen=True, slots=True)
class Surface:
    """One dialect of the API. Products include it by its `name`, unless it `comes_with_all`.

    `key_of` finds the key in a request's headers and query, or raises `NotAuthenticated`. `encode` writes a generation
    as the dialect's JSON. Unknown paths below `base` are refused in this surface's words. `blind_retries`: its clients
    repeat submits without an Idempotency-Key, so that repetitions are detected by a fingerprint. Callers are
    subscriptions, unless `admit` makes another caller of the key, or raises a kind of error in `problems`.
    """

    name: str
    key_of: Callable[[Headers, bytes], str | None]
    problems: Refusals
    operations: tuple[Operation[Any, Any], ...]
    security_schemes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base: str = "/"
    comes_with_all: bool = False
    blind_retries: bool = False
    encode: Encode | None = None
    admit: Callable[[Call, str | None], Any] | None = None
