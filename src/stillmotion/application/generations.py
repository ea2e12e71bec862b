"""Generations: submit, read, list, cancel and delete."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.outbound import UrlRules
from stillmotion.application.ports.store import Accepted, Fingerprint, GenerationStore, IdempotencyKey, Submission
from stillmotion.application.ports.values import CanEncode, Clock, NewId, NewToken, any_codec
from stillmotion.application.retention import remove_objects
from stillmotion.application.uploads import Uploads
from stillmotion.domain.assets import INPUTS
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import CursorNotFound, Field, GenerationNotFound, InvalidRequest, Problem, Unavailable
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.planning import first_able, length
from stillmotion.domain.rendering import RESAMPLER
from stillmotion.domain.request import MAX_SECONDS, GenerationRequest, Keyframe, Purpose, VideoCodec
from stillmotion.domain.subscriptions import Subscription
from stillmotion.domain.uploads import upload_named_by


@dataclass(frozen=True, slots=True)
class Generations:
    """Use cases of a generation. `catalogue` maps each wire model to the engines that really render it."""

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

    async def submit(
        self,
        subscription: Subscription,
        surface: str,
        request: GenerationRequest,
        idempotency: IdempotencyKey | None = None,
        fingerprint: Fingerprint | None = None,
    ) -> Accepted:
        """Accept a generation: it is on disk when this returns.

        The first of the model's engines that can make the clip gets it. A clip that is longer than that engine can make
        is cut to the engine's limit, and counted so. An upscaled or reframed clip is as long as its source, and a
        reframed one has its source's area. A stranger's video, whose length is unknown yet, counts as the longest clip.
        Raises `InvalidRequest`, `AccessDenied`, `QuotaSpent`, `RateLimitExceeded`, `ConcurrencyLimitExceeded` or
        `Unavailable`; then nothing is stored.
        """
        generation_id = self.new_id()
        engine, kept = await self._prepare(subscription, request, generation_id)
        generation = Generation(
            id=generation_id,
            subscription_id=subscription.id,
            surface=surface,
            request=kept,
            engine=engine,
            created_at=self.clock.now(),
        )
        self.fault(Point.SUBMIT_BEFORE_INSERT)
        try:
            accepted = await self.store.submit(Submission(generation, subscription.product, idempotency, fingerprint))
        except Unavailable:
            raise  # The row may have been committed after all: its pictures must stay.
        except Exception:
            await self._forget_stored(kept)
            raise
        self.fault(Point.SUBMIT_AFTER_COMMIT)
        if accepted.replayed:
            await self._forget_stored(kept)
        else:
            self.signal.notify()
        return accepted

    async def get(self, subscription: Subscription, generation_id: str) -> Generation:
        """The generation, if it is this subscription's. Raises `GenerationNotFound`."""
        generation = await self.store.owned(subscription.id, generation_id.lower())
        if generation is None:
            raise GenerationNotFound(generation_id)
        return generation

    def view(self, subscription: Subscription, generation_id: str) -> Awaitable[GenerationView]:
        """Its owner's view of a generation. Raises `GenerationNotFound` for anyone else."""
        return self.store.view(subscription.id, generation_id.lower())

    async def page(self, subscription: Subscription, limit: int, offset: int) -> Sequence[GenerationView]:
        """Up to `limit` of the subscription's generations, the newest first, after the first `offset`."""
        return await self.store.page(subscription.id, limit, offset)

    async def beyond(
        self, subscription: Subscription, generation_id: str | None, limit: int, *, newest_first: bool
    ) -> Sequence[GenerationView]:
        """Up to `limit` of the subscription's generations by age, after the one that a cursor names.

        Raises `CursorNotFound` where it names none of theirs.
        """
        if generation_id is not None:
            generation_id = generation_id.lower()
            if await self.store.owned(subscription.id, generation_id) is None:
                raise CursorNotFound(generation_id)
        return await self.store.beyond(subscription.id, generation_id, limit, newest_first=newest_first)

    async def cancel(self, subscription: Subscription, generation_id: str) -> Generation:
        """Cancel an unfinished generation. Raises `GenerationNotFound`, or `IllegalTransition` for a finished one."""
        generation_id = (await self.get(subscription, generation_id)).id
        now = self.clock.now()
        cancelled = await self.store.change(generation_id, lambda generation: generation.cancelled(now))
        self.signal.notify()
        return cancelled

    async def delete(self, subscription: Subscription, generation_id: str) -> None:
        """Cancel the generation if it has not finished, and remove it with everything that belongs to it.

        Raises `GenerationNotFound`, the second time too. If storage cannot be reached, the objects are removed later.
        """
        generation_id = (await self.get(subscription, generation_id)).id
        if not await self.store.delete(generation_id):
            raise GenerationNotFound(generation_id)
        self.signal.notify()
        with suppress(Unavailable):
            await remove_objects(self.store, self.objects, generation_id)

    async def _prepare(
        self, subscription: Subscription, request: GenerationRequest, generation_id: str
    ) -> tuple[str, GenerationRequest]:
        """Engine for a new request, and the request as it is kept and rendered. All checks are made here.

        The model has the catalogue's spelling, the length is the clip's, and pictures that came with the request are in
        object storage. Raises `InvalidRequest` or `AccessDenied`; then nothing is stored.
        """
        request.check()
        model = self._model(subscription, request)
        self._check_addresses(request)
        for field, keyframe in ((Field.FRAME0_ID, request.frame0), (Field.FRAME1_ID, request.frame1)):
            if keyframe is not None and keyframe.id is not None:
                await self._finished(subscription, field, keyframe.id)
        engine, planned = await self._plan(subscription, model, request)
        await self._check_codec(planned.codec)
        subscription.product.check_size(planned.resolution, planned.seconds)
        # Both pictures are read before the first is stored: a bad second one must leave nothing behind.
        frame0 = await self._read(Field.FRAME0_URL, subscription, request.frame0)
        frame1 = await self._read(Field.FRAME1_URL, subscription, request.frame1)
        return engine, replace(
            planned,
            frame0=await self._store(generation_id, frame0),
            frame1=await self._store(generation_id, frame1),
            model=model,
            fps=None,
            frame_count=None,
        )

    def _model(self, subscription: Subscription, request: GenerationRequest) -> str:
        """The model in the catalogue's spelling. Raises `InvalidRequest`, or `AccessDenied` if it is not included."""
        model = self.catalogue.named(request.model)
        if model is None:
            names = ", ".join(sorted(self.catalogue.models))
            raise InvalidRequest(Problem(Field.MODEL, f"is not one of this server's models: {names}"))
        subscription.product.check_model(model)
        return model

    def _check_addresses(self, request: GenerationRequest) -> None:
        """Raise `InvalidRequest` for an address that the URL rules forbid."""
        for field, keyframe in ((Field.FRAME0_URL, request.frame0), (Field.FRAME1_URL, request.frame1)):
            if keyframe is not None and keyframe.url is not None and upload_named_by(keyframe.url) is None:
                self.rules.check(field, keyframe.url)
        if request.source is None and request.source_url is not None:
            self.rules.check(Field.SOURCE_URL, request.source_url)
        if request.callback_url is not None:
            self.rules.check(Field.CALLBACK_URL, request.callback_url)

    async def _plan(
        self, subscription: Subscription, model: str, request: GenerationRequest
    ) -> tuple[str, GenerationRequest]:
        """Engine, and the request with the clip's own length, resolution and codec. Raises `InvalidRequest`."""
        if request.purpose is Purpose.VIDEO:
            entry = first_able(self.catalogue.route(model), request)
            return entry.engine_name, replace(request, seconds=length(entry, request))
        seconds, resolution, codec = MAX_SECONDS, request.resolution, request.codec
        if request.source is not None:
            named_by = Field.SOURCE if request.source_url is None else Field.SOURCE_URL
            source = (await self._finished(subscription, named_by, request.source)).request
            if request.purpose is Purpose.UPSCALE and resolution.area <= source.resolution.area:
                raise InvalidRequest(
                    Problem(Field.RESOLUTION, f"must be above the video's own {source.resolution} to upscale it")
                )
            seconds = source.seconds
            resolution = source.resolution if request.purpose is Purpose.REFRAME else resolution
            codec = codec or source.codec
        request.check_placement(resolution)
        return RESAMPLER, replace(request, seconds=seconds, resolution=resolution, codec=codec)

    async def _check_codec(self, codec: VideoCodec | None) -> None:
        """Raise `InvalidRequest` for a codec that clips cannot be compressed in here."""
        if codec not in (None, VideoCodec.H264) and not await self.can_encode(codec):
            raise InvalidRequest(
                Problem(Field.CODEC, f"cannot be {codec} here: this server's PyAV has no encoder for it; ask for h264")
            )

    async def _finished(self, subscription: Subscription, field: str, generation_id: str) -> Generation:
        """A completed generation of the same owner. Raises `InvalidRequest` that names `field`."""
        found = await self.store.owned(subscription.id, generation_id.lower())
        if found is None:
            raise InvalidRequest(Problem(field, "is not one of your generations: give the id of one"))
        if found.state is not State.COMPLETED:
            raise InvalidRequest(Problem(field, f"is {found.state}: give the id of a completed generation"))
        return found

    async def _read(self, field: str, subscription: Subscription, keyframe: Keyframe | None) -> Keyframe | None:
        """The keyframe with its file's content, if it came with the request or was uploaded before."""
        if keyframe is None:
            return None
        if keyframe.content is not None:
            self.uploads.check(field, keyframe.content)
        upload_id = None if keyframe.url is None else upload_named_by(keyframe.url)
        if upload_id is None:
            return keyframe
        return Keyframe(content=await self.uploads.read(subscription, field, upload_id))

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
