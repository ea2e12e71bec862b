"""Bearer tokens (RFC 6750): the key in a request's `Authorization` header."""

from stillmotion.domain.errors import NotAuthenticated, Reason
from stillmotion.http.server.replies import Header, Headers

CHALLENGE: Header = ("WWW-Authenticate", 'Bearer realm="Stillmotion"')

_BEARER = "bearer "


def bearer_key(headers: Headers, query: bytes) -> str | None:
    """The key of a request, None without one. Raises `NotAuthenticated` for more than one."""
    del query
    sent = headers.getall("Authorization", ())
    if len(sent) > 1:
        raise NotAuthenticated("there is more than one Authorization header", Reason.SEVERAL_KEYS)
    if not sent or not sent[0].lower().startswith(_BEARER):
        return None
    return sent[0][len(_BEARER) :].strip()
