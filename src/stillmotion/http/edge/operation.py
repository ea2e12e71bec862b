"""What a surface says of itself: its operations, its way to authenticate, its words for refusals.

An `Operation` is all there is to know of one endpoint. `endpoint.py` makes it answer, `openapi.py` describes it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from stillmotion.application.access import Allowance
from stillmotion.application.ports.store import Fingerprint, IdempotencyKey
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.links import base_url
from stillmotion.http.edge.refusals import Refusals
from stillmotion.http.edge.services import Services
from stillmotion.http.parsing.body import Held
from stillmotion.http.parsing.decoding import Wire
from stillmotion.http.server.replies import Headers
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Opening

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})

Caller = TypeVar("Caller")
"""Who calls: a `Subscription`, or whomever else a surface admits."""

LinkTo = Callable[[str], str]
"""From an object key to the URL under which the caller can fetch it."""


class Call(msgspec.Struct):
    """One request, as much of it as is known so far. `began_at` is monotonic, `size` that of the body in bytes.

    `key` is the one that it came with; `subscription` is None until it is authenticated, `allowance` until it is
    counted as a read. Of a submit, `idempotency` is the name that it was given, and `fingerprint` what it is told again
    by without one; `files` are what a form held. `held` are calls that give back what the request took up, made
    once it is answered, the last first.
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
    held: Held = []

    def let_go(self) -> None:
        """Give back what the request took up."""
        while self.held:
            self.held.pop()()

    @property
    def owner(self) -> str:
        """Whose bytes a large body is counted as: the subscription's id, empty for an administrator's."""
        return "" if self.subscription is None else self.subscription.id

    @property
    def base_url(self) -> str:
        """What links to this server begin with."""
        return base_url(self.request, self.services.public_url)

    @property
    def path(self) -> Mapping[str, str]:
        """The values of the path's parameters, by name."""
        return self.request.path_values

    @property
    def link_to(self) -> LinkTo:
        """Says where the caller can fetch an object, with no header."""
        return self.services.asset_urls.links(self.base_url)


class Nothing(msgspec.Struct, frozen=True):
    """The wire of an operation without parameters: no query, no body."""


class Unfiltered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wire of a list without parameters: any is refused, for it would be taken for a filter that works."""


class OperationResult(msgspec.Struct, frozen=True):
    """What an operation answers. A `generation` is named in the honesty headers; `window` is that of submits.

    Where there is a `streamed_by`, that answers in place of `status` and `body`.
    """

    body: bytes
    generation: GenerationView | None = None
    window: RateWindow | None = None
    status: int = 200
    streamed_by: Opening | None = None


@dataclass(frozen=True, slots=True)
class Operation(Generic[Caller, Wire]):
    """One endpoint. A `submits` operation is counted by the store, any other as a read in this process.

    `path` may have parameters, `{name}` for one segment each; `parameters` says what they are. `wire` is what comes
    in: the body's JSON of a POST, the query of any other method. `answer` is the type of what goes out with `status`
    (None where nothing does), `answered` its description, `media_types` what else it may be than JSON. `example` and
    `answers` (by name) are shown in the reference; `refusals` are the kinds of error it may end in. With `files`
    (by field, what they are) the body may be a form; it has to be one where that `is_form`.
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
    shows_engine: bool = True
    submits: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    is_form: bool = False

    @property
    def takes_body(self) -> bool:
        """Whether `wire` is the body's; else it is the query's."""
        return self.method in BODY_METHODS


@dataclass(frozen=True, slots=True)
class Surface:
    """One dialect of the API: `name` is what a product includes, unless it `comes_with_all`.

    `key_of` finds the one key in a request's headers and query, or raises `NotAuthenticated`; `encode` is the
    dialect's JSON of a generation, where the surface makes any. What is not there under `base` is refused in this
    surface's words. `blind_retries` says that its callers send submits again with no name and only a count: each then
    leaves a mark that it is told again by. Callers are subscriptions, unless `admit` says who else: it makes the caller
    of the key, or raises what `problems` has a row for.
    """

    name: str
    key_of: Callable[[Headers, bytes], str | None]
    problems: Refusals
    operations: tuple[Operation[Any, Any], ...]
    security_schemes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base: str = "/"
    comes_with_all: bool = False
    blind_retries: bool = False
    encode: Callable[[GenerationView, LinkTo], bytes] | None = None
    admit: Callable[[Call, str | None], Any] | None = None
