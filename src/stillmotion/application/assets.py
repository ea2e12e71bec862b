"""Addresses under which a finished generation can be downloaded."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from stillmotion.application.ports import Clock, ObjectStore

LIFETIME = timedelta(hours=24)
"""How long a download URL works; a fresh one comes with every poll."""

EXPIRES_MAX_DIGITS = 12
"""Of a time in seconds since 1970: enough for thirty thousand years."""

SIGNATURE_BYTES = 32
"""Of a keyed BLAKE2b (RFC 7693): a poll of a finished generation makes two, in a third of an HMAC's time."""


@dataclass(frozen=True, slots=True)
class AssetUrls:
    """Signs and checks download URLs. `base_url` has no trailing slash."""

    objects: ObjectStore
    clock: Clock
    signing_key: bytes = field(repr=False)
    lifetime: timedelta = LIFETIME

    def url(self, key: str, base_url: str) -> str:
        """Where the object can be had with no header: the store's own presigned URL, or ours."""
        return self.links(base_url)(key)

    def links(self, base_url: str) -> Callable[[str], str]:
        """Gives `url` for any number of keys that are asked for at once: they expire together."""
        expires = int((self.clock.now() + self.lifetime).timestamp())
        beginning, middle = f"{base_url}/assets/", f"?expires={expires}&signature="

        def link(key: str) -> str:
            direct = self.objects.direct_url(key, self.lifetime)
            return direct or f"{beginning}{key}{middle}{self._signature(key, expires)}"

        return link

    def signed(self, key: str, expires: str, signature: str) -> bool:
        """Whether the URL's query is one that we made for this key, at any time."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_MAX_DIGITS):
            return False
        expected = self._signature(key, int(expires))
        return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))

    def allows(self, key: str, expires: str, signature: str) -> bool:
        """Whether the URL's query is one that we made for this key, and has not expired."""
        return self.signed(key, expires, signature) and self.clock.now().timestamp() < int(expires)

    def _signature(self, key: str, expires: int) -> str:
        message = f"{key}\n{expires}".encode()
        mac = hashlib.blake2b(message, key=self.signing_key, digest_size=SIGNATURE_BYTES)
        return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()
