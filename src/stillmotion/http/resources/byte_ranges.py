"""Byte ranges and conditional requests (RFC 9110, sections 13 and 14)."""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from stillmotion.http.server.replies import Headers

_SINGLE = re.compile(r"bytes=[ \t]*([0-9]{0,30})-([0-9]{0,30})[ \t]*", re.IGNORECASE)


class Validators(NamedTuple):
    """Validators of a resource's version: a strong entity tag and the time of writing."""

    etag: str
    modified: str

    @classmethod
    def of(cls, etag: str, modified_at: datetime) -> "Validators":
        """Validators from storage's facts: the tag is quoted, the time is in whole seconds."""
        bare = etag.removeprefix("W/").strip('"')
        return cls(f'"{bare}"', format_datetime(modified_at.replace(microsecond=0), usegmt=True))


class Unsatisfiable(Exception):
    """Raised for a range without a byte of the resource: 416."""


def is_unchanged(headers: Headers, validators: Validators) -> bool:
    """True if the caller has this version already: 304."""
    known = headers.get("If-None-Match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or validators.etag in tags
    return headers.get("If-Modified-Since") == validators.modified


def asked_range(headers: Headers, size: int, validators: Validators) -> tuple[int, int] | None:
    """The requested range as start and end (not included); None for the whole.

    Several ranges, other units, bad syntax and a failed `If-Range` mean the whole. Raises `Unsatisfiable`.
    """
    asked = headers.get("Range")
    condition = headers.get("If-Range")
    if asked is None or (condition is not None and condition not in validators):
        return None
    single = _SINGLE.fullmatch(asked)
    if single is None or not (single[1] or single[2]):
        return None
    if not single[1]:
        start, end = max(0, size - int(single[2])), size
    else:
        start, last = int(single[1]), int(single[2] or size)
        if single[2] and last < start:
            return None
        end = min(size, last + 1)
    if start >= end:
        raise Unsatisfiable
    return start, end
