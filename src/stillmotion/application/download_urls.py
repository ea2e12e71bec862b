"""Download URLs: signed addresses of stored objects."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import PREVIEW_SUFFIX

LIFETIME = timedelta(hours=24)
"""Lifetime of a download URL, at least. Every poll gives one that is good for so long."""

STEP_SECONDS = 300
"""A URL ends at a multiple of this. Polls of five minutes give the same one, by which a browser knows a clip.

A preview has another URL each second, as it is replaced under its key.
"""

EXPIRES_MAX_DIGITS = 12
"""Digits of a time in seconds since 1970: enough for thirty thousand years."""

SIGNATURE_BYTES = 16
"""Size of the signature: 128 bits of a keyed BLAKE2b (RFC 7693), which takes a third of an HMAC's time."""


class UrlState(Enum):
    """State of a requested download URL."""

    GOOD = "good"
    EXPIRED = "expired"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class AssetUrls:
    """Signing and checking of download URLs. `base_url` has no trailing slash.

    The signature covers the object's folder and the time of expiry. A folder holds the objects of one generation, and
    their names are too long to be guessed by the holder of another URL. A URL that was signed with `signing_key_before`
    is good too.
    """

    objects: ObjectStore
    clock: Clock
    signing_key: bytes = field(repr=False)
    signing_key_before: bytes | None = field(default=None, repr=False)
    lifetime: timedelta = LIFETIME

    def links(self, base_url: str) -> Callable[[str], str]:
        """Maker of download URLs, for any number of keys at once: the store's presigned URLs, or ours.

        The last folder's signature is kept, as the objects of a generation share a folder.
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
                expires = int(self.clock.now().timestamp() + lifetime.total_seconds())
                if not key.endswith(PREVIEW_SUFFIX):
                    expires += -expires % STEP_SECONDS
                folder = own
                query = f"?expires={expires}&signature={self._signature(folder, expires)}"
            return f"{base_url}/assets/{key}{query}"

        return link

    def link_until(self, base_url: str, key: str, expires_at: datetime) -> str:
        """The URL of an object on this server, valid until a time."""
        expires = int(expires_at.timestamp())
        return f"{base_url}/assets/{key}?expires={expires}&signature={self._signature(key.rpartition('/')[0], expires)}"

    def check(self, key: str, expires: str, signature: str) -> UrlState:
        """The state of a URL, by its key and the two parameters of its query."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_MAX_DIGITS):
            return UrlState.FORGED
        folder, given = key.rpartition("/")[0], signature.encode("utf-8", "surrogatepass")
        keys = (each for each in (self.signing_key, self.signing_key_before) if each is not None)
        if not any(hmac.compare_digest(_signature(folder, int(expires), each).encode(), given) for each in keys):
            return UrlState.FORGED
        return UrlState.GOOD if self.clock.now().timestamp() < int(expires) else UrlState.EXPIRED

    def _signature(self, folder: str, expires: int) -> str:
        return _signature(folder, expires, self.signing_key)


def _signature(folder: str, expires: int, key: bytes) -> str:
    return hashlib.blake2b(f"{folder}\n{expires}".encode(), key=key, digest_size=SIGNATURE_BYTES).hexdigest()
