"""Failures and links in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.history import FailureCause, LinkedClip
from stillmotion.domain.generation import Generation
from stillmotion.domain.history.links import EXPIRED_KEPT, SharedLink, check_count
from stillmotion.domain.lifecycle import State
from stillmotion.domain.subscriptions import SubscriptionState
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryHistory(MemoryTables):
    """`FailureStore` and `LinkStore`."""

    async def failures(self, subscription_id: str, since: datetime) -> Sequence[FailureCause]:
        """See `FailureStore.failures`."""
        failed = self._failed(subscription_id, since)
        counted = Counter(each.failure_code or "" for each in failed)
        latest = {each.failure_code or "": (each, at) for each, at in reversed(failed.items())}
        found = [
            FailureCause(code, counted[code], each.id, at, each.failure_reason or "")
            for code, (each, at) in latest.items()
        ]
        return sorted(found, key=lambda each: each.latest_at, reverse=True)

    async def unretried(self, subscription_id: str, code: str, since: datetime, most: int) -> Sequence[str]:
        """See `FailureStore.unretried`."""
        retried = {each.retry_of for each in self._generations.values()}
        failed = self._failed(subscription_id, since)
        return [each.id for each in failed if each.failure_code == code and each.id not in retried][:most]

    async def add_link(self, link: SharedLink) -> None:
        """See `LinkStore.add_link`."""
        check_count(len(await self.links_of(link.generation_id)))
        kept_from = link.created_at - EXPIRED_KEPT
        self._links = {each.id: each for each in self._links.values() if each.expires_at >= kept_from}
        self._links[link.id] = link

    async def links_of(self, generation_id: str) -> Sequence[SharedLink]:
        """See `LinkStore.links_of`."""
        own = (each for each in self._links.values() if each.generation_id == generation_id)
        return sorted(own, key=lambda each: each.created_at)

    async def remove_link(self, generation_id: str, link_id: str) -> bool:
        """See `LinkStore.remove_link`."""
        link = self._links.get(link_id)
        if link is None or link.generation_id != generation_id:
            return False
        del self._links[link_id]
        return True

    async def linked_clip(self, link_id: str, now: datetime) -> LinkedClip | None:
        """See `LinkStore.linked_clip`."""
        link = self._links.get(link_id)
        generation = None if link is None else self._generations.get(link.generation_id)
        if link is None or generation is None:
            return None
        owner = self._subscriptions[link.subscription_id]
        view = generation.view
        return LinkedClip(link, view.video, view.thumbnail, owner.state_at(now) is SubscriptionState.ACTIVE)

    def _failed(self, subscription_id: str, since: datetime) -> dict[Generation, datetime]:
        """The failures of an owner since a time with their ends, the latest first."""
        own = (each for each in self._generations.values() if each.subscription_id == subscription_id)
        failed = [
            (each, each.finished_at)
            for each in own
            if each.state is State.FAILED and each.finished_at is not None and each.finished_at >= since
        ]
        return dict(sorted(failed, key=lambda pair: pair[1], reverse=True))
