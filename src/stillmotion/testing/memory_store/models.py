"""Wishes, holdings and pulls of models in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stillmotion.domain.models.holdings import Holding, ModelWish
from stillmotion.domain.models.pulls import Pull, PullState
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryModels(MemoryTables):
    """`ModelStore`."""

    async def put_wish(self, wish: ModelWish) -> None:
        """See `ModelStore.put_wish`."""
        self._wishes[wish.engine] = wish

    async def wishes(self) -> Sequence[ModelWish]:
        """See `ModelStore.wishes`."""
        return [self._wishes[engine] for engine in sorted(self._wishes)]

    async def tell_holdings(self, worker: str, holdings: Sequence[Holding], now: datetime) -> None:
        """See `ModelStore.tell_holdings`."""
        self._holdings[worker] = (now, tuple(holdings))

    async def holdings(self, since: datetime) -> Sequence[Holding]:
        """See `ModelStore.holdings`."""
        told = (held for _, (at, held) in sorted(self._holdings.items()) if at >= since)
        return [each for held in told for each in sorted(held, key=lambda each: (each.lane, each.engine))]

    async def begin_pull(self, pull: Pull) -> None:
        """See `ModelStore.begin_pull`."""
        self._pulls[pull.model] = pull

    async def advance_pull(self, pull: Pull) -> bool:
        """See `ModelStore.advance_pull`."""
        known = self._pulls.get(pull.model)
        if known is None or known.state is not PullState.PULLING or known.started_at != pull.started_at:
            return False
        self._pulls[pull.model] = pull
        return True

    async def cancel_pull(self, model: str, now: datetime) -> bool:
        """See `ModelStore.cancel_pull`."""
        known = self._pulls.get(model)
        if known is None or known.state is not PullState.PULLING:
            return False
        self._pulls[model] = replace(known, state=PullState.CANCELLED, told_at=now)
        return True

    async def pulls(self) -> Sequence[Pull]:
        """See `ModelStore.pulls`."""
        return [self._pulls[model] for model in sorted(self._pulls)]
