"""Base URL of the links in an answer."""

import re

from aiohttp import hdrs

from stillmotion.http.server.request import Request

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def base_url(request: Request, public_url: str) -> str:
    """The scheme, host and port that links start with, without a slash at the end.

    It is the operator's setting, else the caller's Host header if that is well formed, else the address of the socket.
    """
    if public_url:
        return public_url.rstrip("/")
    called = request.headers.get(hdrs.HOST, "")
    if _HOST.fullmatch(called):
        return f"http://{called}"
    found = request.protocol.sockname
    host, port = found[:2] if isinstance(found, tuple) else ("127.0.0.1", 80)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
