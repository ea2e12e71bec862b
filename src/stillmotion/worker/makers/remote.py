"""Remote maker: a clip is asked of another server once, polled to its end, and taken over."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from stillmotion.application.leases import Rendered
from stillmotion.application.ports.store import EngineLimit, Engines
from stillmotion.domain.camera_concepts import phrase
from stillmotion.domain.catalogue import Ability, Dialect, Entry
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import Generation, WorkStage
from stillmotion.domain.planning import Plan, plan, takes_seed
from stillmotion.domain.request import FrameSize
from stillmotion.engines.forward.peer import ClipRequest, Peer, ServerDown
from stillmotion.engines.forward.polling import PollSchedule, fetch, follow, submit
from stillmotion.worker.makers.port import HandedOn, Job, rendered
from stillmotion.worker.makers.preparation import PreparationProcess
from stillmotion.worker.renderer.protocol import Adopt, Prepare, Prepared

MADE_THERE = 0.95
"""Fraction done when the other server has finished; downloading and checking are the rest."""

Successor = Callable[[Generation], str | None]
"""Returns the engine that takes over a generation that this one cannot make; None without one."""

log = structlog.get_logger(__name__)


@dataclass
class RemoteMaker:
    """`Maker` over one server, for many clips at once. While the server is in `trouble`, the text is the reason.

    Without a stand-in, `successor` never names an engine.
    """

    entry: Entry
    peer: Peer
    preparation: PreparationProcess
    successor: Successor
    has_stand_in: bool = True
    pace: PollSchedule = field(default_factory=PollSchedule)
    trouble: str | None = None

    @property
    def engines(self) -> Engines:
        """Engines whose generations it makes."""
        return Engines(frozenset({self.entry.engine_name}), others=False)

    @property
    def at_once(self) -> int:
        """Number of clips that the server is given at once."""
        return 1 if self.entry.server is None else self.entry.server.in_flight

    @property
    def limit(self) -> EngineLimit:
        """Limit of clips at the server, whichever processes ask it for them."""
        return EngineLimit(self.entry.engine_name, self.at_once)

    async def is_back(self) -> bool:
        """Check a server that was in trouble; True if it answers."""
        try:
            await self.peer.check()
        except ServerDown as down:
            self._note(str(down))
            return False
        self._note(None)
        return True

    async def make(self, job: Job) -> Rendered:
        """See `Maker.make`. A clip that was asked for before, perhaps by a lost worker, is not asked for again."""
        planned = plan(self.entry, job.generation.request)
        path = await job.inputs.output() / "remote.mp4"
        try:
            job.ledger.enters(WorkStage.LOADING)
            remote = job.generation.remote or await self._ask(job, planned)
            job.ledger.enters(WorkStage.RENDERING)
            status = await follow(self.peer, remote, lambda part: job.ledger.came_so_far(MADE_THERE * part), self.pace)
            await fetch(self.peer, remote, status, path, self.pace)
        except ServerDown as down:
            self._note(str(down))
            following = self.successor(job.generation)
            if following is not None:
                raise HandedOn(following, str(down)) from down
            raise
        except GenerationFailed as failure:
            if failure.__cause__ is not None:
                job.log.warning("clip_not_taken_over", engine=self.entry.engine_name, why=str(failure.__cause__))
            raise
        self._note(None)
        job.ledger.came_so_far(MADE_THERE)
        job.ledger.enters(WorkStage.ENCODING)
        return await self._adopt(job, planned, path)

    async def forget(self, remote: str) -> None:
        """See `Maker.forget`."""
        await self.peer.cancel(remote)

    async def close(self) -> None:
        """Close the connections to the server, and stop the process that checks its clips."""
        await self.peer.close()
        await self.preparation.stop()

    async def _ask(self, job: Job, planned: Plan) -> str:
        request = await self._asked(job, planned)
        remote = await submit(self.peer, request, self.pace)
        await job.ledger.remember(remote)
        job.log.info("asked_elsewhere", remote=remote, size=f"{request.size.width}x{request.size.height}")
        return remote

    async def _asked(self, job: Job, planned: Plan) -> ClipRequest:
        request, generation = job.generation.request, job.generation
        prepared = await self._prepared(job)
        frame0 = None if prepared is None else _path(prepared.frame0)
        closing = None if prepared is None else _path(prepared.frame1)
        return ClipRequest(
            # After a failure the key is a new one: the server must make the clip again, not repeat its answer.
            key=f"{generation.id}-{generation.failures}",
            prompt=self._prompt(job),
            frame0=frame0,
            frame1=frame0 if self._closes_with_start(job) else closing,
            size=planned.size if prepared is None else FrameSize(prepared.width, prepared.height),
            frame_count=planned.frame_count,
            fps=planned.fps,
            seconds=request.seconds,
            seed=job.seed,
            loop=request.loop and Ability.LOOP in self.entry.abilities,
            aspect_ratio=request.aspect_ratio,
            resolution=request.resolution,
            concepts=request.concepts,
            negative_prompt=request.negative_prompt,
        )

    async def _prepared(self, job: Job) -> Prepared | None:
        """The pictures cut to the clip's size, as the server gets them; None without any."""
        if job.inputs.frame0 is None and job.inputs.frame1 is None:
            return None
        output = await job.inputs.output()
        return await self.preparation.prepare(
            lambda ticket: Prepare(
                ticket=ticket,
                output=str(output),
                sizes=self.entry.sizes,
                engine=self.entry.engine_name,
                request=job.generation.request,
                frame0=job.inputs.frame0,
                frame1=job.inputs.frame1,
            ),
            job.decoded_within,
        )

    def _prompt(self, job: Job) -> str:
        request = job.generation.request
        if self.entry.server is not None and self.entry.server.speaks is Dialect.DREAM_MACHINE:
            return request.prompt
        return ", ".join(filter(None, (request.prompt, *map(phrase, request.concepts))))

    def _closes_with_start(self, job: Job) -> bool:
        return job.generation.request.loop and Ability.LOOP not in self.entry.abilities

    async def _adopt(self, job: Job, planned: Plan, path: Path) -> Rendered:
        told = {"engine": self.entry.engine_name, "emulated": planned.emulated, "adjusted": planned.adjusted}
        output = await job.inputs.output()
        done = await self.preparation.adopt(
            lambda ticket: Adopt(
                ticket=ticket,
                output=str(output),
                video=str(path),
                engine=self.entry.engine_name,
                plan=json.dumps(told),
                without_first=job.generation.request.extends,
                without_last=self._closes_with_start(job),
                codec=job.codec,
                recoded=job.generation.request.codec is not None,
            ),
            lambda _: None,
        )
        job.log.info("taken_over", frames=done.frames, bytes=done.video.size, seconds=round(done.seconds, 3))
        return rendered(done, job.seed if takes_seed(self.entry) else None)

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            log.error("server_in_trouble", engine=self.entry.engine_name, why=trouble)
        if trouble is None and self.trouble is not None:
            log.warning("server_is_back", engine=self.entry.engine_name)
        self.trouble = trouble


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
