"""Dismissal of a worker process: drained by its id, it ends once it makes nothing more."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from stillmotion.application.ports.administration import QueueStore
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.processes import HEARTBEAT
from stillmotion.domain.operators.queue_controls import ControlScope, ControlState, ControlTarget, WorkerName
from stillmotion.worker.host import WorkerHost

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Watch for the drain of this process. The drain of a machine ends no worker: it is about those to come, too.

    At the end the control is removed with the process that it names, and the host is `dismissed`.
    """

    host: WorkerHost
    store: QueueStore
    name: WorkerName
    every: timedelta = HEARTBEAT

    async def run(self) -> None:
        """Look until the process is dismissed, or this is cancelled."""
        while not self.host.dismissed.is_set():
            await asyncio.sleep(self.every.total_seconds())
            try:
                await self._look()
            except Unavailable as error:
                log.info("drain_not_looked_for", why=str(error))

    async def _look(self) -> None:
        target = ControlTarget(ControlScope.WORKER, self.name.id)
        controls = await self.store.queue_controls()
        if controls.state_of(target) is ControlState.DRAINING and not self.host.held:
            log.info("worker_dismissed", worker=self.name.id)
            self.host.dismissed.set()
            await self.store.remove_control(target)
