"""The pages for people: a welcome and the API reference, from files of this package alone."""

import asyncio
from collections.abc import Mapping
from importlib.resources import files

from stillmotion.http.asgi import NO_SNIFFING, Header, Receive, Reply, Scope, Send, send_reply

_FOLDER = files("stillmotion.http") / "docs_page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: tuple[Header, ...] = (
    NO_SNIFFING,
    (b"content-security-policy", _POLICY.encode("ascii")),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}

PAGES: Mapping[str, str] = {
    "/": "welcome.html",
    "/docs": "reference.html",
    "/docs/reference.js": "reference.js",
    "/docs/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "/docs/swagger-ui.css": "swagger-ui.css",
    "/docs/welcome.css": "welcome.css",
}
"""By path, the file that is served."""


class Page:
    """One file, read when it is asked for."""

    def __init__(self, name: str) -> None:
        self._file = _FOLDER / name
        kind = _TYPES[name.rpartition(".")[2]].encode("ascii")
        kept = b"no-cache" if name.endswith(".html") else b"public, max-age=3600"
        self._headers = [(b"content-type", kind), (b"cache-control", kept), *_HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        body = await asyncio.to_thread(self._file.read_bytes)
        await send_reply(send, Reply(200, body, self._headers), method=scope["method"])
