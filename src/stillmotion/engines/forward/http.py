"""HTTP client for the dialects: JSON calls, clip downloads, WebSocket messages, and the meaning of failures."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from stillmotion.engines.forward.downloads import CONNECT_SECONDS, ClipLinks
from stillmotion.engines.forward.error_text import reason_of
from stillmotion.engines.forward.peer import JobLost, OutOfReach, Retries, ServerDown, Unfinished

ANSWER_SECONDS = 60.0
"""Time limit of one call."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_CLIP_BYTES = 2 * 1024 * 1024 * 1024
PIECE = 1024 * 1024
_BOX = 8
_NOT_YET = frozenset({202, 204, 400, 404, 409, 423, 425})
"""Statuses of a finished job's download that may be another one soon."""


OnOutcome = Callable[[str], None]
"""Takes the outcome of a call: `answered`, `refused` (4xx), `failed` (any other status) or `unreachable`."""


def unheard(_: str) -> None:
    """Ignore an outcome."""


class PeerResponse(NamedTuple):
    """An HTTP status and the body as JSON; None if it is no JSON."""

    status: int
    body: Any

    @property
    def job(self) -> dict[str, Any]:
        """The body if it is an object, otherwise an empty one."""
        return self.body if isinstance(self.body, dict) else {}


_OUTCOMES: Mapping[int, str] = MappingProxyType({2: "answered", 4: "refused"})


class PeerClient:
    """HTTP client of one server, configured by the operator. Its key goes nowhere else; no proxy or netrc is read."""

    def __init__(self, base: str, headers: Mapping[str, str], on_outcome: OnOutcome = unheard) -> None:
        self._on_outcome = on_outcome
        self._base = base.rstrip("/") + "/"
        self._headers = dict(headers)
        self._links = ClipLinks(self._base, headers)
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, path: str, *, json: Any = None, form: aiohttp.FormData | None = None, key: str = ""
    ) -> PeerResponse:
        """Send one request; `key` makes it safe to repeat. Raises `ServerDown` if no answer comes."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._http().request(
                    method, self._url(path), json=json, data=form, headers=headers, allow_redirects=False
                ) as answer,
            ):
                response = PeerResponse(answer.status, _decoded(await _limited(answer)))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._on_outcome("unreachable")
            raise ServerDown(f"{self._place} does not answer: {_why(error)}") from error
        self._on_outcome(_OUTCOMES.get(response.status // 100, "failed"))
        return response

    def check(self, answer: PeerResponse) -> None:
        """Raise `ServerDown` if a response tells of the server's failure, not of the job's."""
        if answer.status in (401, 403):
            raise ServerDown(f"{self._place} does not accept our key ({answer.status}{_said(answer)})")
        if answer.status in (408, 429) or answer.status >= 500 or 300 <= answer.status < 400:
            raise ServerDown(f"{self._place} answers {answer.status}{_said(answer)}")

    async def save(self, url: str, path: Path) -> None:
        """Download `url` (a path on this server, or an address that it gave) to a file, and check that it is a whole
        MP4.

        Raises `Unfinished`, `JobLost`, `OutOfReach` or `ServerDown`.
        """
        try:
            async with self._links.opened(url, self._http()) as answer:
                if answer.status == 410:
                    raise JobLost(url)
                if answer.status in _NOT_YET:
                    raise Unfinished(f"answered {answer.status}")
                if answer.status != 200:
                    raise ServerDown(f"{self._place} answers {answer.status} for a clip")
                await _write(answer, path)
        except (aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unfinished("the file was broken off") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ServerDown(f"{self._place} does not give the clip: {_why(error)}") from error
        if not await asyncio.to_thread(is_whole, path):
            raise Unfinished("the file is not whole")

    async def messages(self, path: str) -> AsyncIterator[Any]:
        """JSON messages of a WebSocket, until it is closed. Raises `ServerDown`."""
        try:
            async with self._http().ws_connect(
                self._url(path), headers=self._headers, max_msg_size=MAX_ANSWER_BYTES
            ) as socket:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        yield _decoded(message.data.encode())
        except (aiohttp.ClientError, OSError) as error:
            raise ServerDown(f"{self._place} gives no socket: {_why(error)}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._links.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _place(self) -> str:
        return urlsplit(self._base).netloc

    def _url(self, path: str) -> URL:
        return URL(self._base + path.lstrip("/"), encoded=True)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            )
        return self._session


async def _limited(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("its answer is too long")
    return bytes(body)


def _said(answer: PeerResponse) -> str:
    said = reason_of(answer.body)[:200]
    return f": {said}" if said else ""


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


async def _write(answer: aiohttp.ClientResponse, path: Path) -> None:
    written = 0
    with await asyncio.to_thread(path.open, "wb") as file:
        async for piece in answer.content.iter_chunked(PIECE):
            written += len(piece)
            if written > MAX_CLIP_BYTES:
                raise OutOfReach("the clip is larger than any clip of ours may be", Retries.NONE)
            await asyncio.to_thread(file.write, piece)
    if answer.content_length is not None and written != answer.content_length:
        raise Unfinished("the file was broken off")


def is_whole(path: Path) -> bool:
    """True if the top-level boxes fill the file exactly and include `moov` and `mdat` (ISO/IEC 14496-12, 4.2)."""
    size, at, kinds = path.stat().st_size, 0, set()
    with path.open("rb") as file:
        while at + _BOX <= size:
            file.seek(at)
            head = file.read(2 * _BOX)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            # A length of 1 means that 64 bits follow; 0 means up to the end of the file.
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0 and kind == b"mdat":
                length = size - at
            if length < _BOX:
                return False
            kinds.add(kind)
            at += length
    return at == size and {b"moov", b"mdat"} <= kinds


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__
