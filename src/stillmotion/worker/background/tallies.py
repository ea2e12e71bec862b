"""Addition of this process's counts to the store, where the metrics of all processes come together."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from stillmotion.application.metrics import VIDEO_SECONDS, Tally
from stillmotion.application.ports.metrics import MetricStore, Sample
from stillmotion.application.ports.store import SubscriptionStore
from stillmotion.domain.errors import Unavailable

EVERY = timedelta(seconds=2)
"""Interval of additions. A killed process loses the counts of so long."""

_BY_SUBSCRIPTION = f"{VIDEO_SECONDS.name}_total"

log = structlog.get_logger(__name__)


class TallyKeeper:
    """Keeper of a tally: adds it to the store at intervals, and once more at its end."""

    def __init__(
        self, tally: Tally, store: MetricStore, subscriptions: SubscriptionStore, every: timedelta = EVERY
    ) -> None:
        self._tally, self._store, self._subscriptions, self._every = tally, store, subscriptions, every

    async def run(self) -> None:
        """Add until cancelled."""
        try:
            while True:
                await asyncio.sleep(self._every.total_seconds())
                await self.add()
        finally:
            await self.add()

    async def add(self) -> None:
        """Add what was counted since the last time. Without the store it is kept."""
        taken = self._tally.take()
        if not taken:
            return
        try:
            await self._store.add_samples(await self._by_product(taken))
        except Unavailable as error:
            log.warning("metrics_not_stored", why=str(error))
            self._tally.give_back(taken)

    async def _by_product(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples, with the names of products in place of the subscriptions' ids."""
        return [
            each._replace(labels=(await self._product_of(each.labels[0]),)) if each.name == _BY_SUBSCRIPTION else each
            for each in samples
        ]

    async def _product_of(self, subscription_id: str) -> str:
        found = await self._subscriptions.find_with_keys(subscription_id)
        return "" if found is None else found[0].product.name
