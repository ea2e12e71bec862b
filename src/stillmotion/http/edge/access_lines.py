"""Access log: a line for each request, if the operator wants them. No line holds a query, a body or a whole key."""

import re
from dataclasses import dataclass

import structlog

from stillmotion.application.subscriptions import KEY_PREFIX, VISIBLE_CHARACTERS
from stillmotion.domain.errors import InvalidRequest, Refused, TurnedAway, Unavailable
from stillmotion.http.server.request import ClientGone

CLIENT_GONE = 499
"""Status in the log of a request whose caller hung up before it could be answered, as nginx writes it."""

_LOG = structlog.get_logger("stillmotion.http")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHORTEST_KEY = 32
"""Characters. A shorter text is no key of ours, and the beginning that is logged would be much of it."""
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}", re.ASCII)
_MOST_FIELDS = 5


@dataclass(frozen=True, slots=True)
class AccessLines:
    """Writer of the access log."""

    are_wanted: bool = False

    def write(
        self,
        method: str,
        route: str,
        status: int,
        seconds: float,
        request_id: str,
        *,
        key: str | None = None,
        error: Exception | None = None,
    ) -> None:
        """Write one line. `route` is the path's template, `key` a key's visible part, `error` a refusal's reason."""
        if not self.are_wanted:
            return
        told = {"request_id": request_id, "method": method, "route": route, "status": status}
        told["ms"] = round(seconds * 1000, 1)
        if key is not None:
            told["key"] = key
        if error is not None:
            told["reason"] = reason_of(error)
            if isinstance(error, InvalidRequest):
                told["fields"] = _fields(error)
        _LOG.info("request", **told)


def visible_part(key: str | None) -> str | None:
    """The beginning of a key that may be shown; None for what is no key of ours."""
    is_ours = key is not None and key.startswith(KEY_PREFIX) and len(key) >= _SHORTEST_KEY
    return key[:VISIBLE_CHARACTERS] if is_ours and key is not None else None


def reason_of(error: Exception) -> str:
    """The code of an error for programs: its own reason, or its kind in snake case."""
    if isinstance(error, TurnedAway):
        return error.reason.value
    if isinstance(error, Refused | Unavailable | ClientGone):
        return "_".join(_WORDS.split(type(error).__name__)).lower()
    return "bug"


def _fields(error: InvalidRequest) -> list[str]:
    """The names of the wrong fields. A text that cannot be a name, or holds a key, is left out."""
    names = (str(each.field) for each in error.problems)
    return [each for each in names if _FIELD.fullmatch(each) and KEY_PREFIX not in each][:_MOST_FIELDS]
