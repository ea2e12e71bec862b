"""Prospects of a request: all that a submit of it would lead to, without a submit."""

from dataclasses import dataclass, replace

from stillmotion.application.acceptance import Acceptance, Objections
from stillmotion.application.ports.store import AccessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Problem
from stillmotion.domain.models.reading import Reading, ReadWords
from stillmotion.domain.planning import Plan, plan
from stillmotion.domain.quotas import check_concurrency, check_quota, period
from stillmotion.domain.request import FrameSize, GenerationRequest
from stillmotion.domain.subscriptions import Subscription, Usage


@dataclass(frozen=True, slots=True)
class Prospect:
    """A request's clip as it would be made, and the reasons why it would be refused.

    `size` is None where it depends on a picture that is not known. `reading` is None for an engine that takes the words
    as they are. `price` is in the operator's unit, None where the product has none; `quota_left` is None without a
    quota. `eta_seconds` is the time until the clip would be there, the wait included; None if unknown.
    """

    model: str
    engine: str
    plan: Plan
    size: FrameSize | None
    reading: Reading | None
    price: float | None
    quota_left: float | None
    eta_seconds: float | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Prospects:
    """Use case of a plan. The rules are those of a submit, all of them in place of the first that is broken."""

    acceptance: Acceptance
    store: AccessStore
    clock: Clock
    read_words: ReadWords

    async def of(
        self, subscription: Subscription, surface: str, request: GenerationRequest, picture: FrameSize | None
    ) -> Prospect:
        """The prospect of a request on a surface; `picture` is the first picture's size, where it is known.

        The limit of submits a minute is left out, since it passes by itself.
        """
        noted = Objections()
        accepting = await replace(self.acceptance, guarded=lambda: noted).weigh(subscription, request)
        entry, kept = accepting.entry, accepting.request
        assert entry is not None, "a new clip is planned"
        usage = await self.store.usage(subscription.id, period(self.clock.now()))
        self._check_limits(subscription, surface, kept.seconds, usage, noted)
        planned = plan(entry, kept) if picture is None else plan(entry, kept, picture)
        outlook = await self.acceptance.store.forecast(subscription.id, accepting.engine, kept)
        product = subscription.product
        quota = product.video_seconds_per_month
        return Prospect(
            model=kept.model,
            engine=accepting.engine,
            plan=planned,
            size=None if kept.aspect_ratio is None and picture is None else planned.size,
            reading=self.read_words(accepting.engine, kept),
            price=float(product.price_per_second) * kept.seconds if product.price_per_second else None,
            quota_left=None if quota is None else max(0.0, quota - usage.video_seconds),
            eta_seconds=outlook.eta_seconds,
            problems=tuple(noted.problems),
        )

    def _check_limits(
        self, subscription: Subscription, surface: str, seconds: float, usage: Usage, noted: Objections
    ) -> None:
        product = subscription.product
        with noted:
            product.check_surface(surface)
        with noted:
            check_concurrency(product, usage.unfinished)
        with noted:
            check_quota(product, usage.video_seconds, seconds, self.clock.now())
