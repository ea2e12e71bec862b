"""Input stage before rendering: claimed generations wait here for their inputs, then for a lane."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from stillmotion.application.ports.store import EngineLimit, Engines
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.worker.attempt import Attempt
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.lanes import LaneOrder
from stillmotion.worker.timing import around

POLL = timedelta(seconds=1)
"""Interval of an idle lane's looks for other processes' submits; own submits wake it."""

PATIENCE = timedelta(seconds=0.25)
"""Time that a lane waits for the inputs of its last claim before it claims another generation."""

SLOW_AFTER = timedelta(seconds=1)
"""Age of a claim with missing inputs after which its subscription may get a further place without an idle lane."""

PLACES, PLACES_EACH_LANE = 16, 2
SHARES = 8
"""A subscription has at most 1/8 of the places, so that its slow inputs leave room for others (a bulkhead)."""

Forget = Callable[[str], Awaitable[None]]
"""As `Maker.forget`."""

log = structlog.get_logger(__name__)


class InputStage:
    """Input stage of the lanes of one kind: claims in the order of `turns`, and gives ready attempts out in that order.

    Only an idle lane claims, so that nothing waits here that another process could render now. If a claim is not ready
    soon, the lane claims another, of other subscriptions first, until all places are taken. A subscription with its
    full share of the places is passed over. Beyond `limit` nothing is claimed; own claims whose inputs are not there
    yet do not count, so that slow ones keep no lane.
    """

    def __init__(
        self,
        workshop: AttemptContext,
        turns: LaneOrder,
        lanes: int,
        forget: Forget,
        limit: EngineLimit | None = None,
    ) -> None:
        self._workshop, self._turns, self._forget, self._limit = workshop, turns, forget, limit
        self._places = PLACES + PLACES_EACH_LANE * lanes
        self._share = self._places // SHARES
        self._waiting: list[Attempt] = []
        self._under_way: set[Attempt] = set()
        self._claiming = asyncio.Lock()
        self._news = asyncio.Event()
        self._is_hindered = False
        self._idle_lanes = 0

    @property
    def held(self) -> frozenset[str]:
        """Ids of all generations that are claimed here and unfinished, in a lane or before one."""
        return frozenset(each.generation.id for each in self._under_way)

    async def next(self) -> Attempt | None:
        """The next ready attempt for a lane; None where there is none yet.

        Raises `Unavailable` where nothing can be claimed, or this machine could not keep an input.
        """
        self._idle_lanes += 1
        try:
            await self._look_for_one()
        finally:
            self._idle_lanes -= 1
        ready = self._first_ready()
        if ready is not None:
            self._waiting.remove(ready)
        return ready

    async def hand_back(self, *, settled: bool = False) -> None:
        """Return attempts without a lane to the queue; with `settled`, only those that no lane waits for."""
        latest = self._workshop.clock.monotonic() - (PATIENCE.total_seconds() if settled else 0.0)
        await asyncio.gather(*(each.hand_back() for each in self._waiting if each.began <= latest))

    async def _look_for_one(self) -> None:
        if self._first_ready() is not None:
            return
        claimed = await self._claim_one()
        if claimed is None:
            await self._workshop.signal.wait(around(POLL, self._workshop.chance))
        else:
            await self._settle(claimed)

    def _first_ready(self) -> Attempt | None:
        return next((each for each in self._waiting if each.is_ready), None)

    async def _settle(self, claimed: Attempt) -> None:
        """Wait, up to a lane's patience, until an attempt is ready or the claim has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE.total_seconds()):
                while self._first_ready() is None and not claimed.task.done():
                    self._news.clear()
                    await self._news.wait()

    async def _claim_one(self) -> Attempt | None:
        """Claim the next generation; None without one, or without a place for it."""
        async with self._claiming:
            if self._is_hindered:
                self._is_hindered = False
                raise Unavailable("the inputs of a generation could not be kept on this machine")
            if len(self._waiting) >= self._places:
                return None
            passed_over = self._served()
            for engines in self._turns.wanted():
                generation = await self._claimed(engines, passed_over)
                if generation is not None:
                    self._turns.took(generation.engine)
                    return self._begin(generation)
            return None

    def _served(self) -> list[str]:
        """Subscriptions at their limit in the stage: their share of the places, or one for each idle lane."""
        slow = self._slow_before()
        places = Counter(each.generation.subscription_id for each in self._waiting)
        soon = Counter(each.generation.subscription_id for each in self._waiting if each.is_ready or each.began > slow)
        return [each for each, count in places.items() if count >= self._share or soon[each] >= self._idle_lanes]

    async def _claimed(self, engines: Engines, passed_over: list[str]) -> Generation | None:
        """Claim, shielded from cancellation: a half-done claim would leave a generation that nobody renders."""
        claiming = asyncio.ensure_future(self._workshop.work.claim(engines, passed_over, self._within()))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claimed = await claiming
            if claimed is not None:
                await self._workshop.work.release(self._workshop.work.lease_of(claimed))
            raise

    def _within(self) -> EngineLimit | None:
        if self._limit is None:
            return None
        slow = sum(not each.is_ready and each.began <= self._slow_before() for each in self._waiting)
        return self._limit._replace(most=self._limit.most + slow)

    def _slow_before(self) -> float:
        """The monotonic time before which an attempt began whose inputs count as slow by now."""
        return self._workshop.clock.monotonic() - SLOW_AFTER.total_seconds()

    def _begin(self, generation: Generation) -> Attempt:
        attempt = Attempt(self._workshop, generation, self._tell, self._forget, self._waiting.append)
        self._waiting.append(attempt)
        self._under_way.add(attempt)
        attempt.task.add_done_callback(lambda task: self._ended(attempt, task))
        return attempt

    def _tell(self) -> None:
        """Wake waiting lanes: an attempt is ready, or a place is free."""
        self._news.set()
        self._workshop.signal.wake()

    def _ended(self, attempt: Attempt, task: asyncio.Task[bool]) -> None:
        self._under_way.discard(attempt)
        if attempt not in self._waiting:
            return
        self._waiting.remove(attempt)
        if not task.cancelled():
            if (error := task.exception()) is not None:
                log.error("stage_broke", exc_info=error)
            self._is_hindered = error is not None or not task.result()
        self._tell()
