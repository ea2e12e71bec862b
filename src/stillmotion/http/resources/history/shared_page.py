"""Shared clips: a page with the clip behind a link, and its files. No key is asked for."""

import base64
import hashlib
from typing import Final

from stillmotion.application.history.links import LinkEnded, LinkNotFound, Links
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import GenerationStore
from stillmotion.http.resources.downloads import Download
from stillmotion.http.server.replies import NO_STORE, Header, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces

SHARED: Final = "/shared/"
SHARED_CLIP: Final = f"{SHARED}{{token}}"

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "main{margin:0;min-height:100vh;display:grid;place-content:center;justify-items:center;gap:1rem;padding:1rem;"
    "box-sizing:border-box}"
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}"
    "video{max-width:100%;max-height:80vh;border-radius:.75rem;background:#000}"
    "p{margin:0;text-align:center}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; media-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[tuple[Header, ...]] = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("X-Robots-Tag", "noindex"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    NO_STORE,
)


class SharedClips:
    """Handler of `/shared/{token}`, the page, and of `/shared/{token}.mp4` and `.jpg`, its files."""

    def __init__(self, links: Links, objects: ObjectStore, store: GenerationStore) -> None:
        self._links = links
        self._objects = objects
        self._store = store

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request, a GET or a HEAD."""
        token, _, suffix = request.path_values["token"].partition(".")
        try:
            clip = await self._links.opened(token)
        except LinkNotFound:
            return _refusal(404, "There is nothing at this address: the link may have been taken back."), None
        except LinkEnded:
            return _refusal(410, "This link has expired. Ask for a new one."), None
        if not suffix:
            until = f"{clip.link.expires_at:%-d %B %Y, %H:%M} UTC"
            return _page(200, _player(token, until)), None
        key = {"mp4": clip.video, "jpg": clip.thumbnail}.get(suffix)
        stored = None if key is None else await self._objects.find(key)
        if key is None or stored is None:
            return _refusal(404, "There is nothing at this address."), None
        reply, pieces = await Download(self._objects, key, stored, await self._store.digest_of(key))(request)
        kept = [each for each in reply.headers if each[0] != "Cache-Control"]
        return reply._replace(headers=[*kept, NO_STORE, ("X-Robots-Tag", "noindex")]), pieces


def _player(token: str, until: str) -> str:
    return (
        f'<video src="{token}.mp4" poster="{token}.jpg" controls loop playsinline></video>'
        f'<p><a href="{token}.mp4" download="clip.mp4">Download</a> · shared until {until}</p>'
    )


def _refusal(status: int, sentence: str) -> Reply:
    return _page(status, f"<p>{sentence}</p>")


def _page(status: int, content: str) -> Reply:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="../console/icon.svg">'
        f"<title>A shared clip</title><style>{_STYLE}</style></head><body><main>{content}</main></body></html>"
    )
    return Reply(status, page.encode(), list(_HEADERS))
