"""Lease keeper: renews the lease of an attempt, and tells the store its progress, preview and stage."""

import asyncio
from datetime import timedelta

import structlog

from stillmotion.application.leases import Work
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import LeaseLost, StoreUnavailable
from stillmotion.domain.generation import Lease, WorkStage
from stillmotion.worker.preview_store import PreviewStore
from stillmotion.worker.timing import WorkerTiming


class LeaseKeeper:
    """Keeper of one lease. `fraction` is the progress that the next renewal tells."""

    def __init__(
        self,
        work: Work,
        lease: Lease,
        signal: QueueSignal,
        clock: Clock,
        showcase: PreviewStore,
        log: structlog.typing.FilteringBoundLogger,
        timing: WorkerTiming,
    ) -> None:
        self._work, self._lease, self._signal, self._clock = work, lease, signal, clock
        self._showcase, self._log, self._timing = showcase, log, timing
        self._stage, self._changed, self._renewing = WorkStage.FETCHING, asyncio.Event(), asyncio.Lock()
        self._renewed_at = clock.monotonic()
        self.fraction = 0.0

    async def keep(self) -> None:
        """Renew until this is cancelled. Raises `LeaseLost` once the work must stop."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_lease())
            group.create_task(self._tell_stages())

    def enters(self, stage: WorkStage) -> None:
        """Note a new stage, which is told at once."""
        if stage is not self._stage:
            self._stage = stage
            self._changed.set()

    async def tell(self, stage: WorkStage) -> None:
        """Write a new stage before anything else happens. Raises `LeaseLost`."""
        self._stage = stage
        await self._renew()

    async def _keep_lease(self) -> None:
        """Renew the lease every second, and check it when the generation is withdrawn: a cancel is seen at once."""
        with self._signal.watching(self._lease.generation_id) as withdrawal:
            while True:
                left = self._timing.renew.total_seconds() - (self._clock.monotonic() - self._renewed_at)
                if left <= 0:
                    await self._renew()
                elif await withdrawal.come(timedelta(seconds=left)):
                    await self._check()

    async def _check(self) -> None:
        try:
            if not await self._work.holds(self._lease):
                raise LeaseLost("it was cancelled, deleted or taken")
        except StoreUnavailable as error:
            self._log.warning("lease_not_checked", why=str(error))

    async def _tell_stages(self) -> None:
        """Write each stage that lasts. Stages that pass within the pause are told as the last of them."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._timing.stage.total_seconds())
            if self._changed.is_set():
                await self._renew()

    async def _renew(self) -> None:
        async with self._renewing:
            self._changed.clear()
            self._renewed_at = self._clock.monotonic()
            try:
                watched_until = await self._work.renew(self._lease, self.fraction, self._showcase.shown, self._stage)
                self._showcase.watched_until = watched_until
            except StoreUnavailable as error:
                self._log.warning("lease_not_renewed", why=str(error))
