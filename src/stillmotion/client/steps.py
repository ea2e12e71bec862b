"""Steps: the requests of the I/O-free core to its driver, one at a time, each with its result."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from stillmotion.client.errors import ClientError
from stillmotion.client.generation import Generation


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. `url` is a path of the server's, or another address, which is then told no key.

    `file` is a form's one file: its name, content and media type.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    file: tuple[str, bytes, str] | None = field(default=None, repr=False)

    @property
    def is_for_server(self) -> bool:
        """True for a request to the server itself, False for one to a host that only keeps files."""
        return self.url.startswith("/")

    @property
    def may_be_repeated(self) -> bool:
        """True where a repeat does no harm. An upload may be repeated: the server removes it after a day."""
        return self.method != "POST" or "Idempotency-Key" in self.headers or self.file is not None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A response. Header names are lower-case. `content` is empty for a stream that is still to be read."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send a request. Its result is the `HttpReply`. Raises `NoAnswer`."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Open:
    """Step: send a request whose body `Next` reads; a status of 400 and up is read whole. Result: `HttpReply`.

    `patience` is how many seconds may pass with nothing to read. An answer that is still open is let go of.
    """

    request: HttpRequest
    patience: float


@dataclass(frozen=True, slots=True)
class Next:
    """Step: read the open response's next bytes; None at its end. Raises `NoAnswer` where it breaks off."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Step: sleep for `seconds`. `why` is the error that a retry follows; None between two polls."""

    seconds: float
    why: ClientError | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notice of a pause: in `seconds` the request that met `error` is sent again."""

    seconds: float
    error: ClientError


@dataclass(frozen=True, slots=True)
class BlockingWork:
    """Step: run blocking code, such as reading a file, off the event loop. Its result is the code's."""

    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Tell:
    """Step: report the generation's present state to the caller."""

    generation: Generation


Step: TypeAlias = Send | Open | Next | Pause | BlockingWork | Tell

Result = TypeVar("Result")

Flow: TypeAlias = Generator[Step, Any, Result]
"""A call as a series of steps, and its result."""


class Run(Generic[Result]):
    """A flow under way. `step` is the next step to carry out, None once the flow has ended in `result`."""

    result: Result

    def __init__(self, flow: Flow[Result]) -> None:
        self.step: Step | None = None
        self._flow = flow
        self._go_on(lambda: next(flow))

    def did(self, result: Any) -> None:
        """Resume the flow with its step's result. Raises the error that the flow ends in."""
        self._go_on(lambda: self._flow.send(result))

    def failed(self, error: Exception) -> None:
        """Resume the flow with its step's error, which the flow may handle or raise."""
        self._go_on(lambda: self._flow.throw(error))

    def close(self) -> None:
        """Close the generator where it stands, so that its `finally` blocks run."""
        self._flow.close()

    def _go_on(self, move: Callable[[], Step]) -> None:
        try:
            self.step = move()
        except StopIteration as end:
            self.step, self.result = None, end.value
