"""A caller who sends raw bytes in pieces, and reads answers until the connection is closed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from bench.load import Address
from bench.smuggling.vectors import CANARY, Vector, Verdict

PATIENCE = 4.0
"""Seconds to listen on a connection that stays open."""
SINGLE_BYTES = 120
"""The length of the head's end that is sent byte by byte: its last headers."""
PAUSE = 0.002
"""Seconds between two pieces, so that they are read apart."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer as it came."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_hidden(self) -> bool:
        """True where it answers the request that was hidden in a body."""
        return self.status == 200 and b'"openapi"' in self.body[:200]

    @property
    def is_canary(self) -> bool:
        """True where it answers the request after."""
        return self.status == 200 and self.body.startswith(b'{"status":"ok"')


@dataclass(frozen=True, slots=True)
class Heard:
    """The answers on a connection, the unreadable rest, and a flag for the other side's close."""

    answers: Sequence[Answer]
    rest: bytes
    closed: bool


def whole(vector: Vector) -> list[bytes]:
    """Everything at once."""
    return [vector.head + vector.body + CANARY]


def at_the_body(vector: Vector) -> list[bytes]:
    """The body after the head, and the next request after that."""
    return [piece for piece in (vector.head, vector.body, CANARY) if piece]


def byte_by_byte(vector: Vector) -> list[bytes]:
    """The end of the head, the body and the beginning of what follows, each byte by itself."""
    start = max(0, len(vector.head) - SINGLE_BYTES)
    single = vector.head[start:] + vector.body + CANARY[:1]
    return [vector.head[:start], *(bytes([byte]) for byte in single), CANARY[1:]]


def at_random(vector: Vector, random: Random, cuts: int = 4) -> list[bytes]:
    """In some pieces."""
    sent = vector.head + vector.body + CANARY
    places = [0, *sorted(random.sample(range(1, len(sent)), cuts)), len(sent)]
    return [sent[start:end] for start, end in pairwise(places)]


async def spoken(address: Address, pieces: Sequence[bytes], *, is_head: bool, patience: float = PATIENCE) -> Heard:
    """Send the pieces one after the other, and read to the end."""
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=2**24)
    received, closed = bytearray(), False

    async def read() -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(2**18):
                received.extend(piece)

    reading = asyncio.create_task(read())
    try:
        with suppress(ConnectionError, RuntimeError):  # uvloop raises the second for a connection that is gone.
            for piece in filter(None, pieces):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(PAUSE if len(pieces) > 1 else 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.shield(reading)
            closed = True
    finally:
        reading.cancel()
        writer.transport.abort()
    return Heard(*_answers(bytes(received), is_head), closed)


def _answers(received: bytes, is_head: bool) -> tuple[list[Answer], bytes]:
    answers: list[Answer] = []
    while received:
        head, blank, rest = received.partition(b"\r\n\r\n")
        if not blank or not head.startswith(b"HTTP/"):
            break
        status = int(head[9:12])
        if status < 200:
            received = rest
            continue
        body, after = _body(head.lower(), rest, bodiless=status in (204, 304) or (is_head and not answers))
        if body is None:
            break
        answers.append(Answer(status, head, body))
        received = after
    return answers, received


def _body(head: bytes, rest: bytes, *, bodiless: bool) -> tuple[bytes | None, bytes]:
    if bodiless:
        return b"", rest
    fields = dict(line.split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"content-length" in fields:
        length = int(fields[b"content-length"])
        return (rest[:length], rest[length:]) if len(rest) >= length else (None, rest)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return _unchunked(rest)
    return rest, b""


def _unchunked(rest: bytes) -> tuple[bytes | None, bytes]:
    body = bytearray()
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None, rest
        size = int(line, 16)
        if not size:
            return bytes(body), rest.partition(b"\r\n")[2]
        body += rest[:size]
        rest = rest[size + 2 :]


def fault(vector: Vector, heard: Heard) -> str | None:
    """The fault of the answers, in a sentence; None where there is none."""
    told = [answer.status for answer in heard.answers]
    found = _misread(heard, 3 if vector.verdict is Verdict.BOTH else 2) or _mistaken(vector.verdict, heard.answers)
    if found is None and not heard.closed and vector.verdict in (Verdict.TAKEN, Verdict.ANSWERED, Verdict.BOTH):
        # The others may wait for the end of a body that is none, until its deadline.
        found = "hangs"
    return None if found is None else f"{found}: {told} {heard.rest[:80]!r}"


def _misread(heard: Heard, most: int) -> str | None:
    """The faults that no request may cause."""
    answers = heard.answers
    if any(answer.is_hidden for answer in answers):
        return "the hidden request was run"
    if len(answers) > most or heard.rest:
        return f"more than {most} answers"
    return "an answer after the last one" if any(answer.is_canary for answer in answers[:-1]) else None


def _mistaken(verdict: Verdict, answers: Sequence[Answer]) -> str | None:
    """The faults that this vector may not cause."""
    last_read = bool(answers) and answers[-1].is_canary
    match verdict:
        case Verdict.TAKEN if len(answers) != 2 or not last_read:
            return "not answered once, with the next"
        case Verdict.ANSWERED | Verdict.BOTH if not answers or answers[0].is_canary:
            return "not answered"
        case Verdict.REFUSED | Verdict.LAST if last_read or len(answers) > 1:
            return "read on"
        case Verdict.REFUSED if answers and answers[0].status < 400:
            return "taken"
        case Verdict.EITHER | Verdict.ANSWERED if len(answers) > 1 and not last_read:
            return "two answers, and none is the next one's"
    return None
