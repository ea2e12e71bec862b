"""Requests without a key: `serve --open`, for a machine of one's own.

They act for one subscription. Everyone who reaches the address can use it, so only a loopback address is allowed. Web
pages are kept out too, both DNS rebinding (by the `Host` header) and cross-site requests (by `Origin` and
`Sec-Fetch-Site`).
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import StillmotionError
from stillmotion.http.server.request import Request

_PORT = re.compile(r":[0-9]{1,5}$", re.ASCII)
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "CF-Connecting-IP")
"""Headers that a proxy adds: the caller is on another machine."""
_OWN = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for requests that no other site's page caused."""


SUBSCRIPTION = "everyone on this machine (serve --open)"
"""Name of the subscription that keyless requests act for."""


class OpenToOthers(StillmotionError):
    """Raised for settings that let callers of other machines in. The message names the setting and the remedy."""


@dataclass(frozen=True, slots=True)
class Keyless:
    """Lender of a key to callers of this machine, and to web pages of `origins`, who send none."""

    key: str = field(repr=False)
    origins: Sequence[str] = ()

    def lend(self, request: Request) -> str | None:
        """The key; None for a request that may come from another machine, or from a page of another origin."""
        if not is_addressed_here(request):
            return None
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        if origin is not None:
            own = urlsplit(origin).netloc == host.lower()
            return self.key if own or origin in self.origins else None
        return self.key if request.headers.get("Sec-Fetch-Site", "none") in _OWN else None


async def opened(office: Administration, host: str, public_url: str, origins: Sequence[str]) -> Keyless:
    """The lender over the one subscription, which is created the first time.

    `host` is the address that the server listens on. Raises `OpenToOthers` if other machines could be let in.
    """
    if not is_loopback(host):
        raise OpenToOthers(
            f"open lets everyone in who reaches this server, and {host} can be reached from elsewhere: "
            "listen on 127.0.0.1 (--host), or leave open off and make keys."
        )
    public = urlsplit(public_url).hostname
    if public is not None and not is_loopback(public):
        raise OpenToOthers(
            f"open lets everyone in who reaches this server, and public_url says that {public} leads here: "
            "leave one of them out."
        )
    if "*" in origins:
        raise OpenToOthers("open and cors_origins = * together let every page of the web in: name the pages' origins.")
    product = await office.products.ensure(office.products.default)
    _, key = await office.subscriptions.lend_key(product.name, SUBSCRIPTION)
    return Keyless(key, origins)


def is_addressed_here(request: Request) -> bool:
    """True if the caller used a name of this machine, and no proxy says that it comes from another."""
    host = _PORT.sub("", request.headers.get("Host", ""))
    return is_loopback(host) and not any(name in request.headers for name in _FORWARDED)


def is_from_here(request: Request) -> bool:
    """True if the caller is on this machine, by its connection's address too."""
    return is_addressed_here(request) and is_loopback(request.remote or "")


def is_loopback(host: str) -> bool:
    """True for `localhost` and for loopback addresses. `host` has no port."""
    name = host.lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    # A socket of both families has IPv4 callers as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
