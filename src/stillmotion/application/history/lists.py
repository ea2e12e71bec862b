"""Lists: the pages of an owner's generations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stillmotion.application.ports.lists import Filter, ListStore, Walk
from stillmotion.application.record.outlooks import with_outlooks
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.subscriptions import Subscription

MOST_COUNTED: Final = 10_000
"""Largest total that is told: a page costs the same for any length of the history."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Place of a page: after the first `offset`, or beyond an id, `after` or `before` it in the order of the list."""

    limit: int
    offset: int = 0
    after: str | None = None
    before: str | None = None
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page. `following` and `preceding` are the ids beyond which the list goes on; None at its ends.

    `total` is the number of all chosen generations, on the first page alone; None if it takes a count to tell.
    """

    views: Sequence[GenerationView]
    following: str | None
    preceding: str | None
    total: int | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class Lists:
    """Use case of lists."""

    store: ListStore

    async def page(self, subscription: Subscription, chosen: Filter, stretch: Stretch) -> ListPage:
        """A page of the subscription's chosen generations, in the order of the list."""
        limit, is_backward = stretch.limit, stretch.before is not None
        walk = Walk(
            limit + 1,
            stretch.before if is_backward else stretch.after,
            newest_first=stretch.newest_first is not is_backward,
            offset=stretch.offset,
        )
        found = await self.store.listed(subscription.id, chosen, walk)
        goes_on, views = len(found) > limit, found[:limit]
        if is_backward:
            views = views[::-1]
            has_following, has_preceding = True, goes_on
        else:
            has_following, has_preceding = goes_on, stretch.after is not None or stretch.offset > 0
        return ListPage(
            await with_outlooks(self.store, views),
            following=views[-1].id if views and has_following else None,
            preceding=views[0].id if views and has_preceding else None,
            total=await self._total(subscription, chosen, stretch, None if goes_on else len(views)),
            has_more=bool(views) if is_backward else goes_on,
        )

    async def _total(
        self, subscription: Subscription, chosen: Filter, stretch: Stretch, seen: int | None
    ) -> int | None:
        """The number of all chosen generations; `seen` of them are all that follow the stretch's beginning."""
        if stretch.after is not None or stretch.before is not None:
            return None
        if seen is not None and (seen or not stretch.offset):
            return stretch.offset + seen
        return await self.store.count(subscription.id, chosen, MOST_COUNTED)
