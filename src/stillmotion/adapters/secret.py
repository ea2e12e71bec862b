"""The secret of an installation. Keys are hashed, and links signed, with secrets that are derived from it."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_FINGERPRINT: Final = b"fingerprint"


@dataclass(frozen=True, slots=True)
class InstallationSecret:
    """The present secret. While it is changed, a second one is accepted."""

    current: bytes = field(repr=False)
    before: bytes | None = field(default=None, repr=False)

    @property
    def fingerprints(self) -> Sequence[bytes]:
        """Fingerprints of the present secret and of the second one, which reveal neither."""
        return [fingerprint_of(each) for each in (self.current, self.before) if each is not None]

    def derived(self, purpose: bytes) -> tuple[bytes, bytes | None]:
        """The secrets for one purpose, derived by HMAC-SHA256: the present one, and the second one if there is one."""
        before = None if self.before is None else hmac.digest(self.before, purpose, "sha256")
        return hmac.digest(self.current, purpose, "sha256"), before


def fingerprint_of(secret: bytes) -> bytes:
    """Fingerprint of a secret, which does not reveal it."""
    return hmac.digest(secret, _FINGERPRINT, "sha256")
