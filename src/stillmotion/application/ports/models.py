"""Ports of models: the database's part, and the weights on this machine."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stillmotion.application.ports.record import RecordStore
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.models.holdings import Holding, ModelWish
from stillmotion.domain.models.pulls import Pull


class ModelStore(RecordStore, Protocol):
    """Store of wishes, holdings and pulls, and of render times."""

    async def put_wish(self, wish: ModelWish) -> None:
        """Store a wish in place of its engine's last one."""
        ...

    async def wishes(self) -> Sequence[ModelWish]:
        """The latest wish for each engine, in the order of the engines' names."""
        ...

    async def tell_holdings(self, worker: str, holdings: Sequence[Holding], now: datetime) -> None:
        """Store a worker's holdings in place of its last ones; none for a worker that ends."""
        ...

    async def holdings(self, since: datetime) -> Sequence[Holding]:
        """The holdings of all workers that told theirs since then."""
        ...

    async def begin_pull(self, pull: Pull) -> None:
        """Store a pull in place of its model's last one."""
        ...

    async def advance_pull(self, pull: Pull) -> bool:
        """Store how far a pull is, or its end. False, and nothing is stored, where it is no longer under way."""
        ...

    async def cancel_pull(self, model: str, now: datetime) -> bool:
        """Store that a pull is cancelled; False where none is under way."""
        ...

    async def pulls(self) -> Sequence[Pull]:
        """The latest pull of each model, in the order of the models' names."""
        ...


@dataclass(frozen=True, slots=True)
class WeightsFound:
    """Weights of a model on this machine: their bytes, and the reason why they cannot be used, None where they can.

    `pullable` ones are not here, and may be pulled. `barred` says why they may not. Their licence
    `is_accepted`, or needs not to be.
    """

    size: int | None = None
    trouble: str | None = None
    pullable: bool = False
    barred: str | None = None
    is_accepted: bool = True


FindWeights = Callable[[Entry], Awaitable[WeightsFound]]
"""Finder of a model's weights, which reads their folder."""

StartPull = Callable[[Entry, Pull], None]
"""Starts a pull that was stored; it goes on by itself, and stores how far it is."""
