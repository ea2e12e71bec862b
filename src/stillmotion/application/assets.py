"""Addresses under which a finished generation can be downloaded."""

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

    def url(self, key: str, base_url: str) -> str:
        """Where the object can be had with no header: the store's own presigned URL, or ours."""
        return self.links(base_url)(key)

    def links(self, base_url: str) -> Callable[[str], str]:
        """Gives `url` for any number of keys that are asked for at once: they expire together."""
        expires = int((self.clock.now() + self.lifetime).timestamp())
        signed, query = "", ""

        def link(key: str) -> str:
            nonlocal signed, query
            direct = self.objects.direct_url(key, self.lifetime)
            if direct is not None:
                return direct
            folder = key.rpartition("/")[0]
            if not query or folder != signed:
                signed, query = folder, f"?expires={expires}&signature={self._signature(folder, expires)}"
            return f"{base_url}/assets/{key}{query}"

        return link

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
        message = f"{folder}\n{expires}".encode()
        return hashlib.blake2b(message, key=self.signing_key, digest_size=SIGNATURE_BYTES).hexdigest()
