"""Timelines: the events of a generation, from its record and its callbacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from stillmotion.application.callbacks.delivery import DeliveryLog
from stillmotion.application.ports.store import GenerationStore
from stillmotion.domain.errors import GenerationNotFound
from stillmotion.domain.generation import Generation
from stillmotion.domain.record.timeline import TimelineEvent, timeline
from stillmotion.domain.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Timelines:
    """Use cases of timelines, for the owner of a generation and for the operator."""

    store: GenerationStore
    delivery_log: DeliveryLog

    async def of_owned(self, subscription: Subscription, generation_id: str) -> Sequence[TimelineEvent]:
        """Timeline of the owner's generation. Raises `GenerationNotFound`, for another's generation too."""
        return await self._of(await self.store.owned(subscription.id, generation_id.lower()), generation_id)

    async def of_generation(self, generation_id: str) -> Sequence[TimelineEvent]:
        """Timeline of anybody's generation. Raises `GenerationNotFound`."""
        return await self._of(await self.store.find(generation_id.lower()), generation_id)

    async def _of(self, generation: Generation | None, generation_id: str) -> Sequence[TimelineEvent]:
        if generation is None:
            raise GenerationNotFound(generation_id)
        logged = await self.delivery_log.of_generation(generation.id)
        callbacks = [attempt for each in logged for attempt in each.attempts]
        return timeline(generation, await self.store.attempts_of(generation.id), callbacks)
