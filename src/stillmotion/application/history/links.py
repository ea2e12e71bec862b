"""Links: clips that anyone may watch for a time, until the owner takes the link back."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from stillmotion.application.ports.history import LinkedClip, LinkStore
from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.ports.values import Clock, NewId
from stillmotion.domain.errors import GenerationNotFound, InvalidRequest, Problem, Refused
from stillmotion.domain.history.links import SharedLink
from stillmotion.domain.lifecycle import State
from stillmotion.domain.subscriptions import Subscription

_TOKEN: Final = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})([0-9a-f]{32})")
_SIGNATURE_BYTES: Final = 16


class LinkNotFound(GenerationNotFound):
    """The generation has no such link."""


class LinkEnded(Refused):
    """The link has expired."""


@dataclass(frozen=True, slots=True)
class Links:
    """Use cases of links. A link's token is its id and a signature of that: the store alone opens none.

    Links that were signed with `signing_key_before` are good too.
    """

    store: LinkStore
    generations: GenerationStore
    clock: Clock
    new_id: NewId
    signing_key: bytes = field(repr=False)
    signing_key_before: bytes | None = field(default=None, repr=False)

    async def share(self, subscription: Subscription, generation_id: str, lifetime: timedelta) -> SharedLink:
        """Make a link to a completed generation. Raises `GenerationNotFound`, `InvalidRequest` or `LimitExceeded`."""
        generation = await self.generations.owned(subscription.id, generation_id.lower())
        if generation is None:
            raise GenerationNotFound(generation_id)
        if generation.state is not State.COMPLETED:
            raise InvalidRequest(Problem("id", f"is {generation.state}: a clip is shared once it is completed"))
        now = self.clock.now()
        link = SharedLink(self.new_id(), subscription.id, generation.id, now, now + lifetime)
        await self.store.add_link(link)
        return link

    async def of_generation(self, subscription: Subscription, generation_id: str) -> Sequence[SharedLink]:
        """The links of a generation that have not expired. Raises `GenerationNotFound`."""
        generation_id = generation_id.lower()
        if await self.generations.owned(subscription.id, generation_id) is None:
            raise GenerationNotFound(generation_id)
        now = self.clock.now()
        return [each for each in await self.store.links_of(generation_id) if now < each.expires_at]

    async def take_back(self, subscription: Subscription, generation_id: str, link_id: str) -> None:
        """End a link at once. Raises `GenerationNotFound`, or `LinkNotFound` for none of the generation's."""
        generation_id = generation_id.lower()
        if await self.generations.owned(subscription.id, generation_id) is None:
            raise GenerationNotFound(generation_id)
        if not await self.store.remove_link(generation_id, link_id.lower()):
            raise LinkNotFound(link_id)

    def token(self, link: SharedLink) -> str:
        """The secret part of a link's address: hexadecimal digits."""
        return link.id.replace("-", "") + _signature(link.id, self.signing_key)

    async def opened(self, token: str) -> LinkedClip:
        """The clip behind a token. Raises `LinkNotFound`, or `LinkEnded` once it has expired."""
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise LinkNotFound(token)
        *groups, signature = parts.groups()
        link_id = "-".join(groups)
        keys = (each for each in (self.signing_key, self.signing_key_before) if each is not None)
        if not any(hmac.compare_digest(signature, _signature(link_id, each)) for each in keys):
            raise LinkNotFound(token)
        now = self.clock.now()
        found = await self.store.linked_clip(link_id, now)
        if found is None or not found.is_owned or found.video is None:
            raise LinkNotFound(token)
        if found.link.expires_at <= now:
            raise LinkEnded(token)
        return found


def _signature(link_id: str, key: bytes) -> str:
    return hashlib.blake2b(f"link\n{link_id}".encode(), key=key, digest_size=_SIGNATURE_BYTES).hexdigest()
