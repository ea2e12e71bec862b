"""Local maker: a clip is made by a renderer process of this machine."""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

from stillmotion.application.work import Rendered
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.planning import plan
from stillmotion.domain.request import Purpose
from stillmotion.worker.makers.port import Job, SlowInput, rendered
from stillmotion.worker.renderer.process import RendererProcess
from stillmotion.worker.renderer.protocol import Order, Progress, Render, RenderStage, Resample


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
                    job.ledger.came_so_far(progress.fraction)

                done = await self.renderer.render(order, came_so_far, job.ledger.shows)
        except TimeoutError as late:
            raise SlowInput("it is decoded elsewhere") from late
        job.log.info("rendered", seconds=round(done.seconds, 3), frames=done.frames, bytes=done.video.size)
        made = rendered(done)
        if self.entry is None or job.generation.request.source is not None:
            return made
        planned = plan(self.entry, job.generation.request)
        told = {"emulated": planned.emulated, "adjusted": planned.adjusted}
        return replace(made, plan=json.dumps(json.loads(made.plan) | told))

    async def forget(self, remote: str) -> None:
        """See `Maker.forget`. No other server is involved."""

    async def _order(self, job: Job) -> Order:
        output = await job.inputs.output()
        is_new = job.generation.request.purpose is Purpose.VIDEO
        return self._render(job, output) if is_new else self._resample(job, output)

    def _render(self, job: Job, output: Path) -> Render:
        return Render(
            ticket=self.renderer.ticket(),
            engine=job.generation.engine,
            output=str(output),
            request=replace(job.generation.request, seed=job.seed),
            frame0=job.inputs.frame0,
            frame1=job.inputs.frame1,
            codec=job.codec,
        )

    def _resample(self, job: Job, output: Path) -> Resample:
        assert job.inputs.source is not None, "a clip is made from another"
        return Resample(
            ticket=self.renderer.ticket(),
            output=str(output),
            request=job.generation.request,
            source=job.inputs.source,
            codec=job.codec,
        )
