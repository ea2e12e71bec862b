"""Addresses under which a finished generation can be downloaded."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stillmotion.application.ports import Clock, ObjectStore

LIFETIME = timedelta(hours=24)
"""How long a download URL works; a fresh one comes with every poll."""

EXPIRES_MAX_DIGITS = 12
"""Of a time in seconds since 1970: enough for thirty thousand years."""

SIGNATURE_BYTES = 16
"""Of a keyed BLAKE2b (RFC 7693), which takes a third of an HMAC's time: 128 bits, to be guessed over the network."""


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
    _keyed: Any = field(init=False, repr=False)
    """A hash that has taken in the key: a copy of it signs in half the time."""
    _expiry: "_Expiry" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keyed", hashlib.blake2b(key=self.signing_key, digest_size=SIGNATURE_BYTES))
        object.__setattr__(self, "_expiry", _Expiry(self.clock, self.lifetime.total_seconds()))

    def links(self, base_url: Callable[[], str]) -> Callable[[str], str]:
        """Gives, for any number of keys that are asked for at once, where the object can be had with no header.

        That is the store's own presigned URL, or ours. They expire together.
        """
        direct_url, lifetime = self.objects.direct_url, self.lifetime
        base = folder = query = ""

        def link(key: str) -> str:
            nonlocal base, folder, query
            own = key.rpartition("/")[0]
            if not query or own != folder:
                direct = direct_url(key, lifetime)
                if direct is not None:
                    return direct
                expires, folder = self._expiry.at(), own
                base, query = base_url(), f"?expires={expires}&signature={self._signature(folder, expires)}"
            return f"{base}/assets/{key}{query}"

        return link

    def link_until(self, base_url: str, key: str, expires_at: datetime) -> str:
        """Where this server gives out the object, with no header, until then."""
        expires = int(expires_at.timestamp())
        return f"{base_url}/assets/{key}?expires={expires}&signature={self._signature(key.rpartition('/')[0], expires)}"

    def signed(self, key: str, expires: str, signature: str) -> bool:
        """Whether the URL's query is one that we made for this key, at any time."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_MAX_DIGITS):
            return False
        expected = self._signature(key.rpartition("/")[0], int(expires))
        return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))

    def allows(self, key: str, expires: str, signature: str) -> bool:
        """Whether the URL's query is one that we made for this key, and has not expired."""
        return self.signed(key, expires, signature) and self.clock.now().timestamp() < int(expires)

    def _signature(self, folder: str, expires: int) -> str:
        signing = self._keyed.copy()
        signing.update(f"{folder}\n{expires}".encode())
        signature: str = signing.hexdigest()
        return signature


@dataclass(slots=True)
class _Expiry:
    """When links that are given out now expire, in whole seconds since 1970: worked out once a second."""

    clock: Clock
    lifetime_seconds: float
    _known: int = 0
    _known_until: float = -1.0

    def at(self) -> int:
        now = self.clock.monotonic()
        if now >= self._known_until:
            self._known = int(self.clock.now().timestamp() + self.lifetime_seconds)
            self._known_until = now + 1.0
        return self._known
