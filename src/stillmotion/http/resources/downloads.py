"""Downloads: objects behind signed URLs, whole or in ranges, as browsers play them."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec
import structlog

from stillmotion.application.download_urls import AssetUrls, UrlState
from stillmotion.application.integrity import Damaged, proven
from stillmotion.application.ports.objects import ObjectStore, StoredObject
from stillmotion.application.ports.store import GenerationStore
from stillmotion.domain.assets import CONTENT_TYPES, AssetKind
from stillmotion.domain.file_types.pictures import SIGNATURE_BYTES, picture_type
from stillmotion.http.resources.byte_ranges import Unsatisfiable, Validators, asked_range, is_unchanged
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Header, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import BrokenOff, Pieces

PREFIX = "/assets/"
PREVIEW = ".jpg"
"""Ending of a preview's key. It is the one object that is replaced, so its size and its bytes are read together."""

_LOG = structlog.get_logger("stillmotion.http")
_MAX_PARAMETERS = 8
_TYPES: Mapping[str, str] = {"mp4": CONTENT_TYPES[AssetKind.VIDEO], "jpg": CONTENT_TYPES[AssetKind.THUMBNAIL]}
_UNKNOWN_TYPE = "application/octet-stream"
_NOT_A_PAGE: tuple[Header, ...] = (
    ("Content-Security-Policy", "sandbox"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
"""A browser that opens the file runs no script in it. Other pages may show it."""


class Downloads:
    """Handler of signed URLs. No key is asked for."""

    def __init__(self, asset_urls: AssetUrls, objects: ObjectStore, store: GenerationStore) -> None:
        self._asset_urls = asset_urls
        self._objects = objects
        self._store = store

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request."""
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "Only GET and HEAD", ("Allow", "GET, HEAD")), None
        key = request.route.removeprefix(PREFIX)
        refusal = self._refusal(key, request.raw_query)
        if refusal is not None:
            return refusal, None
        digest = await self._store.digest_of(key)
        if digest is None and key.endswith(PREVIEW):
            held = await self._objects.whole(key)
            if held is None:
                return NOT_FOUND, None
            return await Download(self._objects, key, held[0], content=held[1])(request)
        stored = await self._objects.find(key)
        if stored is None:
            return NOT_FOUND, None
        return await Download(self._objects, key, stored, digest)(request)

    def _refusal(self, key: str, query: bytes) -> Reply | None:
        """The refusal of a URL that is forged or expired; None for a good one."""
        state = self._asset_urls.check(key, *_signature(query))
        if state is UrlState.GOOD:
            return None
        return EXPIRED if state is UrlState.EXPIRED else NOT_FOUND


class Download:
    """Answer with an object or a range of it. Access was checked before.

    With a digest, the end of a whole object is sent only if the bytes have it, so that the download of a damaged file
    breaks off. The bytes may be given as `content`.
    """

    def __init__(
        self,
        objects: ObjectStore,
        key: str,
        stored: StoredObject,
        digest: str | None = None,
        content: bytes | None = None,
    ) -> None:
        self._objects = objects
        self._key = key
        self._stored = stored
        self._content = content
        self._digest = digest

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request, a GET or a HEAD."""
        stored, headers = self._stored, request.headers
        validators = Validators.of(stored.etag, stored.modified_at)
        about = _about(validators)
        if is_unchanged(headers, validators):
            return Reply(304, b"", about), None
        size = stored.size
        try:
            part = asked_range(headers, size, validators) if request.method == "GET" else None
        except Unsatisfiable:
            return _refusal(416, "Range not satisfiable", ("Content-Range", f"bytes */{size}")), None
        start, end = part or (0, size)
        if part is not None:
            about.append(("Content-Range", f"bytes {start}-{end - 1}/{size}"))
        about += [("Content-Length", str(end - start)), *await self._kind(self._key, size)]
        return Reply(206 if part else 200, b"", about), self._pieces(start, end)

    async def _pieces(self, start: int, end: int) -> Pieces:
        if self._content is not None:
            yield self._content[start:end]
            return
        pieces = self._objects.read(self._key, start, end)
        if self._digest is not None and (start, end) == (0, self._stored.size):
            pieces = proven(pieces, self._digest)
        try:
            async for piece in pieces:
                yield piece
        except Damaged:
            _LOG.critical("asset_damaged", key=self._key)
            raise BrokenOff from None

    async def _kind(self, key: str, size: int) -> list[Header]:
        """The type and the file name of the object."""
        *_, folder, name = ("", *key.split("/"))
        suffix = name.rpartition(".")[2]
        kind = _TYPES.get(suffix) or await self._sniffed(key, size)
        shown = "attachment" if kind == _UNKNOWN_TYPE else "inline"
        filename = f"{folder or 'stillmotion'}.{suffix if suffix in _TYPES else kind.partition('/')[2]}"
        return [
            ("Content-Type", kind),
            ("Content-Disposition", f'{shown}; filename="{filename}"'.encode("ascii", "replace").decode("ascii")),
        ]

    async def _sniffed(self, key: str, size: int) -> str:
        beginning = self._objects.read(key, 0, min(size, SIGNATURE_BYTES))
        return picture_type(b"".join([piece async for piece in beginning])) or _UNKNOWN_TYPE


def _signature(query: bytes) -> tuple[str, str]:
    """The two parameters of a signed URL; empty if one is missing or repeated."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return "", ""
    found = dict(pairs)
    if len(found) != len(pairs):
        return "", ""
    return found.get("expires", ""), found.get("signature", "")


def _about(validators: Validators) -> list[Header]:
    return [
        ("ETag", validators.etag),
        ("Last-Modified", validators.modified),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "private, max-age=3600"),
        *_NOT_A_PAGE,
    ]


def _refusal(status: int, sentence: str, *headers: Header) -> Reply:
    body = msgspec.json.encode({"error": sentence})
    return Reply(status, body, [JSON_TYPE, NO_STORE, *_NOT_A_PAGE, *headers])


NOT_FOUND = _refusal(404, "There is nothing at this address")
EXPIRED = _refusal(404, "This address has expired: ask for the generation again to get a fresh one")
