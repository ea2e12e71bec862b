"""The key of a request that sends it as a bearer token (RFC 6750)."""

from stillmotion.domain.errors import NotAuthenticated
from stillmotion.http.asgi import Header, Headers

CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="Stillmotion"')

_BEARER = "bearer "


def bearer_key(headers: Headers, query: bytes) -> str | None:
    """The one key of a request's headers. Raises `NotAuthenticated` where there is more than one."""
    del query
    header = headers.get(b"authorization")
    if header is None:
        return None
    if b"authorization" in headers.repeated:
        raise NotAuthenticated("more than one Authorization header")
    text = header.decode("latin-1")
    return text[len(_BEARER) :].strip() if text.lower().startswith(_BEARER) else None
