"""Sessions: a browser sends its key once, or the first link's token, and is known by a cookie from then on."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from stillmotion.application.access import Access, Visit, key_digest
from stillmotion.application.administration import OWNER, AdminAccess
from stillmotion.application.ports.sessions import SessionStore
from stillmotion.application.ports.values import Clock, NewToken
from stillmotion.domain.errors import NotAuthenticated, Reason
from stillmotion.domain.subscriptions import Session, Subscription

SESSION_LIFETIME = timedelta(days=7)
FIRST_LINK_LIFETIME = timedelta(minutes=10)
MOST_SESSIONS = 100
"""Sessions of one key. The oldest ends when there are more."""
FIRST_SUBSCRIPTION = "the owner of this machine"
"""Name of the subscription that the first link makes."""


class SignedIn(NamedTuple):
    """A new session, and the token that its cookie holds. The token is stored nowhere."""

    token: str
    visit: Visit


@dataclass(frozen=True, slots=True)
class Sessions:
    """The use cases of signing in and out."""

    store: SessionStore
    access: Access
    office: AdminAccess
    clock: Clock
    new_token: NewToken = field(repr=False)

    async def open(self, key: str, address: str, within: Visit | None, *, is_reader: bool = False) -> SignedIn:
        """A session of a subscription's or the administrator's key, which replaces the session that it is posted in.

        The half that the new key does not speak for is kept: a subscription's session becomes an administrator's too.
        It keeps its end, and stays a reader's. Raises `NotAuthenticated`, or `RateLimitExceeded` for too many wrong
        keys from an address.
        """
        digest: bytes | None
        mark: bytes | None
        if self.office.accepts(key):
            kept = None if within is None or within.subscription is None else within
            subscription = None if kept is None else kept.subscription
            digest, mark = None if kept is None else kept.session.key_digest, self.office.mark
        else:
            subscription = await self._subscription(key, address)
            kept = within if self.office.admits(within) else None
            digest, mark = self.access.stored_digest(key), None if kept is None else kept.session.administrator
        return await self._opened(subscription, digest, mark, within, kept, is_reader=is_reader)

    async def open_first(self, token: str, within: Visit | None, *, is_reader: bool = False) -> SignedIn:
        """The owner's session, by the token of a first link, with a new subscription. Raises `NotAuthenticated`."""
        if not await self.store.spend_first_link(self._digest(token), self.clock.now()):
            raise NotAuthenticated(
                "the link was used, or is older than ten minutes: start the server again for a new one, "
                "or make a key with `stillmotion keys create`",
                Reason.FIRST_LINK,
            )
        office = self.office.administration
        product = await office.products.ensure(office.products.default)
        issued = await office.subscriptions.issue(product.name, FIRST_SUBSCRIPTION)
        digest = self._digest(issued.primary)
        return await self._opened(issued.subscription, digest, OWNER, within, None, is_reader=is_reader)

    async def close(self, visit: Visit) -> None:
        """End a session."""
        await self.store.end_session(visit.session.digest)

    async def first_link(self) -> str:
        """The token of a new first link. Earlier ones are of no use any more."""
        token = self.new_token()
        await self.store.add_first_link(self._digest(token), self.clock.now() + FIRST_LINK_LIFETIME)
        return token

    async def _subscription(self, key: str, address: str) -> Subscription:
        """The subscription of a key. An unknown key counts as a wrong one of the administrator's."""
        try:
            return await self.access.authenticate(key)
        except NotAuthenticated as refused:
            if refused.reason is not Reason.UNKNOWN_KEY:
                raise
        with suppress(NotAuthenticated):
            self.office.authenticate(key, address)
        raise NotAuthenticated("this key is unknown here: check that all of it was pasted, and that nobody replaced it")

    async def _opened(
        self,
        subscription: Subscription | None,
        digest: bytes | None,
        mark: bytes | None,
        within: Visit | None,
        kept: Visit | None,
        *,
        is_reader: bool,
    ) -> SignedIn:
        token, now = self.new_token(), self.clock.now()
        ends = now + SESSION_LIFETIME
        session = Session(
            digest=self._digest(token),
            created_at=now,
            expires_at=ends if kept is None else min(ends, kept.session.expires_at),
            key_digest=digest,
            administrator=mark,
            is_reader=is_reader or (kept is not None and kept.session.is_reader),
        )
        await self.store.add_session(session, MOST_SESSIONS, None if within is None else within.session.digest)
        return SignedIn(token, Visit(session, subscription))

    def _digest(self, token: str) -> bytes:
        return key_digest(self.access.pepper, token)
