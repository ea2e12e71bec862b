"""Presigned URLs that are given out again for some minutes."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from stillmotion.application.ports.values import Clock

SIGNED_AGAIN_AFTER: Final = timedelta(minutes=5)
"""Time for which a URL is given out again."""
SIGNED_BY_ROLE_AGAIN_AFTER: Final = timedelta(minutes=1)
"""The same for a URL that dies with the session token of a role. obstore renews that token 5 minutes before its end."""
KEPT: Final = 8192

_SESSION: Final = "X-Amz-Security-Token="


class SignedUrls:
    """Presigned URLs by key and lifetime; `kept` of them at most.

    A browser that has a clip recognises it by its URL, and a poll need not sign again. A URL is given out for at most
    half of its lifetime.
    """

    def __init__(self, sign: Callable[[str, timedelta], str], clock: Clock, kept: int = KEPT) -> None:
        self._sign = sign
        self._clock = clock
        self._kept = kept
        self._known: OrderedDict[tuple[str, timedelta], tuple[datetime, datetime, str]] = OrderedDict()

    def url(self, key: str, lifetime: timedelta) -> str:
        """The URL of an object, which ends after `lifetime` at the latest."""
        now, asked = self._clock.now(), (key, lifetime)
        known = self._known.get(asked)
        # A clock that was set back makes a URL one of the future, which the bucket would refuse.
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        url = self._sign(key, lifetime)
        usual = SIGNED_BY_ROLE_AGAIN_AFTER if _SESSION in url else SIGNED_AGAIN_AFTER
        self._known[asked] = (now, now + min(usual, lifetime / 2), url)
        self._known.move_to_end(asked)
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return url
