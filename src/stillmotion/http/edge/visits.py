"""Sessions of browsers: their cookie, and the requests that count as theirs.

A browser sends a cookie with every request to this host, whoever's page caused it. So a cookie counts only where the
browser says that a page of this server asked: https://www.w3.org/TR/fetch-metadata/.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from stillmotion.domain.errors import NotAuthenticated, Reason, SessionRefused
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.keyless import is_addressed_here
from stillmotion.http.edge.operation import Call
from stillmotion.http.server.path_prefix import prefix_of
from stillmotion.http.server.replies import Header
from stillmotion.http.server.request import Request

COOKIE = "stillmotion_session"
SESSION_SCHEME: Mapping[str, Mapping[str, str]] = {
    "sessionCookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
"""OpenAPI's description of the cookie, which every operation accepts."""

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_SAME_ORIGIN = "same-origin"
_OWN_READS = frozenset({_SAME_ORIGIN, "none"})
"""Values of `Sec-Fetch-Site` for reads: a page of this server, or the address bar."""
_HTTPS = re.compile(r"(?:^|[;,\s])proto=\"?https", re.IGNORECASE)


async def recognise(call: Call, *, changes: bool) -> None:
    """Set the open session of a request's cookie, or the reason why there is none.

    Raises `SessionRefused` if another site's page may have caused a write, and for changes by a reader's session.
    """
    request, services = call.request, call.services
    token = _sent_token(request, services.public_url)
    if token is None:
        return
    if request.method not in _SAFE_METHODS:
        refuse_other_sites(call)
    elif request.headers.get("Sec-Fetch-Site", "none") not in _OWN_READS:
        return
    try:
        visit = services.access.visiting(token, call.began_at) or await services.access.visit(token)
    except NotAuthenticated as refused:
        call.ended = refused.reason
        return
    if changes and visit.session.is_reader:
        raise SessionRefused("this session may only read: sign in with the key, not as a reader", Reason.READ_ONLY)
    call.visit, call.token = visit, token


async def subscription_of(call: Call) -> Subscription:
    """The subscription that a request acts for, by its key, its session, or a lent key. Raises `NotAuthenticated`."""
    services, key, visit = call.services, call.key, call.visit
    if visit is not None:
        if visit.subscription is None:
            raise NotAuthenticated("the session is an administrator's, and has no subscription", Reason.NO_KEY)
        return visit.subscription
    if key is None and services.keyless is not None:
        key = call.key = services.keyless.lend(call.request)
    if key is None and call.ended is not None:
        raise NotAuthenticated(call.ended.meaning, call.ended)
    access = services.access
    return access.known(key, call.began_at) or await access.authenticate(key)


def refuse_other_sites(call: Call) -> None:
    """Raise `SessionRefused` for a write that no page of this server caused, as far as its browser tells."""
    headers, public_url = call.request.headers, call.services.public_url
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is None and origin is not None:
        host = headers.get("Host", "").lower()
        public = urlsplit(public_url)
        own = {f"http://{host}", f"https://{host}"} if host else set()
        if origin in own | ({f"{public.scheme}://{public.netloc}"} if public_url else set()):
            return
    elif site == _SAME_ORIGIN:
        return
    raise SessionRefused(
        "a session is used from this server's own pages alone: send a key, or Sec-Fetch-Site: same-origin",
        Reason.CROSS_SITE,
    )


def cookie_of(call: Call, token: str, lifetime: timedelta) -> Header:
    """The `Set-Cookie` header of a session. No time at all makes the browser forget it."""
    request, public_url = call.request, call.services.public_url
    parts = [
        f"{_name(request, public_url)}={token}",
        f"Path={quote(prefix_of(public_url))}/",
        f"Max-Age={max(0, int(lifetime.total_seconds()))}",
        "HttpOnly",
        "SameSite=Strict",
    ]
    if _is_secure(request, public_url):
        parts.append("Secure")
    return "Set-Cookie", "; ".join(parts)


def _sent_token(request: Request, public_url: str) -> str | None:
    """The token of the session's cookie. Two of them are none: another host of the domain may have set one."""
    name = _name(request, public_url)
    pairs = (pair.strip().partition("=") for line in request.headers.getall("Cookie") for pair in line.split(";"))
    tokens = [value for found, _, value in pairs if found == name]
    return tokens[0] if len(tokens) == 1 and tokens[0] else None


def _name(request: Request, public_url: str) -> str:
    """The cookie's name. By the prefix a browser takes it over TLS alone, and `__Host-` from no other host."""
    if not _is_secure(request, public_url):
        return COOKIE
    return f"__Secure-{COOKIE}" if prefix_of(public_url) else f"__Host-{COOKIE}"


def _is_secure(request: Request, public_url: str) -> bool:
    """True if the browser speaks TLS, as a proxy before this server says, or else the operator's setting."""
    headers = request.headers
    if "https" in headers.get("X-Forwarded-Proto", "").lower() or _HTTPS.search(headers.get("Forwarded", "")):
        return True
    return public_url.startswith("https:") and not is_addressed_here(request)
