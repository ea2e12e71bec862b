"""Addresses that an answer holds: where the caller can fetch what we keep."""

import re

from stillmotion.http.asgi import Scope

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def base_url(scope: Scope, public_url: str) -> str:
    """The scheme, host and port that links start with, without a slash at the end.

    What the operator set; else what the caller used, where its one Host header is well formed; else the
    address that the request came in on.
    """
    if public_url:
        return public_url.rstrip("/")
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) == 1 and _HOST.fullmatch(hosts[0]):
        return f"{scope['scheme']}://{hosts[0].decode('ascii')}"
    host, port = scope["server"]
    return f"{scope['scheme']}://[{host}]:{port}" if ":" in host else f"{scope['scheme']}://{host}:{port}"
