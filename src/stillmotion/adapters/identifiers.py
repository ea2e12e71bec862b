"""Names that nobody else has: ids that sort by time, tokens that cannot be guessed."""

import base64
import secrets
import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from stillmotion.adapters.clock import SystemClock
from stillmotion.application.ports.values import Clock

POOL_BYTES: Final = 4096

_RANDOM_BITS = 74
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class _RandomPool:
    """Random bits of the system, fetched many at a time: a call for each id was a tenth of what a submit cost."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def bits(self, count: int) -> int:
        """A number of that many bits, none of which was given before. Not for several threads at once."""
        size = (count + 7) // 8
        if self._at + size > len(self._bytes):
            self._bytes, self._at = secrets.token_bytes(POOL_BYTES), 0
        taken = self._bytes[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken) >> (8 * size - count)


class Uuid7Source:
    """UUIDs of version 7 (RFC 9562, section 5.7), each greater than the one before it.

    Within a millisecond, and when the clock steps back, the random part of the last one grows by a random
    step (section 6.2, method 2); where it would run over, the timestamp is taken one millisecond further.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pool = _RandomPool()
        self._millisecond = 0
        self._random = 0

    def __call__(self) -> str:
        """A new UUID in canonical text. Safe in any thread."""
        with self._lock:
            self._advance((self._clock.now() - _EPOCH) // _MILLISECOND)
            millisecond, random = self._millisecond, self._random
        value = (millisecond << 80) | ((random >> 62) << 64) | (random & ((1 << 62) - 1))
        digits = f"{value | _VERSION_AND_VARIANT:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _advance(self, millisecond: int) -> None:
        if millisecond <= self._millisecond:
            self._random += 1 + self._pool.bits(32)
            if self._random < 1 << _RANDOM_BITS:
                return
            millisecond = self._millisecond + 1
        self._millisecond = millisecond
        # The top bit is left free, so that a millisecond never runs out of steps.
        self._random = self._pool.bits(_RANDOM_BITS - 1)


# The one thing that the whole process must share: two sources would not sort against each other.
_UUID7: Final = Uuid7Source(SystemClock())


def new_uuid7() -> str:
    """A new UUID in canonical text; within this process every one sorts after those before it."""
    return _UUID7()


def new_token() -> str:
    """256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_callback_secret() -> str:
    """256 random bits as Standard Webhooks writes a signing secret: `whsec_` and Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
