"""Pages for people: the API reference, from files of this package only."""

import asyncio
from collections.abc import Mapping
from importlib.resources import files

from stillmotion.http.server.replies import Header, Reply
from stillmotion.http.server.request import Request

_FOLDER = files("stillmotion.http.resources") / "docs_page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: tuple[Header, ...] = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}

PAGES: Mapping[str, str] = {
    "/docs": "reference.html",
    "/docs/reference.js": "reference.js",
    "/docs/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "/docs/swagger-ui.css": "swagger-ui.css",
}
"""Files by their paths."""


class StaticPage:
    """Page from a file, which is read for each request."""

    def __init__(self, name: str) -> None:
        self._file = _FOLDER / name
        kind = _TYPES[name.rpartition(".")[2]]
        kept = "no-cache" if name.endswith(".html") else "public, max-age=3600"
        self._headers = [("Content-Type", kind), ("Cache-Control", kept), *_HEADERS]

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        del request
        return Reply(200, await asyncio.to_thread(self._file.read_bytes), self._headers)
