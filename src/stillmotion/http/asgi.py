"""The few ASGI words that the edge is written in: scopes, headers and whole answers."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON_TYPE: Header = (b"content-type", b"application/json")
NO_STORE: Header = (b"cache-control", b"no-store")
NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
CLOSE: Header = (b"connection", b"close")


class ClientGone(Exception):
    """The caller hung up before its request was whole: there is nobody to answer."""


class Headers(dict[bytes, bytes]):
    """A request's headers by lower-case name, of several the last; `repeated` are those that came more than once."""

    repeated: frozenset[bytes] = frozenset()


HEADERS = "stillmotion.headers"
"""Where a scope holds its `Headers`, once the edge has looked at them."""


PATH_VALUES = "stillmotion.path"
"""Where a scope holds the values of its path's parameters, by name, where there are any."""


def repeated_in(pairs: Iterable[Header]) -> frozenset[bytes]:
    """The names that come more than once."""
    counts = Counter(name for name, _ in pairs)
    return frozenset(name for name, count in counts.items() if count > 1)


class Reply(NamedTuple):
    """A whole answer: content length is added when it is sent."""

    status: int
    body: bytes
    headers: list[Header]


EXCHANGE = "stillmotion.exchange"
"""Where a scope holds its `Whole`."""


class Whole(Protocol):
    """What our own server offers beside ASGI: a small request and its answer are whole, and cost a step each."""

    def whole_body(self, most: int) -> bytes | None:
        """All of the body, which then counts as read; None where it is not there yet, or longer than `most` bytes."""
        ...

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """Write a whole answer. `lines` are those of its headers, the length of the body among them."""
        ...


def lines_of(headers: Iterable[Header]) -> bytes:
    """The headers as they are written, each with the end of its line. Raises `ValueError` for one that would be two."""
    written = [b"%b: %b\r\n" % header for header in headers]
    lines = b"".join(written)
    if not lines.count(b"\n") == lines.count(b"\r") == len(written):
        raise ValueError("a header holds a line break")
    return lines


async def send_reply(send: Send, reply: Reply, *, method: str = "GET") -> None:
    """Send a whole answer; to HEAD without its body, whose length is told all the same."""
    status, body, headers = reply
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
