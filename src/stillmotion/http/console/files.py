"""Files of the console: each at a path of its own, with a validator and a strict policy."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
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


def paths() -> Iterator[tuple[str, Path]]:
    """The path of each file, and the file. The start page is at the root."""
    yield "/", _FOLDER / _START
    for file in sorted(_FOLDER.rglob("*")):
        if file.suffix in _TYPES and file.name != _START:
            yield _BASE + file.relative_to(_FOLDER).as_posix(), file


class ConsoleFile:
    """One file, read for each request. A browser keeps it and asks whether it has changed.

    `bucket` is the origin that downloads come from, empty for this server alone.
    """

    def __init__(self, file: Path, bucket: str = "") -> None:
        self._file = file
        self._headers = [
            ("Content-Type", _TYPES[file.suffix]),
            ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", policy(bucket)),
            ("Referrer-Policy", "no-referrer"),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; a 304 if the browser has the present file."""
        content = await asyncio.to_thread(self._file.read_bytes)
        tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        headers: list[Header] = [("ETag", tag), *self._headers]
        if tag in request.headers.get("If-None-Match", ""):
            return Reply(304, b"", headers)
        return Reply(200, content, headers)


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
