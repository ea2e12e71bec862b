"""Guarded download of the images and videos that callers link to."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from stillmotion.adapters.fetch.client import Connections, GuardedSession, NoResponse, Trouble
from stillmotion.adapters.fetch.urls import Target, UrlRefused
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.metrics import FETCHES, Tally
from stillmotion.domain.errors import GenerationFailed, Unavailable
from stillmotion.domain.failures import FailureKind, FetchFailure
from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES, SIGNATURE_BYTES
from stillmotion.domain.file_types.unsupported import LOOKED_AT, refusal_of
from stillmotion.domain.file_types.videos import MAX_VIDEO_BYTES, video_type
from stillmotion.media.input.heif import reads_heic

MAX_REDIRECTS = 3

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_MANY_SLASHES = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{3}|/{3}", re.ASCII)
"""An empty authority: browsers read the next part as the host, other clients as a path."""
_SENT_RAW = re.compile("[\udc80-\udcff]")
"""Bytes of a header that are no UTF-8, as the HTTP client passes them on (surrogate escapes)."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WHOLE = frozenset({200, 203})
"""Statuses of a whole file. 203 is 200 from a proxy that changed something."""
_PACKING = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz", "exi"})
"""Content codings that change a file's bytes (IANA's list). Any other value of the header leaves them as they are."""
_PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that are worth another attempt."""

_TROUBLES: Mapping[Trouble, FetchFailure] = {each: FetchFailure[each.name] for each in Trouble}
"""The failure that each trouble of a connection becomes: they have the same names."""


def refused_image(content: bytes, may_read_heic: Callable[[], bool] = reads_heic) -> GenerationFailed | None:
    """The failure of a file that is no image this installation reads."""
    refusal = refusal_of(content, reads_heic=may_read_heic())
    return None if refusal is None else FailureKind.IMAGE_LINK_UNSUPPORTED.error(refusal=refusal)


def refused_video(content: bytes) -> GenerationFailed | None:
    """The failure of a file that is no video of a supported kind."""
    is_video = video_type(content[:SIGNATURE_BYTES]) is not None
    return None if is_video else FailureKind.SOURCE_LINK_UNSUPPORTED.error()


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of file: its bounds and its failures.

    `deadline` covers the whole download: names, connections, redirects, the last byte. `refused` is asked twice: about
    the first `LOOKED_AT` bytes, which mostly tell, and about the whole file.
    """

    name: Literal["image", "video"]
    deadline: timedelta
    max_bytes: int
    too_large: FailureKind
    refused: Callable[[bytes], GenerationFailed | None]


IMAGE = Medium("image", timedelta(seconds=20), MAX_PICTURE_BYTES, FailureKind.IMAGE_TOO_LARGE, refused_image)
VIDEO = Medium("video", timedelta(seconds=60), MAX_VIDEO_BYTES, FailureKind.SOURCE_TOO_LARGE, refused_video)


@dataclass(frozen=True, slots=True)
class HttpDownload:
    """`ImageSource` over guarded connections. Every redirect is checked as a submitted URL is."""

    connections: Connections = field(default_factory=Connections)
    medium: Medium = IMAGE
    fault: Fault = no_fault
    tally: Tally = field(default_factory=Tally)

    async def fetch(self, url: str, destination: str) -> None:
        """Write the file at `url` to the path `destination`.

        Raises `GenerationFailed`, or `Unavailable` where the file cannot be written.
        """
        try:
            body = await self._fetched(url)
        except GenerationFailed as failure:
            self.tally.count(FETCHES, failure.code)
            raise
        self.tally.count(FETCHES, "fetched")
        await asyncio.to_thread(_write, destination, body)

    async def _fetched(self, url: str) -> bytearray:
        try:
            async with asyncio.timeout(self.medium.deadline.total_seconds()):
                return await self._fetch(url)
        except NoResponse as no_response:
            raise self._failure(_TROUBLES[no_response.trouble]) from no_response
        except TimeoutError as late:
            raise self._failure(FetchFailure.TIMEOUT) from late

    async def _fetch(self, url: str) -> bytearray:
        target = self._admitted(url)
        for _ in range(MAX_REDIRECTS + 1):
            with self.connections.session() as session:
                async with _requested(session, target) as response:
                    if response.status not in _REDIRECTS:
                        self._check_head(response)
                        return await self._body(response)
                    location = response.headers.get("Location", "")
            target = self._redirected(target, location)
        raise self._failure(FetchFailure.REDIRECTED_TOO_OFTEN, most=MAX_REDIRECTS)

    def _check_head(self, response: aiohttp.ClientResponse) -> None:
        """Refuse by status and headers all but a plain, whole file."""
        status = response.status
        if status not in _WHOLE:
            is_passing = status >= 500 or status in _PASSING
            raise self._failure(FetchFailure.UNAVAILABLE if is_passing else FetchFailure.REFUSED, status=status)
        stated = ",".join(response.headers.getall("Content-Encoding", ()))
        codings = {each.strip().lower() for each in stated.split(",")}
        if not codings.isdisjoint(_PACKING):
            raise self._failure(FetchFailure.COMPRESSED)
        if (response.content_length or 0) > self.medium.max_bytes:
            raise self.medium.too_large.error()

    async def _body(self, response: aiohttp.ClientResponse) -> bytearray:
        """The whole body. Its size is counted as it arrives, its type is checked as soon as enough of it is there."""
        body = bytearray()
        async for piece in response.content.iter_any():
            known = len(body) >= LOOKED_AT
            body += piece
            self.fault(Point.FETCH_MIDWAY)
            if not known and len(body) >= LOOKED_AT:
                self._check_type(body[:LOOKED_AT])
            if len(body) > self.medium.max_bytes:
                raise self.medium.too_large.error()
        self._check_type(body)
        return body

    def _check_type(self, content: bytearray) -> None:
        failure = self.medium.refused(bytes(content))
        if failure is not None:
            raise failure

    def _admitted(self, url: str) -> Target:
        try:
            return self.connections.guard.admit(url)
        except UrlRefused as refused:
            raise self._failure(FetchFailure.BLOCKED) from refused

    def _redirected(self, target: Target, location: str) -> Target:
        """The next address. A redirect from https to http is refused."""
        location = _SENT_RAW.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location.strip())
        if not location:
            raise self._failure(FetchFailure.REDIRECTED_NOWHERE)
        # Joining would hide differences between URL parsers, so an absolute address is judged as it came.
        if "\\" in location or any(ord(each) < 0x20 for each in location) or _MANY_SLASHES.match(location):
            raise self._failure(FetchFailure.BLOCKED)
        try:
            following = self._admitted(location if _ABSOLUTE.match(location) else urljoin(target.url, location))
        except ValueError as error:
            raise self._failure(FetchFailure.BLOCKED) from error
        if target.scheme == "https" and following.scheme != "https":
            raise self._failure(FetchFailure.BLOCKED)
        return following

    def _failure(self, failure: FetchFailure, **values: object) -> GenerationFailed:
        return failure.error(self.medium.name, **values)


@asynccontextmanager
async def _requested(session: GuardedSession, target: Target) -> AsyncIterator[aiohttp.ClientResponse]:
    async with session.http() as http, http.get(URL(target.url, encoded=True), allow_redirects=False) as response:
        yield response


def _write(destination: str, body: bytearray) -> None:
    try:
        Path(destination).write_bytes(body)
    except OSError as error:
        raise Unavailable(f"the downloaded file cannot be written: {error.strerror}") from error
