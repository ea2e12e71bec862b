"""The list of requests: every spelling in its place, with a request hidden where a wrong reading would find one."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from bench.smuggling import grammar
from bench.smuggling.grammar import Reading, Spellings

HIDDEN = b"GET /openapi.json HTTP/1.1\r\nHost: hidden\r\n\r\n"
"""The hidden request, which no reading of a body may run: its answer is like no other here."""
CANARY = b"GET /healthz HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n"
"""The request after each, on the same connection."""
POLL = "/lumalabs-ai-polling/v1/getStatus"


class Verdict(StrEnum):
    """The allowed outcomes of a request."""

    TAKEN = "taken"
    """It is answered, and so is the one after it."""
    ANSWERED = "answered"
    """It is answered, and the connection may end with it."""
    REFUSED = "refused"
    """It is refused or ends without an answer, and nothing after it is read."""
    LAST = "last"
    """It may be answered, and nothing after it is read."""
    EITHER = "either"
    """One request, answered or refused."""
    BOTH = "both"
    """Two requests, of which the second may go unanswered."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One request as bytes, cut at the end of its head, and its allowed outcome."""

    name: str
    head: bytes
    body: bytes
    verdict: Verdict

    @property
    def is_head(self) -> bool:
        """True where its answer has no body."""
        return self.head.startswith(b"HEAD ")


_VERDICTS = {
    Reading.GOOD: Verdict.TAKEN,
    Reading.OTHER: Verdict.TAKEN,
    Reading.BAD: Verdict.REFUSED,
    Reading.DOUBTFUL: Verdict.EITHER,
}


def vectors(key: str) -> Iterator[Vector]:
    """All vectors, each for a route that reads a body (with that key) and for one that does not."""
    keyed = f"Ocp-Apim-Subscription-Key: {key}\r\nContent-Type: application/json"
    starts = {
        "read": f"POST {POLL} HTTP/1.1\r\nHost: x\r\n{keyed}",
        "unread": "POST /healthz HTTP/1.1\r\nHost: x",
        "get": "GET /docs HTTP/1.1\r\nHost: x",
    }
    for name, start in starts.items():
        for make in (_encodings, _lengths, _chunks, _both):
            for vector in make(start.encode() + b"\r\n"):
                yield Vector(f"{name}: {vector.name}", vector.head, vector.body, vector.verdict)
    yield from _lines()
    yield from _upgrades(starts["read"].partition(" ")[2].encode())
    yield from _old(starts["unread"].encode())


def chunked(data: bytes = HIDDEN, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body of one chunk."""
    return b"%x\r\n%b\r\n%b" % (len(data), data, end)


def spelled(spellings: Spellings) -> Iterator[tuple[Reading, bytes]]:
    """Each spelling with its reading."""
    for reading, each in spellings.items():
        for spelling in each:
            yield reading, spelling


def _filled(spelling: bytes, number: int) -> bytes:
    if spelling.startswith((b"9999", b"18446")):
        return spelling
    for place in (b"%016x", b"%d", b"%x", b"%X"):
        spelling = spelling.replace(place, place % number)
    return spelling


def _encodings(start: bytes) -> Iterator[Vector]:
    """One mis-spelled header beside a Content-Length that contradicts it."""
    lines = [(reading, name + b": chunked") for reading, name in spelled(grammar.TRANSFER_ENCODING_NAMES)]
    lines += [(reading, b"Transfer-Encoding:" + value) for reading, value in spelled(grammar.TRANSFER_ENCODINGS)]
    for reading, line in lines:
        hidden_inside, hidden_after = chunked(), b"0\r\n\r\n" + HIDDEN
        if reading is not Reading.OTHER:
            alone = Verdict.ANSWERED if reading is Reading.GOOD else _VERDICTS[reading]
            yield Vector(f"{line!r}", start + line + b"\r\n\r\n", hidden_inside, alone)
        verdict = Verdict.TAKEN if reading is Reading.OTHER else Verdict.LAST
        verdict = Verdict.REFUSED if reading is Reading.BAD else verdict
        bodies = [(hidden_after, len(hidden_after))]
        if reading is not Reading.OTHER:
            # A reader of the encoding alone would take the hidden request for one of its own.
            bodies = [(hidden_inside, 4)] if reading is not Reading.BAD else [*bodies, (hidden_inside, 4)]
        for body, length in bodies:
            counted = b"Content-Length: %d" % length
            for both in ((line, counted), (counted, line)):
                yield Vector(f"{both!r}", start + b"\r\n".join(both) + b"\r\n\r\n", body, verdict)


def _both(start: bytes) -> Iterator[Vector]:
    """Two encodings, one of them good."""
    for reading, value in spelled(grammar.TRANSFER_ENCODINGS):
        for values in dict.fromkeys(((b"chunked", value), (value, b"chunked"))):
            lines = b"\r\n".join(b"Transfer-Encoding: " + each for each in values)
            verdict = Verdict.REFUSED if reading is Reading.BAD else Verdict.EITHER
            yield Vector(f"{lines!r}", start + lines + b"\r\n\r\n", chunked(), verdict)


def _lengths(start: bytes) -> Iterator[Vector]:
    for reading, spelling in spelled(grammar.CONTENT_LENGTHS):
        line = b"Content-Length:" + _filled(spelling, len(HIDDEN))
        yield Vector(f"{line!r}", start + line + b"\r\n\r\n", HIDDEN, _VERDICTS[reading])
    for name in (
        b"Content-Length ",
        b" Content-Length",
        b"Content-Length\x00",
        b"Content Length",
        b"X: y\nContent-Length",
    ):
        line = name + b": %d" % len(HIDDEN)
        yield Vector(f"{line!r}", start + line + b"\r\n\r\n", HIDDEN, Verdict.REFUSED)


def _chunks(start: bytes) -> Iterator[Vector]:
    head = start + b"Transfer-Encoding: chunked\r\n\r\n"

    def vector(name: str, reading: Reading, body: bytes) -> Vector:
        # The fault comes late: by then an answer may have been given.
        verdict = {Reading.BAD: Verdict.LAST, Reading.GOOD: Verdict.ANSWERED}.get(reading, Verdict.EITHER)
        return Vector(f"chunk {name}", head, body, verdict)

    for reading, size in spelled(grammar.CHUNK_SIZES):
        line = _filled(size, len(HIDDEN))
        yield vector(f"size {line!r}", reading, line + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n")
        yield vector(f"second size {line!r}", reading, b"2\r\nhi\r\n" + line + b"\r\n" + HIDDEN + b"\r\n0\r\n\r\n")
        if reading is Reading.BAD and not line.endswith(b"\r"):
            yield vector(f"size {line!r} LF", reading, line + b"\n" + HIDDEN + b"\r\n0\r\n\r\n")
    for reading, end in spelled(grammar.LINE_ENDS):
        body = b"%x\r\n%b%b0\r\n\r\n" % (len(HIDDEN), HIDDEN, end)
        yield vector(f"data end {end!r}", reading, body)
        if end != b"":
            yield vector(f"size end {end!r}", reading, b"%x%b%b\r\n0\r\n\r\n" % (len(HIDDEN), end, HIDDEN))
    for reading, last in spelled(grammar.LAST_CHUNKS):
        yield vector(f"last {last!r}", reading, b"2\r\nhi\r\n" + last)


def _lines() -> Iterator[Vector]:
    for reading, line in spelled(grammar.REQUEST_LINES):
        verdict = Verdict.LAST if reading is Reading.BAD else _VERDICTS[reading]
        yield Vector(f"line {line[:40]!r}", line + b"\r\nHost: x\r\n\r\n", b"", verdict)
        if reading is Reading.BAD:
            sized = b"\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
            yield Vector(f"line with a body {line[:40]!r}", line + sized, HIDDEN, verdict)
    for reading, line in spelled(grammar.HOSTS):
        verdict = Verdict.EITHER if reading is Reading.BAD else _VERDICTS[reading]
        yield Vector(f"{line!r}", b"GET /docs HTTP/1.1\r\n" + line + b"\r\n\r\n", b"", verdict)


def _upgrades(rest: bytes) -> Iterator[Vector]:
    """Upgrades, which are read as if their headers were absent (RFC 9110, 7.8): the body is the request's."""
    bodies: dict[str, tuple[bytes, bytes]] = {
        "none": (b"", b""),
        "length": (b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN),
        "chunks": (b"Transfer-Encoding: chunked\r\n", chunked()),
        "empty": (b"Content-Length: 0\r\n", b""),
    }
    every = product(grammar.UPGRADE_METHODS, grammar.UPGRADES, grammar.UPGRADE_CONNECTIONS, bodies.items())
    for number, (method, upgrade, connection, (kind, (line, body))) in enumerate(every):
        more = grammar.UPGRADE_HEADERS[number % len(grammar.UPGRADE_HEADERS)]
        head = b"%b %b\r\nConnection: %b\r\nUpgrade: %b\r\n%b%b\r\n" % (method, rest, connection, upgrade, more, line)
        name = f"upgrade {method.decode()} {upgrade.decode()} by {connection.decode()}, body: {kind}"
        yield Vector(name, head, body, Verdict.ANSWERED)
        if kind != "none" and upgrade != b"":
            # In one piece with it comes the head of another request, whose body comes later.
            behind = b"POST /healthz HTTP/1.1\r\nHost: behind\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
            yield Vector(f"{name}, another behind it", head + body + behind, HIDDEN, Verdict.BOTH)


def _old(start: bytes) -> Iterator[Vector]:
    """HTTP/1.0, which knows no chunks and no second request, and expectations."""
    start_of_old = start.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n"

    def make(name: str, line: bytes, body: bytes, verdict: Verdict) -> Vector:
        return Vector(f"old {name}", start_of_old + line + b"\r\n", body, verdict)

    yield make("chunked", b"Transfer-Encoding: chunked\r\n", chunked(), Verdict.LAST)
    yield make("chunked and kept", b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", chunked(), Verdict.LAST)
    for order in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ):
        yield make(f"{order!r}", order, chunked(), Verdict.LAST)
    sized = b"Content-Length: %d\r\n" % len(HIDDEN)
    yield make("length", sized, HIDDEN, Verdict.EITHER)
    yield make("kept", b"Connection: keep-alive\r\n" + sized, HIDDEN, Verdict.EITHER)
    yield make("expecting", b"Expect: 100-continue\r\n" + sized, HIDDEN, Verdict.EITHER)
    for expectation in (b"100-continue", b"100-Continue", b"200-ok", b"100-continue, x", b"\x00"):
        head = start + b"\r\nExpect: " + expectation + b"\r\n" + sized + b"\r\n"
        verdict = Verdict.REFUSED if expectation == b"\x00" else Verdict.EITHER
        yield Vector(f"expects {expectation!r}", head, HIDDEN, verdict)
