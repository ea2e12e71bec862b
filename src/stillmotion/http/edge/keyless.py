"""Requests without a key, on a machine of one's own: `serve --open`.

They act for one subscription. Whoever can reach the address can be it, so the address is a loopback one, and no page of
the web may be led there: neither by a name of its own that leads to this machine, nor by a script.
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
"""Headers by which a proxy says that the caller is elsewhere."""
_OWN = frozenset({"same-origin", "none"})
"""What a browser says of requests that no other page caused."""


SUBSCRIPTION = "everyone on this machine (serve --open)"
"""The name of the subscription that they act for."""


class OpenToOthers(StillmotionError):
    """The settings would let in more than callers of this machine: the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Keyless:
    """Lends a key to callers of this machine who send none. Pages of `origins` are among them."""

    key: str = field(repr=False)
    origins: Sequence[str] = ()

    def lend(self, request: Request) -> str | None:
        """The key; None where the request may come from elsewhere, or from a page of another origin."""
        host = request.headers.get("Host", "")
        if not is_loopback(_PORT.sub("", host)) or any(name in request.headers for name in _FORWARDED):
            return None
        origin = request.headers.get("Origin")
        if origin is not None:
            own = urlsplit(origin).netloc == host.lower()
            return self.key if own or origin in self.origins else None
        return self.key if request.headers.get("Sec-Fetch-Site", "none") in _OWN else None


async def opened(office: Administration, host: str, public_url: str, origins: Sequence[str]) -> Keyless:
    """What lends the key of the one subscription, which is made the first time.

    `host` is the address that is listened on. Raises `OpenToOthers` where more than this machine could be let in.
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


def is_loopback(host: str) -> bool:
    """Whether a host's name or address, without a port, is this machine's own to itself."""
    name = host.lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
