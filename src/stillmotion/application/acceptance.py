"""Acceptance of a request: the rules that a new generation must keep, for submits and for plans alike."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, NamedTuple

from stillmotion.application.ports.outbound import UrlRules
from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.ports.values import CanEncode
from stillmotion.application.uploads import GONE, Uploads
from stillmotion.domain.catalogue import Catalogue, Entry
from stillmotion.domain.errors import AccessDenied, Field, InvalidRequest, LimitExceeded, Problem, QuotaSpent, Reason
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.planning import first_able, length
from stillmotion.domain.rendering import RESAMPLER
from stillmotion.domain.request import MAX_SECONDS, GenerationRequest, Keyframe, Purpose, Resolution, VideoCodec
from stillmotion.domain.subscriptions import Subscription
from stillmotion.domain.uploads import input_named_by, is_own_address, upload_named_by

Guarded = Callable[[], AbstractContextManager[None]]
"""Makes the context of one rule. A plain one lets a refusal pass, so that the first one ends the submit."""

_ABOUT: Mapping[Reason, str] = {
    Reason.MODEL_NOT_INCLUDED: Field.MODEL,
    Reason.RESOLUTION_NOT_INCLUDED: Field.RESOLUTION,
    Reason.LENGTH_NOT_INCLUDED: Field.SECONDS,
    Reason.SURFACE_NOT_INCLUDED: "surface",
    Reason.QUOTA_SPENT: "quota",
    Reason.UNFINISHED_GENERATIONS: "unfinished_generations",
}


@dataclass(slots=True)
class Objections(AbstractContextManager[None]):
    """Context that keeps refusals as problems in place of raising them."""

    problems: list[Problem] = field(default_factory=list)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        match error:
            case InvalidRequest():
                self.problems += error.problems
            case AccessDenied() | QuotaSpent() | LimitExceeded():
                self.problems.append(Problem(_ABOUT.get(error.reason, "subscription"), str(error)))
            case _:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Accepting:
    """A request as it is kept and rendered: its engine, and that engine's entry where it makes new clips."""

    engine: str
    entry: Entry | None
    request: GenerationRequest


class _Planned(NamedTuple):
    """Engine of a request, that engine's entry where it makes new clips, and the clip's own length and form."""

    engine: str
    entry: Entry | None
    seconds: float
    resolution: Resolution
    codec: VideoCodec | None


def _planned(entry: Entry, request: GenerationRequest) -> _Planned:
    return _Planned(entry.engine_name, entry, length(entry, request), request.resolution, request.codec)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The rules of a new request. Each runs in a context from `guarded`."""

    store: GenerationStore
    rules: UrlRules
    catalogue: Catalogue
    uploads: Uploads
    can_encode: CanEncode
    guarded: Guarded = nullcontext

    async def weigh(self, subscription: Subscription, request: GenerationRequest) -> Accepting:
        """The engine for a new request, and the request as it is kept and rendered. All checks are made here.

        The model has the catalogue's spelling, the length is the clip's, and pictures that were uploaded or came with
        the request are its content. Raises `InvalidRequest` or `AccessDenied` where `guarded` lets them pass.
        """
        with self.guarded():
            request.check()
        model = self.catalogue.named(request.model)
        with self.guarded():
            self._check_model(subscription, model)
        model = model or self._any_model()
        with self.guarded():
            self._check_addresses(request)
        for named_by, keyframe in ((Field.FRAME0_ID, request.frame0), (Field.FRAME1_ID, request.frame1)):
            if keyframe is not None and keyframe.id is not None:
                with self.guarded():
                    await self._finished(subscription, named_by, keyframe.id)
        planned = self._first(model, request)
        with self.guarded():
            planned = await self._plan(subscription, model, request)
        with self.guarded():
            await self._check_codec(planned.codec)
        with self.guarded():
            subscription.product.check_size(planned.resolution, planned.seconds)
        # Both pictures are read before the first is stored: a bad second one must leave nothing behind.
        frame0, frame1 = request.frame0, request.frame1
        with self.guarded():
            frame0 = await self._read(Field.FRAME0_URL, subscription, frame0)
        with self.guarded():
            frame1 = await self._read(Field.FRAME1_URL, subscription, frame1)
        settled: dict[str, Any] = {
            "frame0": frame0,
            "frame1": frame1,
            "seconds": planned.seconds,
            "resolution": planned.resolution,
            "codec": planned.codec,
            "model": model,
            "fps": None,
            "frame_count": None,
        }
        # Most requests are kept as they are: a copy of all their fields costs a twentieth of a submit.
        changed = {name: value for name, value in settled.items() if getattr(request, name) != value}
        kept = replace(request, **changed) if changed else request
        return Accepting(planned.engine, planned.entry, kept)

    def _check_model(self, subscription: Subscription, model: str | None) -> None:
        """Raise `InvalidRequest` for no wire name, or `AccessDenied` for one that is not included."""
        if model is None:
            names = ", ".join(sorted(self.catalogue.models))
            raise InvalidRequest(Problem(Field.MODEL, f"is not one of this server's models: {names}"))
        subscription.product.check_model(model)

    def _any_model(self) -> str:
        """The model that a request for an unknown one is planned with. Raises `InvalidRequest` if there is none."""
        for model in self.catalogue.models:
            return model
        raise InvalidRequest(Problem(Field.MODEL, "cannot be any: this server offers no models"))

    def _check_addresses(self, request: GenerationRequest) -> None:
        """Raise `InvalidRequest` for an address that the URL rules forbid."""
        for named_by, keyframe in ((Field.FRAME0_URL, request.frame0), (Field.FRAME1_URL, request.frame1)):
            if keyframe is not None and keyframe.url is not None and not is_own_address(keyframe.url):
                self.rules.check(named_by, keyframe.url)
        if request.source is None and request.source_url is not None:
            self.rules.check(Field.SOURCE_URL, request.source_url)
        if request.callback_url is not None:
            self.rules.check(Field.CALLBACK_URL, request.callback_url)

    def _first(self, model: str, request: GenerationRequest) -> _Planned:
        """The first entry of the model's route, able or not, with which a refused request is planned."""
        return _planned(self.catalogue.route(model)[0], request)

    async def _plan(self, subscription: Subscription, model: str, request: GenerationRequest) -> _Planned:
        """Engine, and the clip's own length, resolution and codec. Raises `InvalidRequest`."""
        if request.purpose is Purpose.VIDEO:
            return _planned(first_able(self.catalogue.route(model), request), request)
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
        return _Planned(RESAMPLER, None, seconds, resolution, codec)

    async def _check_codec(self, codec: VideoCodec | None) -> None:
        """Raise `InvalidRequest` for a codec that clips cannot be compressed in here."""
        if codec not in (None, VideoCodec.H264) and not await self.can_encode(codec):
            raise InvalidRequest(
                Problem(Field.CODEC, f"cannot be {codec} here: this server's PyAV has no encoder for it; ask for h264")
            )

    async def _finished(self, subscription: Subscription, named_by: str, generation_id: str) -> Generation:
        """A completed generation of the same owner. Raises `InvalidRequest` that names its field."""
        found = await self.store.owned(subscription.id, generation_id.lower())
        if found is None:
            raise InvalidRequest(Problem(named_by, "is not one of your generations: give the id of one"))
        if found.state is not State.COMPLETED:
            raise InvalidRequest(Problem(named_by, f"is {found.state}: give the id of a completed generation"))
        return found

    async def _read(self, named_by: str, subscription: Subscription, keyframe: Keyframe | None) -> Keyframe | None:
        """The keyframe with its file's content, if it came with the request or was uploaded before."""
        if keyframe is None:
            return None
        if keyframe.content is not None:
            self.uploads.check(named_by, keyframe.content)
        if keyframe.url is None:
            return keyframe
        upload_id, earlier = upload_named_by(keyframe.url), input_named_by(keyframe.url)
        if upload_id is not None:
            return Keyframe(content=await self.uploads.read(subscription, named_by, upload_id))
        if earlier is None:
            return keyframe
        key, generation_id = earlier
        owned = await self.store.owned(subscription.id, generation_id)
        if owned is None or key not in owned.request.stored_keys:
            raise InvalidRequest(Problem(named_by, GONE))
        return Keyframe(content=await self.uploads.submitted(named_by, key))
