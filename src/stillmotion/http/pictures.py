"""Pictures in data URIs."""

import binascii
import re

from stillmotion.domain.pictures import MAX_PICTURE_BYTES
from stillmotion.domain.refused_files import refusal_of

_CHUNK = 1 << 20
"""Characters of base64 decoded at a time, a multiple of four: between chunks other threads may run."""

_START = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.ASCII | re.IGNORECASE)
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
    if (len(address) - start.end()) // 4 * 3 > MAX_PICTURE_BYTES + 2:
        raise BadDataUri(f"holds a picture of more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller")
    if address.find("=", start.end(), len(address) - _PADDING) >= 0:
        raise BadDataUri("holds something that is not base64")
    try:
        content = b"".join(
            binascii.a2b_base64(address[at : at + _CHUNK], strict_mode=True)
            for at in range(start.end(), len(address), _CHUNK)
        )
    except ValueError:
        raise BadDataUri("holds something that is not base64") from None
    if len(content) > MAX_PICTURE_BYTES:
        raise BadDataUri(f"holds a picture of more than {MAX_PICTURE_BYTES >> 20} MiB; make it smaller")
    refused = refusal_of(content, reads_heic=True)
    if refused is not None:
        raise BadDataUri(f"is {refused}")
    return content
