"""The stage before rendering: claimed generations wait there for their inputs, and then for a lane."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from stillmotion.application.ports.store import Engines
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.worker.attempt import Attempt, AttemptContext
from stillmotion.worker.lanes import LaneOrder

POLL = timedelta(seconds=1)
"""How often an idle lane looks for what another process submitted; this process's own submits wake it."""

PATIENCE = timedelta(seconds=0.25)
"""How long a lane waits for the inputs of what it claimed last before it claims something else as well."""

SLOW_AFTER = timedelta(seconds=1)
"""How long a subscription's inputs may take before it gets a further place while no further lane is idle."""

PLACES, PLACES_EACH_LANE = 16, 2
SHARES = 8
"""A subscription has at most one place of so many: the others' way stays free, however slow its inputs come."""

Forget = Callable[[str], Awaitable[None]]
"""As `Maker.forget`."""

log = structlog.get_logger(__name__)


class InputStage:
    """What the lanes of one kind make next: claimed in the order of `turns`, made ready, and given out in that order.

    Only a lane that is idle claims, so that nothing lies here that another process could render now. A lane whose
    claim is not ready soon claims another, of other subscriptions first, until all places are taken. Who has a share of
    the places is passed over.
    """

    def __init__(self, workshop: AttemptContext, turns: LaneOrder, lanes: int, forget: Forget) -> None:
        self._workshop, self._turns, self._forget = workshop, turns, forget
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
        """The ids of all generations that were claimed here and have not come to an end: in a lane or before."""
        return frozenset(each.generation.id for each in self._under_way)

    async def next(self) -> Attempt | None:
        """What a lane is to make now, claimed by now; None where there is nothing yet.

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
        """Give all that no lane has taken back to the queue; where `settled`, only what no lane waits for any more."""
        latest = self._workshop.clock.monotonic() - (PATIENCE.total_seconds() if settled else 0.0)
        await asyncio.gather(*(each.hand_back() for each in self._waiting if each.began <= latest))

    async def _look_for_one(self) -> None:
        if self._first_ready() is not None:
            return
        claimed = await self._claim_one()
        if claimed is None:
            await self._workshop.signal.wait(POLL)
        else:
            await self._settle(claimed)

    def _first_ready(self) -> Attempt | None:
        return next((each for each in self._waiting if each.is_ready), None)

    async def _settle(self, claimed: Attempt) -> None:
        """Wait until something is ready, or what was claimed has come to nothing, for as long as a lane waits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE.total_seconds()):
                while self._first_ready() is None and not claimed.task.done():
                    self._news.clear()
                    await self._news.wait()

    async def _claim_one(self) -> Attempt | None:
        """Claim what comes next, where there is a place for it; None where there is nothing, or none."""
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
        """The subscriptions with as much in the stage as they may have: all their places, or one for each idle lane."""
        slow = self._workshop.clock.monotonic() - SLOW_AFTER.total_seconds()
        places = Counter(each.generation.subscription_id for each in self._waiting)
        soon = Counter(each.generation.subscription_id for each in self._waiting if each.is_ready or each.began > slow)
        return [each for each, count in places.items() if count >= self._share or soon[each] >= self._idle_lanes]

    async def _claimed(self, engines: Engines, passed_over: list[str]) -> Generation | None:
        """Claim to the end: a cancel in between must not leave a generation that nobody renders."""
        claiming = asyncio.ensure_future(self._workshop.work.claim(engines, passed_over))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claimed = await claiming
            if claimed is not None:
                await self._workshop.work.release(claimed.lease)
            raise

    def _begin(self, generation: Generation) -> Attempt:
        attempt = Attempt(self._workshop, generation, self._tell, self._forget, self._waiting.append)
        self._waiting.append(attempt)
        self._under_way.add(attempt)
        attempt.task.add_done_callback(lambda task: self._ended(attempt, task))
        return attempt

    def _tell(self) -> None:
        """Something is ready, or a place is free: lanes that wait look again."""
        self._news.set()
        self._workshop.signal.notify()

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
