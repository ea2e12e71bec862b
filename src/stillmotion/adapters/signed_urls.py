"""Presigned URLs that keep nobody waiting, and are given out again for some minutes."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable

SIGNED_AGAIN_AFTER: Final = timedelta(minutes=5)
"""Time for which a URL is given out again."""
SIGNED_BY_ROLE_AGAIN_AFTER: Final = timedelta(minutes=1)
"""The same for a URL that dies with the session token of a role. obstore renews that token 5 minutes before its end."""
KEPT: Final = 8192

_SESSION: Final = "X-Amz-Security-Token="
_SIGNATURE: Final = "X-Amz-Signature="

FIRST_PATIENCE: Final = timedelta(seconds=5)
"""Time for the first URL, with which a server starts."""
PATIENCE: Final = timedelta(milliseconds=50)
"""Time for another one, in which all callers of the server wait. A metadata service takes a few milliseconds."""

Sign = Callable[[str, timedelta], str]


class BoundedSigner:
    """Signing within a bounded time. A role's credentials are fetched from another server now and then.

    Therefore a thread signs. Once a URL shows that the credentials are keys, which only takes calculation, there is no
    thread any more.
    """

    def __init__(self, sign: Sign, first_patience: timedelta = FIRST_PATIENCE, patience: timedelta = PATIENCE) -> None:
        self._sign = sign
        self._patience, self._next_patience = first_patience, patience
        self._thread = ThreadPoolExecutor(1, "stillmotion-signing")
        self._late: Future[str] | None = None
        self._has_keys = False

    def __call__(self, key: str, lifetime: timedelta) -> str | None:
        """The URL of an object, or None where the credentials are not there yet."""
        if self._has_keys:
            return self._sign(key, lifetime)
        if self._late is not None and not self._late.done():
            return None
        self._late = self._thread.submit(self._sign, key, lifetime)
        patience, self._patience = self._patience, self._next_patience
        try:
            url = self._late.result(patience.total_seconds())
        except (TimeoutError, Unavailable):
            return None
        if _SIGNATURE in url and _SESSION not in url:
            self._has_keys = True
            self._thread.shutdown(wait=False)
        return url


class SignedUrls:
    """Presigned URLs by key and lifetime; `kept` of them at most.

    A browser that has a clip recognises it by its URL, and a poll need not sign again. A URL is given out for at most
    half of its lifetime.
    """

    def __init__(self, sign: Callable[[str, timedelta], str | None], clock: Clock, kept: int = KEPT) -> None:
        self._sign = sign
        self._clock = clock
        self._kept = kept
        self._known: OrderedDict[tuple[str, timedelta], tuple[datetime, datetime, str]] = OrderedDict()

    def url(self, key: str, lifetime: timedelta) -> str | None:
        """The URL of an object, which ends after `lifetime` at the latest; None where none can be signed now."""
        now, asked = self._clock.now(), (key, lifetime)
        known = self._known.get(asked)
        # A clock that was set back makes a URL one of the future, which the bucket would refuse.
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        url = self._sign(key, lifetime)
        if url is None:
            return None
        usual = SIGNED_BY_ROLE_AGAIN_AFTER if _SESSION in url else SIGNED_AGAIN_AFTER
        self._known[asked] = (now, now + min(usual, lifetime / 2), url)
        self._known.move_to_end(asked)
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return url
