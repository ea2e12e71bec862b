"""Which bytes of a resource a request asks for (RFC 9110, sections 13 and 14)."""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from stillmotion.http.server.replies import Headers

_SINGLE = re.compile(r"bytes=[ \t]*([0-9]{0,30})-([0-9]{0,30})[ \t]*", re.IGNORECASE)


class Validators(NamedTuple):
    """What tells two versions of a resource apart: a strong entity tag and the time it was written."""

    etag: str
    modified: str

    @classmethod
    def of(cls, etag: str, modified_at: datetime) -> "Validators":
        """From what storage knows: the tag is quoted where it is not, the time in whole seconds."""
        bare = etag.removeprefix("W/").strip('"')
        return cls(f'"{bare}"', format_datetime(modified_at.replace(microsecond=0), usegmt=True))


class Unsatisfiable(Exception):
    """No byte of the resource is in the range: 416."""


def is_unchanged(headers: Headers, validators: Validators) -> bool:
    """Whether the caller has this version already: 304."""
    known = headers.get("If-None-Match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or validators.etag in tags
    return headers.get("If-Modified-Since") == validators.modified


def asked_range(headers: Headers, size: int, validators: Validators) -> tuple[int, int] | None:
    """The one range that is asked for, as start and end (not included), None for the whole.

    Several ranges, other units, nonsense and a condition that does not hold mean the whole. Raises `Unsatisfiable`.
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
