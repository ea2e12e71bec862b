"""Generations: submit, read, edit, cancel and delete."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from stillmotion.application.acceptance import Acceptance
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.outbound import UrlRules
from stillmotion.application.ports.store import (
    Accepted,
    Changed,
    Fingerprint,
    GenerationStore,
    IdempotencyKey,
    Submission,
    unwatched,
)
from stillmotion.application.ports.tracing import NO_TRACING, SpanKind, Tracing, about
from stillmotion.application.ports.values import CanEncode, Clock, NewId, NewToken, any_codec
from stillmotion.application.record.outlooks import foreseen, with_outlooks
from stillmotion.application.retention import remove_objects
from stillmotion.application.uploads import Uploads
from stillmotion.domain.assets import INPUTS
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import (
    CursorNotFound,
    Field,
    GenerationNotFound,
    IllegalTransition,
    InvalidRequest,
    Problem,
    Unavailable,
)
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.history.metadata import NONE, check
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.domain.subscriptions import Subscription

DRAIN_RETRY_SECONDS = 60
"""Pause before a submit is tried again that a drain refused."""


@dataclass(frozen=True, slots=True)
class Generations:
    """Use cases of a generation. `catalogue` maps each wire model to the engines that really render it.

    `submitted` is called with each new generation.
    """

    store: GenerationStore
    objects: ObjectStore
    signal: QueueSignal
    rules: UrlRules
    clock: Clock
    new_id: NewId
    new_token: NewToken
    catalogue: Catalogue
    uploads: Uploads
    fault: Fault = no_fault
    can_encode: CanEncode = any_codec
    submitted: Changed = unwatched
    tracing: Tracing = NO_TRACING

    @property
    def acceptance(self) -> Acceptance:
        """The rules that a submit keeps."""
        return Acceptance(self.store, self.rules, self.catalogue, self.uploads, self.can_encode)

    async def submit(
        self,
        subscription: Subscription,
        surface: str,
        request: GenerationRequest,
        idempotency: IdempotencyKey | None = None,
        fingerprint: Fingerprint | None = None,
        metadata: Mapping[str, str] = NONE,
        retry_of: str | None = None,
    ) -> Accepted:
        """Accept a generation: it is on disk when this returns.

        The first of the model's engines that can make the clip gets it. A clip that is longer than that engine can make
        is cut to the engine's limit, and counted so. An upscaled or reframed clip is as long as its source, and a
        reframed one has its source's area. A stranger's video, whose length is unknown yet, counts as the longest clip.
        Raises `InvalidRequest`, `AccessDenied`, `QuotaSpent`, `RateLimitExceeded`, `ConcurrencyLimitExceeded` or
        `Unavailable`; then nothing is stored.
        """
        check(metadata)
        generation_id = self.new_id()
        engine, kept = await self._prepare(subscription, request, generation_id)
        generation = Generation(
            id=generation_id,
            subscription_id=subscription.id,
            surface=surface,
            request=kept,
            engine=engine,
            created_at=self.clock.now(),
            cost=subscription.product.cost_of(kept.seconds),
            metadata=metadata,
            retry_of=retry_of,
            key=subscription.used_key,
        )
        self.fault(Point.SUBMIT_BEFORE_INSERT)
        try:
            accepted = await self._stored(Submission(generation, subscription.product, idempotency, fingerprint))
        except Unavailable:
            raise  # The row may have been committed after all: its pictures must stay.
        except Exception:
            await self._forget_stored(kept)
            raise
        self.fault(Point.SUBMIT_AFTER_COMMIT)
        if accepted.replayed:
            await self._forget_stored(kept)
        else:
            self.submitted(generation)
            self.signal.notify()
        return accepted

    async def shown(self, accepted: Accepted) -> GenerationView:
        """Its owner's view of an accepted generation, with its outlook where that can be read just now."""
        return (await foreseen(self.store, accepted.generation.view))[0]

    async def _stored(self, submission: Submission) -> Accepted:
        """The stored submission. With tracing the row keeps the identity of its span."""
        if not self.tracing.is_on:
            return await self.store.submit(submission)
        generation = submission.generation
        with self.tracing.span("send generations", SpanKind.PRODUCER, about(generation, "send")) as span:
            traced = replace(generation, traceparent=span.traceparent)
            return await self.store.submit(replace(submission, generation=traced))

    async def get(self, subscription: Subscription, generation_id: str) -> Generation:
        """The generation, if it is this subscription's. Raises `GenerationNotFound`."""
        generation = await self.store.owned(subscription.id, generation_id.lower())
        if generation is None:
            raise GenerationNotFound(generation_id)
        return generation

    async def view(self, subscription: Subscription, generation_id: str) -> GenerationView:
        """Its owner's view of a generation, with its outlook. Raises `GenerationNotFound` for anyone else."""
        view = await self.store.view(subscription.id, generation_id.lower())
        # Most polls are of finished ones: the time of the end is the quickest look at that.
        return (await with_outlooks(self.store, (view,)))[0] if view.finished_at is None else view

    async def check_cursor(self, subscription: Subscription, generation_id: str) -> None:
        """Raise `CursorNotFound` for an id that is none of the subscription's."""
        if await self.store.owned(subscription.id, generation_id.lower()) is None:
            raise CursorNotFound(generation_id)

    async def edit(
        self,
        subscription: Subscription,
        generation_id: str,
        prompt: str | None = None,
        metadata: Mapping[str, str | None] = NONE,
    ) -> Generation:
        """Change the metadata, None removing a name, and the prompt of a queued generation.

        Raises `GenerationNotFound` or `InvalidRequest`.
        """
        found = await self.get(subscription, generation_id)
        if prompt is not None:
            replace(found.request, prompt=prompt).check()
        return await self.store.change(found.id, lambda generation: generation.edited(prompt, metadata))

    async def retry(
        self,
        subscription: Subscription,
        earlier: Generation,
        request: GenerationRequest,
        idempotency: IdempotencyKey | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Accepted:
        """Submit a request that was made of an earlier generation, under that one's surface and metadata.

        Its stored pictures are copied, so that the deletion of either generation leaves the other whole. Raises as
        `submit` does.
        """
        own = replace(
            request,
            frame0=await self._copied(Field.FRAME0, request.frame0),
            frame1=await self._copied(Field.FRAME1, request.frame1),
        )
        kept = earlier.metadata if metadata is None else metadata
        return await self.submit(subscription, earlier.surface, own, idempotency, metadata=kept, retry_of=earlier.id)

    async def cancel(self, subscription: Subscription, generation_id: str) -> Generation:
        """Cancel an unfinished generation; a cancelled one stays as it is.

        Raises `GenerationNotFound`, or `InvalidRequest` for one that has ended otherwise.
        """
        found = await self.get(subscription, generation_id)
        now = self.clock.now()
        try:
            cancelled = await self.store.change(found.id, lambda each: _cancelled(each, now))
        except IllegalTransition as error:
            sentence = f"is {error.state} already: only an unfinished generation can be cancelled"
            raise InvalidRequest(Problem("id", sentence)) from None
        self.signal.withdraw(found.id)
        return cancelled

    async def delete(self, subscription: Subscription, generation_id: str) -> None:
        """Cancel the generation if it has not finished, and remove it with everything that belongs to it.

        Raises `GenerationNotFound`, the second time too. If storage cannot be reached, the objects are removed later.
        """
        generation_id = (await self.get(subscription, generation_id)).id
        if not await self.store.delete(generation_id):
            raise GenerationNotFound(generation_id)
        self.signal.withdraw(generation_id)
        with suppress(Unavailable):
            await remove_objects(self.store, self.objects, generation_id)

    async def _prepare(
        self, subscription: Subscription, request: GenerationRequest, generation_id: str
    ) -> tuple[str, GenerationRequest]:
        """The engine for a new request, and the request as it is kept: its pictures are in object storage.

        Raises `InvalidRequest` or `AccessDenied`; then nothing is stored.
        """
        accepting = await self.acceptance.weigh(subscription, request)
        if (await self.store.queue_controls()).refuse(accepting.engine):
            raise Unavailable("nothing new is accepted while the queue is drained", DRAIN_RETRY_SECONDS)
        kept = accepting.request
        frame0 = await self._store(generation_id, kept.frame0)
        frame1 = await self._store(generation_id, kept.frame1)
        if frame0 is not kept.frame0 or frame1 is not kept.frame1:
            kept = replace(kept, frame0=frame0, frame1=frame1)
        return accepting.engine, kept

    async def _copied(self, field: Field, keyframe: Keyframe | None) -> Keyframe | None:
        """The keyframe with its file's content, if it is in storage. Raises `InvalidRequest` that names `field`."""
        if keyframe is None or keyframe.key is None:
            return keyframe
        stored = await self.objects.find(keyframe.key)
        if stored is None:
            raise InvalidRequest(Problem(field, "is no longer stored: send the picture again"))
        return Keyframe(content=b"".join([piece async for piece in self.objects.read(keyframe.key, 0, stored.size)]))

    async def _store(self, generation_id: str, keyframe: Keyframe | None) -> Keyframe | None:
        """The keyframe with its content, if it has any, put in object storage."""
        if keyframe is None or keyframe.content is None:
            return keyframe
        key = f"{INPUTS}/{generation_id}/{self.new_token()}"
        await self.objects.put(key, keyframe.content)
        return Keyframe(key=key)

    async def _forget_stored(self, request: GenerationRequest) -> None:
        for key in request.stored_keys:
            if key.startswith(f"{INPUTS}/"):
                await self.objects.delete(key)


def _cancelled(generation: Generation, now: datetime) -> Generation:
    return generation if generation.state is State.CANCELLED else generation.cancelled(now)
