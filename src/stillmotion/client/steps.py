"""What the core asks of whoever drives it: one step at a time, each with its result."""

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
        """Whether it goes to the server itself, rather than to where a file lies."""
        return self.url.startswith("/")

    @property
    def may_be_repeated(self) -> bool:
        """Whether a second one does no harm: an upload too, since it goes after a day."""
        return self.method != "POST" or "Idempotency-Key" in self.headers or self.file is not None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer; header names are lower-case. `content` is empty while a stream is still to come."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request: gives its `HttpReply`. Raises `NoAnswer`."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Open:
    """Send a request and leave what it answers to `Next`; a status of 400 and up is read whole. Gives the `HttpReply`.

    `patience` is how many seconds may pass with nothing to read. An answer that is still open is let go of.
    """

    request: HttpRequest
    patience: float


@dataclass(frozen=True, slots=True)
class Next:
    """The open answer's next bytes; None at its end. Raises `NoAnswer` where it breaks off."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds. `why` is the trouble after which a request is sent again; None between two looks."""

    seconds: float
    why: ClientError | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a client does while it seems to do nothing: in so many seconds it sends again what met with `error`."""

    seconds: float
    error: ClientError


@dataclass(frozen=True, slots=True)
class BlockingWork:
    """Do something that may take a while, such as reading a file, where it holds nobody up. Gives its result."""

    run: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Tell:
    """Let the caller know how the generation stands."""

    generation: Generation


Step: TypeAlias = Send | Open | Next | Pause | BlockingWork | Tell

Result = TypeVar("Result")

Flow: TypeAlias = Generator[Step, Any, Result]
"""A call as a series of steps, and its result."""


class Run(Generic[Result]):
    """A flow being carried out: `step` is what is to be done next, None once it has ended in its `result`."""

    result: Result

    def __init__(self, flow: Flow[Result]) -> None:
        self.step: Step | None = None
        self._flow = flow
        self._go_on(lambda: next(flow))

    def did(self, result: Any) -> None:
        """The step is done, with this result. Raises what the flow ends in, as `failed` does."""
        self._go_on(lambda: self._flow.send(result))

    def failed(self, error: Exception) -> None:
        """The step failed: what that means is the flow's to say."""
        self._go_on(lambda: self._flow.throw(error))

    def close(self) -> None:
        """Leave it where it is, and let it tidy up."""
        self._flow.close()

    def _go_on(self, move: Callable[[], Step]) -> None:
        try:
            self.step = move()
        except StopIteration as end:
            self.step, self.result = None, end.value
