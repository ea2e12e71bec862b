"""Fetching the pictures that callers point to."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from stillmotion.adapters.fetch.client import Connections, GuardedSession, NoResponse, Trouble
from stillmotion.adapters.fetch.urls import Target, UrlRefused
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.domain.errors import GenerationFailed, Unavailable
from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES
from stillmotion.domain.file_types.unsupported import LOOKED_AT, refusal_of
from stillmotion.media.input.heif import reads_heic

DEADLINE = timedelta(seconds=20)
"""For everything: names, connections, redirects, the last byte."""
MAX_REDIRECTS = 3

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_MANY_SLASHES = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{3}|/{3}", re.ASCII)
"""A host to browsers, a path to others."""
_SENT_RAW = re.compile("[\udc80-\udcff]")
"""Bytes of a header that are no UTF-8, as the HTTP client gives them."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WHOLE = frozenset({200, 203})
"""203 is 200 from a proxy that changed something."""
_PACKING = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz", "exi"})
"""Content codings that make other bytes of a file (IANA's list); what else stands in their place changes nothing."""
_PASSING = frozenset({408, 425, 429})
"""Answers below 500 that may be another one next time."""

_TROUBLES: Mapping[Trouble, tuple[str, str, bool]] = {
    Trouble.BLOCKED: (
        "image_fetch_blocked",
        "its address leads to a place where this server does not go. Use a public https:// address.",
        True,
    ),
    Trouble.UNKNOWN_NAME: ("image_dns_failed", "its host name is not known. Check the spelling of the URL.", True),
    Trouble.NO_NAME_SERVICE: ("image_dns_failed", "its host name could not be looked up. Try again later.", False),
    Trouble.UNREACHABLE: (
        "image_fetch_failed",
        "its server could not be reached. Check that the URL opens in a browser.",
        False,
    ),
    Trouble.INSECURE: (
        "image_fetch_failed",
        "no secure connection to its server could be made. Check that the URL opens in a browser.",
        True,
    ),
    Trouble.TIMEOUT: (
        "image_fetch_timeout",
        "its server took too long. Try again, or put the image on a faster server.",
        False,
    ),
    Trouble.BROKEN: (
        "image_fetch_failed",
        "its server's answer was broken off or could not be understood. Try again, or use another server.",
        False,
    ),
    Trouble.ENDLESS_HEAD: (
        "image_fetch_failed",
        "its server sends more headers than an answer may have. Use another server.",
        True,
    ),
}
"""What each means for the generation: a code, the rest of the sentence, and whether it would happen again."""


Refusing = Callable[[bytes], str | None]
"""Why a file is not taken, to stand behind "it is": None where it is. Its first `LOOKED_AT` bytes mostly tell."""


def refused_picture(content: bytes) -> str | None:
    """`Refusing` for pictures, by what is installed here."""
    return refusal_of(content, reads_heic=reads_heic())


@dataclass(frozen=True, slots=True)
class HttpImages:
    """`ImageSource` over guarded connections: every hop is judged as if it had been submitted.

    Files of another kind are fetched in the same way: `refused` says of which, `most_bytes` how large they may be.
    """

    connections: Connections = field(default_factory=Connections)
    deadline: timedelta = DEADLINE
    fault: Fault = no_fault
    refused: Refusing = refused_picture
    most_bytes: int = MAX_PICTURE_BYTES

    async def fetch(self, url: str, destination: str) -> None:
        """Write the picture at `url` to the file `destination`.

        Raises `GenerationFailed`, or `Unavailable` where the file cannot be written.
        """
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                body = await self._fetch(url)
        except NoResponse as no_answer:
            raise _failure(*_TROUBLES[no_answer.trouble]) from no_answer
        except TimeoutError as late:
            raise _failure(*_TROUBLES[Trouble.TIMEOUT]) from late
        await asyncio.to_thread(_write, destination, body)

    async def _fetch(self, url: str) -> bytearray:
        target = self._admitted(url)
        for _ in range(MAX_REDIRECTS + 1):
            with self.connections.session() as session:
                async with _got(session, target) as answer:
                    if answer.status not in _REDIRECTS:
                        _check_head(answer, self.most_bytes)
                        return await self._body(answer)
                    location = answer.headers.get("Location", "")
            target = self._redirected(target, location)
        raise _failure(
            "image_too_many_redirects",
            f"it is redirected more than {MAX_REDIRECTS} times. Use the address that it leads to in the end.",
        )

    async def _body(self, answer: aiohttp.ClientResponse) -> bytearray:
        """The whole body, counted as it comes; its first bytes say whether it is of the kind at all."""
        body = bytearray()
        async for piece in answer.content.iter_any():
            known = len(body) >= LOOKED_AT
            body += piece
            self.fault(Point.FETCH_MIDWAY)
            if not known and len(body) >= LOOKED_AT:
                self._check_type(body[:LOOKED_AT])
            if len(body) > self.most_bytes:
                raise _too_large(self.most_bytes)
        self._check_type(body)
        return body

    def _check_type(self, content: bytearray) -> None:
        refused = self.refused(bytes(content))
        if refused is not None:
            raise GenerationFailed("image_unsupported_type", f"What the URL leads to is {refused}.")

    def _admitted(self, url: str) -> Target:
        try:
            return self.connections.guard.admit(url)
        except UrlRefused as refused:
            raise _failure(*_TROUBLES[Trouble.BLOCKED]) from refused

    def _redirected(self, target: Target, location: str) -> Target:
        """Where a redirect leads; never from https back to http."""
        location = _SENT_RAW.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location.strip())
        if not location:
            raise _failure("image_fetch_failed", "its server redirects to nowhere. Use another address.")
        # Joining would hide what parsers disagree about, so an absolute address is judged as it came.
        if "\\" in location or any(ord(each) < 0x20 for each in location) or _MANY_SLASHES.match(location):
            raise _failure(*_TROUBLES[Trouble.BLOCKED])
        try:
            following = self._admitted(location if _ABSOLUTE.match(location) else urljoin(target.url, location))
        except ValueError as error:
            raise _failure(*_TROUBLES[Trouble.BLOCKED]) from error
        if target.scheme == "https" and following.scheme != "https":
            raise _failure(*_TROUBLES[Trouble.BLOCKED])
        return following


@asynccontextmanager
async def _got(session: GuardedSession, target: Target) -> AsyncIterator[aiohttp.ClientResponse]:
    async with session.http() as http, http.get(URL(target.url, encoded=True), allow_redirects=False) as answer:
        yield answer


def _check_head(answer: aiohttp.ClientResponse, most_bytes: int) -> None:
    """Refuse by status and headers what is no plain whole file."""
    status = answer.status
    if status not in _WHOLE:
        passing = status >= 500 or status in _PASSING
        advice = "Try again later." if passing else "Check that the URL opens in a browser without signing in."
        raise _failure("image_fetch_failed", f"its server answered {status}. {advice}", not passing)
    stated = ",".join(answer.headers.getall("Content-Encoding", ()))
    codings = {each.strip().lower() for each in stated.split(",")}
    if not codings.isdisjoint(_PACKING):
        raise _failure("image_fetch_failed", "its server sends it compressed though asked not to. Use another server.")
    if (answer.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)


def _write(destination: str, body: bytearray) -> None:
    try:
        Path(destination).write_bytes(body)
    except OSError as error:
        raise Unavailable(f"the picture's file cannot be written: {error.strerror}") from error


def _too_large(most_bytes: int) -> GenerationFailed:
    limit = most_bytes // (1024 * 1024)
    return GenerationFailed("image_too_large", f"The image file is larger than {limit} MiB: use a smaller one.")


def _failure(code: str, rest: str, permanent: bool = True) -> GenerationFailed:
    return GenerationFailed(code, f"The image could not be fetched: {rest}", permanent=permanent)
