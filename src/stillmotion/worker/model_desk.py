"""Model desk of a worker: it takes operators' wishes from the store, and tells which models are held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from stillmotion.application.ports.models import ModelStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.models.holdings import Holding, ModelWish, Wish
from stillmotion.worker.devices import Device

TELL_EVERY: Final = timedelta(seconds=10)
"""Pause between two reports of the same holdings: a report is a sign of life, too."""

LOOK: Final = timedelta(seconds=0.25)
"""Pause between two looks at a worker's own models, which are told where they have changed."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ModelDesk:
    """The part of the store that is about models, for one worker. A store that is away costs reports, and no work."""

    store: ModelStore
    clock: Clock
    worker: str
    _told: Sequence[Holding] | None = None
    _told_at: float = 0.0

    async def wishes(self) -> Sequence[ModelWish]:
        """The latest wishes; none where the store is away."""
        try:
            return await self.store.wishes()
        except Unavailable:
            return ()

    async def tell(self, holdings: Sequence[Holding]) -> None:
        """Report the holdings, if they are others than the last ones, or those were long ago."""
        now = self.clock.monotonic()
        if holdings == self._told and now - self._told_at < TELL_EVERY.total_seconds():
            return
        try:
            await self.store.tell_holdings(self.worker, holdings, self.clock.now())
        except Unavailable as error:
            log.info("holdings_not_told", why=str(error))
        else:
            self._told, self._told_at = holdings, now


@dataclass(slots=True)
class LaneModel:
    """The model in a device's lane. `wanted` is the engine to hold, None while the lane rests without a renderer.

    The lane rests after a wish to unload its model, and after `idle_after` without work. The next clip wakes it.
    """

    device: Device
    clock: Clock
    desk: ModelDesk | None = None
    idle_after: timedelta | None = None
    wanted: str | None = None
    _obeyed: datetime = field(init=False)
    _used_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.wanted = self.device.engines[0]
        self._obeyed, self._used_at = self.clock.now(), self.clock.monotonic()

    @property
    def holds_all(self) -> bool:
        """True for an engine from outside, whose models are loaded together."""
        return self.device.entries[0].is_outside

    def use(self, engine: str) -> None:
        """Note that a clip of this engine is made now: its model is the one to hold."""
        self.wanted, self._used_at = engine, self.clock.monotonic()

    async def consider(self) -> bool:
        """Follow the latest wish, and rest after a long time without work; True where the renderer is to be replaced.

        A wish from before the lane's start is nothing to it.
        """
        for each in await self._due(self.device.engines):
            self._obeyed = max(self._obeyed, each.at)
            if each.wish is Wish.LOAD:
                replaces = self.wanted is not None and self.wanted != each.engine and not self.holds_all
                self.use(each.engine)
                return replaces
            if self.wanted == each.engine or self.holds_all:
                self.wanted = None
        idle = self.clock.monotonic() - self._used_at
        if self.idle_after is not None and idle >= self.idle_after.total_seconds():
            self.wanted = None
        return False

    async def _due(self, engines: Collection[str]) -> list[ModelWish]:
        """Wishes for the device's engines that were not carried out yet, the latest first."""
        wishes = () if self.desk is None else await self.desk.wishes()
        due = [each for each in wishes if each.engine in engines and each.at > self._obeyed]
        return sorted(due, key=lambda each: each.at, reverse=True)
