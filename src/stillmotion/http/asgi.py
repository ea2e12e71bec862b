"""The few ASGI words that the edge is written in: scopes, headers and whole answers."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

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

_NONE: frozenset[bytes] = frozenset()


class ClientGone(Exception):
    """The caller hung up before its request was whole: there is nobody to answer."""


class Headers:
    """A request's headers by lower-case name, and the names that came more than once."""

    __slots__ = ("_values", "repeated")

    def __init__(self, pairs: list[Header]) -> None:
        self._values = dict(pairs)
        self.repeated = _NONE if len(self._values) == len(pairs) else _repeated(pairs)

    def get(self, name: bytes) -> bytes | None:
        """The value; of several the last."""
        return self._values.get(name)


def _repeated(pairs: Iterable[Header]) -> frozenset[bytes]:
    seen: set[bytes] = set()
    return frozenset(name for name, _ in pairs if name in seen or seen.add(name))


class Reply(NamedTuple):
    """A whole answer: content length is added when it is sent."""

    status: int
    body: bytes
    headers: list[Header]


async def send_reply(send: Send, reply: Reply, *, without_body: bool = False) -> None:
    """Send an answer; `without_body` for HEAD, where the length is still that of the body."""
    status, body, headers = reply
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if without_body else body})
