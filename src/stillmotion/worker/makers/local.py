"""Local maker: a clip is made by a renderer process of this machine."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stillmotion.application.leases import Rendered
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.generation import WorkStage
from stillmotion.domain.planning import plan
from stillmotion.domain.request import Purpose
from stillmotion.worker.makers.port import Job, SlowInput, rendered
from stillmotion.worker.renderer.handle import RendererProcess
from stillmotion.worker.renderer.protocol import Order, Progress, Render, RenderStage, Resample

_STAGES: Mapping[RenderStage, WorkStage] = {
    RenderStage.DECODING: WorkStage.LOADING,
    RenderStage.RENDERING: WorkStage.RENDERING,
    RenderStage.FINISHING: WorkStage.ENCODING,
}
"""WorkStage of a generation in each stage of its renderer's work."""


@dataclass(frozen=True, slots=True)
class LocalMaker:
    """`Maker` over one renderer process. `entry` is its model's in the catalogue; None for the embedded engine."""

    renderer: RendererProcess
    entry: Entry | None = None

    async def make(self, job: Job) -> Rendered:
        """See `Maker.make`."""
        order = await self._order(job)
        try:
            async with asyncio.timeout(job.decoded_within) as until:

                def came_so_far(progress: Progress) -> None:
                    if progress.stage is not RenderStage.DECODING:
                        until.reschedule(None)
                    job.ledger.enters(_stage(progress))
                    job.ledger.came_so_far(progress.fraction)

                done = await self.renderer.render(order, came_so_far, job.ledger.shows)
        except TimeoutError as late:
            raise SlowInput("it is decoded elsewhere") from late
        job.log.info("rendered", seconds=round(done.seconds, 3), frames=done.frames, bytes=done.video.size)
        job.ledger.took(done.steps)
        is_drawn = job.generation.request.purpose is Purpose.VIDEO
        made = rendered(done, job.seed if is_drawn else None)
        if self.entry is None or job.generation.request.source is not None:
            return made
        planned = plan(self.entry, job.generation.request)
        told = {"emulated": planned.emulated, "adjusted": planned.adjusted}
        return replace(made, plan=json.dumps(json.loads(made.plan) | told))

    async def forget(self, remote: str) -> None:
        """See `Maker.forget`. No other server is involved."""

    async def _order(self, job: Job) -> Order:
        ticket, output = self.renderer.ticket(), str(await job.inputs.output())
        request, inputs = replace(job.generation.request, codec=job.codec), job.inputs
        if request.purpose is Purpose.VIDEO:
            request = replace(request, seed=job.seed)
            return Render(ticket, job.generation.engine, output, request, inputs.frame0, inputs.frame1)
        assert inputs.source is not None, "a clip is made from another"
        return Resample(ticket, output, request, inputs.source)


def _stage(progress: Progress) -> WorkStage:
    """Stage of a generation in a renderer's work. Before the first part is done, an engine may be loading its model."""
    if progress.stage is RenderStage.RENDERING and progress.fraction == 0:
        return WorkStage.LOADING
    return _STAGES.get(progress.stage, WorkStage.RENDERING)
