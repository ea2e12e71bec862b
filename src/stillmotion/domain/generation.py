"""Generation: one job from submit to its end, its changes of state, and its owner's view of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from stillmotion.domain.assets import Assets
from stillmotion.domain.errors import Field, GenerationFailed, InvalidRequest, LeaseLost, Problem
from stillmotion.domain.failures import FailureKind, remedy_for
from stillmotion.domain.history import metadata as pairs
from stillmotion.domain.lifecycle import TERMINAL, Event, State, after
from stillmotion.domain.request import FrameSize, GenerationRequest

MAX_FAILURES = 3
"""Failed attempts after which a generation is failed rather than tried again."""

MAX_LOSSES = 10
"""Lost leases after which a generation is failed: it is probably what kills its workers."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's lease of a generation. `attempt` is a fencing token: it only grows in one `epoch` of the store."""

    generation_id: str
    attempt: int
    epoch: int = field(default=0, compare=False)


class WorkStage(StrEnum):
    """WorkStage of an unfinished generation, as its worker reports it. A queued one waits."""

    WAITING = "waiting"
    FETCHING = "fetching"
    LOADING = "loading"
    RENDERING = "rendering"
    ENCODING = "encoding"
    STORING = "storing"


class Deletion(NamedTuple):
    """Deletion of a generation."""

    id: str
    subscription_id: str


class GenerationView(NamedTuple):
    """The parts of a generation that its owner sees. A poll reads these columns alone, because polls are frequent.

    `video`, `thumbnail`, `poster` and `preview_video` are object keys, None until it is completed; `preview` is one
    while it is rendered. `size` is the finished frame's. `seed` is the seed of the finished clip. `queue_position` and
    `eta_seconds` are those of its `Outlook`, where that was asked for.
    """

    id: str
    request: GenerationRequest
    engine: str
    created_at: datetime
    state: State
    progress: float
    failure_code: str | None
    failure_reason: str | None
    video: str | None
    thumbnail: str | None
    finished_at: datetime | None
    started_at: datetime | None = None
    stage: WorkStage | None = None
    preview: str | None = None
    seed: int | None = None
    size: FrameSize | None = None
    cost: Decimal | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    metadata: Mapping[str, str] = pairs.NONE
    retry_of: str | None = None
    poster: str | None = None
    preview_video: str | None = None

    @property
    def has_ended(self) -> bool:
        """True in a state that is final."""
        return self.state in TERMINAL

    @property
    def remedy(self) -> str | None:
        """Remedy for its failure, None without one."""
        return remedy_for(self.failure_code)


@dataclass(frozen=True)
class Generation:
    """One job, from submit to the end. Times are UTC.

    `engine` is the name of the engine that renders it, for the honesty header. `attempt` counts claims and only grows.
    `failures` counts attempts that went wrong, `losses` those that were lost with their worker. `progress` is 0 to 1.
    `plan` is the engine's JSON, empty until it is known. `remote` is its id on another server, empty without one.
    `preview` is the key of a picture of the unfinished clip. The object exists only while a worker makes the clip.
    `started_at` is the time of the latest claim and `stage` the worker's, both None while it is queued. `size` and
    `seed` are those of the finished clip; an engine without seeds has none. `cost` is its length at the price of the
    day of its submit, 0 once it has failed or was cancelled, and None for a generation from before costs were kept.
    `setback` is the reason why the latest attempt failed though another follows: the store keeps it with the attempt.
    `metadata` is its owner's own. `retry_of` is the id of the generation that it repeats.
    `key` begins the key that it was submitted by; empty where that is unknown.
    `traceparent` is the identity of the span that queued it; empty without tracing.
    """

    id: str
    subscription_id: str
    surface: str
    request: GenerationRequest
    engine: str
    created_at: datetime
    state: State = State.QUEUED
    attempt: int = 0
    failures: int = 0
    progress: float = 0.0
    lease_until: datetime | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    assets: Assets | None = None
    plan: str = ""
    finished_at: datetime | None = None
    losses: int = 0
    remote: str = ""
    preview: str | None = None
    started_at: datetime | None = None
    stage: WorkStage | None = None
    seed: int | None = None
    size: FrameSize | None = None
    cost: Decimal | None = None
    setback: str | None = field(default=None, compare=False)
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    retry_of: str | None = None
    key: str = ""
    traceparent: str = ""

    @property
    def is_terminal(self) -> bool:
        """True in a state that is final."""
        return self.state in TERMINAL

    @property
    def view(self) -> GenerationView:
        """Its owner's view."""
        assets = self.assets
        return GenerationView(
            id=self.id,
            request=self.request,
            engine=self.engine,
            created_at=self.created_at,
            state=self.state,
            progress=self.progress,
            failure_code=self.failure_code,
            failure_reason=self.failure_reason,
            video=None if assets is None else assets.video.key,
            thumbnail=None if assets is None else assets.thumbnail.key,
            finished_at=self.finished_at,
            started_at=self.started_at,
            stage=WorkStage.WAITING if self.state is State.QUEUED else self.stage,
            preview=self.preview,
            seed=self.seed,
            size=self.size,
            cost=self.cost,
            metadata=self.metadata,
            retry_of=self.retry_of,
            poster=None if assets is None or assets.poster is None else assets.poster.key,
            preview_video=None if assets is None or assets.preview_video is None else assets.preview_video.key,
        )

    @property
    def objects(self) -> list[str]:
        """Keys of all objects that it names: the pictures it is made from, its preview, and its result."""
        named = self.request.stored_keys
        if self.preview is not None:
            named.append(self.preview)
        return named if self.assets is None else [*named, *self.assets.keys]

    @property
    def lease(self) -> Lease:
        """Lease of the latest claim."""
        return Lease(self.id, self.attempt)

    def claimed(self, until: datetime, now: datetime | None = None) -> "Generation":
        """Claimed by a worker at `now`, up to `until` unless the lease is renewed."""
        return replace(
            self,
            state=after(self.state, Event.CLAIM),
            attempt=self.attempt + 1,
            lease_until=until,
            progress=0.0,
            started_at=now,
            stage=WorkStage.FETCHING,
            setback=None,
        )

    def renewed(
        self,
        lease: Lease,
        until: datetime,
        progress: float,
        preview: str | None = None,
        stage: WorkStage = WorkStage.RENDERING,
    ) -> "Generation":
        """Lease renewed by a living worker, with its progress, preview and stage."""
        self._fence(lease)
        return replace(self, lease_until=until, progress=max(self.progress, progress), preview=preview, stage=stage)

    def released(self, lease: Lease) -> "Generation":
        """Back in the queue, unfinished through no fault of its own: not a failure."""
        self._fence(lease)
        state = after(self.state, Event.RELEASE)
        return replace(self, state=state, lease_until=None, progress=0.0, preview=None, started_at=None, stage=None)

    def remembered(self, lease: Lease, remote: str) -> "Generation":
        """Accepted by another server under the id `remote`."""
        self._fence(lease)
        return replace(self, remote=remote)

    def handed_on(self, lease: Lease, engine: str) -> "Generation":
        """Back in the queue for another engine: not a failure."""
        return replace(self.released(lease), engine=engine, remote="")

    def rerouted(self, engine: str) -> "Generation":
        """Still in the queue, but for another engine. Raises `LeaseLost` if it is no longer queued."""
        if self.state is not State.QUEUED:
            raise LeaseLost(f"{self.id} is {self.state}")
        return replace(self, engine=engine, remote="")

    def abandoned(self, now: datetime) -> "Generation":
        """Back in the queue because its worker is gone; failed if it has lost too many workers."""
        losses = self.losses + 1
        if losses < MAX_LOSSES:
            return replace(self.released(self.lease), losses=losses)
        lost = FailureKind.WORKER_LOST.error(losses=losses)
        return replace(self.attempt_failed(self.lease, lost, now), losses=losses)

    def completed(
        self,
        lease: Lease,
        assets: Assets,
        plan: str,
        now: datetime,
        size: FrameSize | None = None,
        seed: int | None = None,
    ) -> "Generation":
        """Completed: the whole result is stored. `size` and `seed` are the clip's."""
        self._fence(lease)
        return replace(
            self,
            state=after(self.state, Event.COMPLETE),
            assets=assets,
            plan=plan,
            size=size,
            seed=seed,
            progress=1.0,
            stage=None,
            lease_until=None,
            finished_at=now,
            preview=None,
        )

    def attempt_failed(self, lease: Lease, failure: GenerationFailed, now: datetime) -> "Generation":
        """After an attempt that went wrong: in the queue again, or failed if another attempt would not help."""
        self._fence(lease)
        failures = self.failures + 1
        if failures < MAX_FAILURES and not failure.permanent:
            return replace(self.released(lease), failures=failures, remote="", setback=failure.reason)
        return replace(
            self,
            state=after(self.state, Event.FAIL),
            failures=failures,
            failure_code=failure.code,
            failure_reason=failure.reason,
            lease_until=None,
            finished_at=now,
            preview=None,
            stage=None,
            cost=self._refunded,
        )

    def cancelled(self, now: datetime) -> "Generation":
        """Cancelled by its owner."""
        state = after(self.state, Event.CANCEL)
        return replace(
            self, state=state, lease_until=None, finished_at=now, preview=None, stage=None, cost=self._refunded
        )

    def edited(self, prompt: str | None, metadata: Mapping[str, str | None]) -> "Generation":
        """With another prompt, if one is given, and with changed metadata: None removes a name.

        Raises `InvalidRequest` for a prompt that comes too late.
        """
        if prompt is not None and self.state is not State.QUEUED:
            raise InvalidRequest(Problem(Field.PROMPT, f"can be changed while it is queued only; it is {self.state}"))
        request = self.request if prompt is None else replace(self.request, prompt=prompt)
        return replace(self, request=request, metadata=pairs.changed(self.metadata, metadata))

    @property
    def again(self) -> GenerationRequest:
        """Request for the same once more, by the seed that the clip was drawn by."""
        request = self.request
        return request if request.seed is not None else replace(request, seed=self.seed)

    def as_announced(self, state: State) -> "Generation":
        """Its form when it entered `state`, for a callback that is sent later."""
        if state is self.state:
            return self
        return replace(
            self,
            state=state,
            assets=None,
            failure_reason=None,
            failure_code=None,
            finished_at=None,
            seed=None,
            size=None,
        )

    @property
    def _refunded(self) -> Decimal | None:
        return None if self.cost is None else Decimal(0)

    def _fence(self, lease: Lease) -> None:
        if self.state is not State.DREAMING or lease != self.lease:
            raise LeaseLost(f"attempt {lease.attempt} of {self.id} is over: it is {self.state}, attempt {self.attempt}")
