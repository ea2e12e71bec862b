"""Addresses that an answer holds: where the caller can fetch what we keep."""

import re
from functools import lru_cache

from stillmotion.http.asgi import HEADERS, Headers, Scope

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def base_url(scope: Scope, public_url: str) -> str:
    """The scheme, host and port that links start with, without a slash at the end.

    What the operator set; else what the caller used, where its one Host header is well formed; else the
    address that the request came in on.
    """
    if public_url:
        return public_url.rstrip("/")
    headers: Headers = scope[HEADERS]
    called = None if b"host" in headers.repeated else _called_by(scope["scheme"], headers.get(b"host", b""))
    if called is not None:
        return called
    host, port = scope["server"]
    return f"{scope['scheme']}://[{host}]:{port}" if ":" in host else f"{scope['scheme']}://{host}:{port}"


@lru_cache(maxsize=64)
def _called_by(scheme: str, host: bytes) -> str | None:
    """The base of links to a host, if it can stand in one. A server is called by few names."""
    return f"{scheme}://{host.decode('ascii')}" if _HOST.fullmatch(host) else None
