"""Pictures in data URIs, and what kind of picture some bytes are."""

import binascii
import re

MAX_BYTES = 20 * 1024 * 1024
"""The largest picture we take, as a file."""

SIGNATURE_BYTES = 32
"""How much of a file `picture_type` wants to see."""

_CHUNK = 1 << 20
"""Characters of base64 decoded at a time, a multiple of four: between chunks other threads may run."""

_START = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.ASCII | re.IGNORECASE)
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_AVIF_BRANDS = (b"avif", b"avis")
_PADDING = 2
"""Base64 ends in two equals signs at most, and has none elsewhere."""


class BadDataUri(ValueError):
    """Not a picture in a data URI: the message says what to send."""


def is_data_uri(address: str) -> bool:
    """Whether an address is a data URI, of a picture or not."""
    return address[:5].lower() == "data:"


def read_data_uri(address: str) -> bytes:
    """The picture file in a `data:image/…;base64,` URI. Raises `BadDataUri`."""
    start = _START.match(address)
    if start is None:
        raise BadDataUri("must be a picture in base64: data:image/png;base64,…")
    if (len(address) - start.end()) // 4 * 3 > MAX_BYTES + 2:
        raise BadDataUri(f"holds a picture of more than {MAX_BYTES >> 20} MiB; make it smaller")
    if address.find("=", start.end(), len(address) - _PADDING) >= 0:
        raise BadDataUri("holds something that is not base64")
    try:
        content = b"".join(
            binascii.a2b_base64(address[at : at + _CHUNK], strict_mode=True)
            for at in range(start.end(), len(address), _CHUNK)
        )
    except ValueError:
        raise BadDataUri("holds something that is not base64") from None
    if len(content) > MAX_BYTES:
        raise BadDataUri(f"holds a picture of more than {MAX_BYTES >> 20} MiB; make it smaller")
    if picture_type(content) is None:
        raise BadDataUri("holds no PNG, JPEG, WebP, AVIF, GIF or TIFF file")
    return content


def picture_type(beginning: bytes) -> str | None:
    """The media type of a picture file by its first bytes, None for anything else."""
    for start, media_type in _STARTS:
        if beginning.startswith(start):
            return media_type
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    if beginning[4:8] == b"ftyp" and any(brand in beginning[8:SIGNATURE_BYTES] for brand in _AVIF_BRANDS):
        return "image/avif"
    return None
