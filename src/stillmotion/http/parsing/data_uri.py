"""Pictures in data URIs (RFC 2397), parsed by the rules of the WHATWG's URL and Fetch standards."""

import binascii
import re
from urllib.parse import unquote_to_bytes

from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES, picture_type
from stillmotion.domain.file_types.unsupported import refusal_of
from stillmotion.domain.request import Keyframe

_CHUNK = 1 << 20
"""Characters decoded at a time, a multiple of four. Other threads can run between two chunks."""

_SCHEME = "data:"
_BASE64 = re.compile(r";[ ]*base64[ \t]*", re.ASCII | re.IGNORECASE)
_WHITESPACE = b"\t\n\f\r "
_URL_ENDS = "".join(map(chr, range(0x21)))
"""Characters stripped from both ends of a URL: the control characters and the space."""
_ESCAPE = 3
"""Characters of a percent-encoded byte."""
_LONGEST_TYPE = 1024
"""Limit of the characters before the comma of a data URI."""
_BARE = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*", re.ASCII)

_TOO_LARGE = f"holds a picture of more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller"


class BadDataUri(ValueError):
    """Data URI without a readable picture. The message says what to send instead."""


def read_address(address: str) -> Keyframe:
    """A keyframe by its address, or by the picture in a data URI. Raises `BadDataUri`.

    The application decides which addresses are allowed.
    """
    if is_data_uri(address):
        return Keyframe(content=read_data_uri(address))
    if _is_bare_base64(address):
        raise BadDataUri("is base64 without its beginning: write data:image/jpeg;base64, before it")
    return Keyframe(url=address)


def is_data_uri(address: str) -> bool:
    """True for a data URI, of a picture or not."""
    return address[:64].lstrip(_URL_ENDS)[: len(_SCHEME)].lower() == _SCHEME


def read_data_uri(address: str) -> bytes:
    """The picture file in a data URI; the media type in the URI is ignored. Raises `BadDataUri`."""
    head, comma, data = address.strip(_URL_ENDS).partition(",")
    if not comma or len(head) > _LONGEST_TYPE:
        raise BadDataUri("must be a picture in base64: data:image/png;base64,…")
    data = data.partition("#")[0]
    is_base64 = _BASE64.fullmatch(head, head.rfind(";")) is not None if ";" in head else False
    if not is_base64 and _is_bare_base64(data):
        raise BadDataUri("is base64 that does not say so: write ;base64 before its comma")
    content = _of_base64(data) if is_base64 else _unescaped(data)
    if len(content) > MAX_PICTURE_BYTES:
        raise BadDataUri(_TOO_LARGE)
    refused = refusal_of(content, reads_heic=True)
    if refused is not None:
        raise BadDataUri(f"is {refused}")
    return content


def _of_base64(data: str) -> bytes:
    """Bytes of base64 text by the WHATWG's "forgiving-base64 decode". Raises `BadDataUri`."""
    try:
        text = (_unescaped(data) if "%" in data else data.encode("ascii")).translate(None, _WHITESPACE)
        if len(text) % 4 == 0:
            text = text.removesuffix(b"=").removesuffix(b"=")
        if len(text) % 4 == 1 or b"=" in text:
            raise BadDataUri("holds something that is not base64")
        if len(text) // 4 * 3 > MAX_PICTURE_BYTES:
            raise BadDataUri(_TOO_LARGE)
        text += b"=" * (-len(text) % 4)
        return b"".join(
            binascii.a2b_base64(text[at : at + _CHUNK], strict_mode=True) for at in range(0, len(text), _CHUNK)
        )
    except (UnicodeEncodeError, binascii.Error):
        raise BadDataUri("holds something that is not base64") from None


def _unescaped(data: str) -> bytes:
    """Bytes of percent-encoded text."""
    pieces, start = [], 0
    while start < len(data):
        end = start + _CHUNK
        # A chunk ends before a `%` that stands too near its end: an escape must not be cut in two.
        cut = data.find("%", end - _ESCAPE + 1, end)
        end = end if cut < 0 else cut
        pieces.append(unquote_to_bytes(data[start:end]))
        start = end
    return b"".join(pieces)


def _is_bare_base64(address: str) -> bool:
    """True for a picture in base64 without the `data:` before it."""
    beginning = address[:128]
    if _BARE.fullmatch(beginning) is None:
        return False
    try:
        start = binascii.a2b_base64("".join(beginning.split())[:44])
    except binascii.Error:
        return False
    return picture_type(start) is not None
