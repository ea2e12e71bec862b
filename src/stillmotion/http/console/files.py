"""Files of the console: each at a path of its own, with a validator and a strict policy. Texts are compressed."""

import asyncio
import gzip
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from stillmotion.http.server.replies import Header, Reply
from stillmotion.http.server.request import Request

_FOLDER = Path(__file__).parent / "static"
_BASE = "/console/"
_START = "index.html"
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".webmanifest": "application/manifest+json",
}

_END_OF_HEAD = b"</head>"
_TEXTS = frozenset({".html", ".js", ".css", ".svg", ".webmanifest"})


def paths() -> Iterator[tuple[str, Path]]:
    """The path of each file, and the file. The start page is at the root."""
    yield "/", _FOLDER / _START
    for file in sorted(_FOLDER.rglob("*")):
        if file.suffix in _TYPES and file.name != _START:
            yield _BASE + file.relative_to(_FOLDER).as_posix(), file


class ConsoleFile:
    """One file, read for each request. A browser keeps it and asks whether it has changed.

    `bucket` is the origin that downloads come from, empty for this server alone: the start page names it, so that a
    browser connects at once. The compressed form of the last content is kept.
    """

    def __init__(self, file: Path, bucket: str = "") -> None:
        self._file = file
        self._is_text = file.suffix in _TEXTS
        self._compressed: tuple[str, bytes] = ("", b"")
        self._hint = f'<link rel="preconnect" href="{escape(bucket)}">'.encode() if bucket else b""
        self._headers = [
            ("Content-Type", _TYPES[file.suffix]),
            ("Cache-Control", "no-cache"),
            ("Vary", "Accept-Encoding"),
            ("Content-Security-Policy", policy(bucket)),
            ("Referrer-Policy", "no-referrer"),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; a 304 if the browser has the present file."""
        content = await asyncio.to_thread(self._file.read_bytes)
        if self._hint and self._file.suffix == ".html":
            content = content.replace(_END_OF_HEAD, self._hint + _END_OF_HEAD, 1)
        digest = hashlib.blake2b(content, digest_size=12).hexdigest()
        is_packed = self._is_text and "gzip" in request.headers.get("Accept-Encoding", "")
        tag = f'"{digest}-gzip"' if is_packed else f'"{digest}"'
        headers: list[Header] = [("ETag", tag), *self._headers]
        if is_packed:
            headers.append(("Content-Encoding", "gzip"))
        if tag in request.headers.get("If-None-Match", ""):
            return Reply(304, b"", headers)
        return Reply(200, await self._packed(digest, content) if is_packed else content, headers)

    async def _packed(self, digest: str, content: bytes) -> bytes:
        if self._compressed[0] != digest:
            self._compressed = (digest, await asyncio.to_thread(gzip.compress, content, mtime=0))
        return self._compressed[1]


def policy(bucket: str = "") -> str:
    """The content security policy. Downloads may come from the `bucket` too."""
    also = f" {bucket}" if bucket else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:{also}; "
        f"media-src 'self' blob:{also}; connect-src 'self'{also}; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


def origin_of(url: str | None) -> str:
    """The origin of a direct download URL; empty without one."""
    if url is None:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
