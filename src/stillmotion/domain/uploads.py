"""Uploads: pictures sent ahead of the generations that use them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from stillmotion.domain.errors import LimitExceeded, Reason

KEPT_FOR = timedelta(hours=24)

MAX_KEPT = 1000
"""Most uploads of a subscription at once."""
MAX_KEPT_BYTES = 2 * 1024**3
"""Most bytes of a subscription's uploads together."""

_RETRY_AFTER = 60
_ADDRESS = re.compile(r"https?://[^?#]*/assets/uploads/([0-9a-f-]{36})/[A-Za-z0-9_-]{43}(?:\?[^#]*)?", re.ASCII)
_INPUT = re.compile(r"https?://[^?#]*/assets/(inputs/([0-9a-f-]{36})/[A-Za-z0-9_-]{43})(?:\?[^#]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded picture, kept for a day under `key`; `size` is in bytes."""

    id: str
    subscription_id: str
    key: str
    size: int
    expires_at: datetime


def upload_key(upload_id: str, token: str) -> str:
    """The key of an upload's object; `token` is 43 URL-safe characters."""
    return f"uploads/{upload_id}/{token}"


def upload_named_by(url: str) -> str | None:
    """Id of the upload in a URL of ours, under any of the server's host names; else None.

    No other picture has an address of this form, so it always means an upload.
    """
    found = _ADDRESS.fullmatch(url.strip())
    return None if found is None else found[1]


def input_named_by(url: str) -> tuple[str, str] | None:
    """Key of a generation's own picture, and that generation's id, in a URL of ours as its record has it; else None."""
    found = _INPUT.fullmatch(url.strip())
    return None if found is None else (found[1], found[2])


def is_own_address(url: str) -> bool:
    """True for the URL of a picture that is here already."""
    return upload_named_by(url) is not None or input_named_by(url) is not None


def check_room(kept: int, kept_bytes: int, size: int) -> None:
    """Raise `LimitExceeded` if one more picture of `size` bytes exceeds the limits."""
    if kept >= MAX_KEPT or kept_bytes + size > MAX_KEPT_BYTES:
        raise LimitExceeded(
            f"{MAX_KEPT} uploads of {MAX_KEPT_BYTES >> 30} GiB together are kept at most: each goes after a day",
            _RETRY_AFTER,
            Reason.UPLOADS_KEPT,
        )
