"""Addresses under which a finished generation can be downloaded."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.values import Clock

LIFETIME = timedelta(hours=24)
"""How long a download URL works; a fresh one comes with every poll."""

EXPIRES_MAX_DIGITS = 12
"""Of a time in seconds since 1970: enough for thirty thousand years."""

SIGNATURE_BYTES = 16
"""Of a keyed BLAKE2b (RFC 7693), which takes a third of an HMAC's time: 128 bits, to be guessed over the network."""


class UrlState(Enum):
    """Of a download URL that somebody asks for."""

    GOOD = "good"
    EXPIRED = "expired"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class AssetUrls:
    """Signs and checks download URLs. `base_url` has no trailing slash.

    What is signed is the object's folder and the time: a folder holds what belongs to one generation, and the names
    in it are too long to be guessed by who was given another.
    """

    objects: ObjectStore
    clock: Clock
    signing_key: bytes = field(repr=False)
    lifetime: timedelta = LIFETIME

    def links(self, base_url: str) -> Callable[[str], str]:
        """Gives, for any number of keys that are asked for at once, where the object can be had with no header.

        That is the store's own presigned URL, or ours. They expire together.
        """
        direct_url, lifetime = self.objects.direct_url, self.lifetime
        folder = query = ""

        def link(key: str) -> str:
            nonlocal folder, query
            own = key.rpartition("/")[0]
            if not query or own != folder:
                direct = direct_url(key, lifetime)
                if direct is not None:
                    return direct
                expires, folder = int(self.clock.now().timestamp() + lifetime.total_seconds()), own
                query = f"?expires={expires}&signature={self._signature(folder, expires)}"
            return f"{base_url}/assets/{key}{query}"

        return link

    def link_until(self, base_url: str, key: str, expires_at: datetime) -> str:
        """Where this server gives out the object, with no header, until then."""
        expires = int(expires_at.timestamp())
        return f"{base_url}/assets/{key}?expires={expires}&signature={self._signature(key.rpartition('/')[0], expires)}"

    def check(self, key: str, expires: str, signature: str) -> UrlState:
        """Whether the URL's query is one that we made for this key, and whether it has expired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_MAX_DIGITS):
            return UrlState.FORGED
        expected = self._signature(key.rpartition("/")[0], int(expires))
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
            return UrlState.FORGED
        return UrlState.GOOD if self.clock.now().timestamp() < int(expires) else UrlState.EXPIRED

    def _signature(self, folder: str, expires: int) -> str:
        signed = f"{folder}\n{expires}".encode()
        return hashlib.blake2b(signed, key=self.signing_key, digest_size=SIGNATURE_BYTES).hexdigest()
