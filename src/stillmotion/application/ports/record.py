"""Ports of records: the attempts and outlooks of generations, and usage by day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

from stillmotion.domain.generation import GenerationView
from stillmotion.domain.record.attempts import AttemptRecord
from stillmotion.domain.record.outlook import Outlook
from stillmotion.domain.record.render_times import RenderTimes
from stillmotion.domain.record.usage import UsageEntry
from stillmotion.domain.request import GenerationRequest


class RecordStore(Protocol):
    """Store of the records of generations."""

    async def attempts_of(self, generation_id: str) -> Sequence[AttemptRecord]:
        """All attempts of a generation in their order; none for an unknown one."""
        ...

    async def outlooks(self, views: Sequence[GenerationView]) -> Mapping[str, Outlook]:
        """The outlook of each of the generations that is still unfinished, by its id, all read at one moment."""
        ...

    async def render_times(self, engines: Collection[str]) -> RenderTimes:
        """The measured render times of these engines."""
        ...

    async def forecast(self, subscription_id: str, engine: str, request: GenerationRequest) -> Outlook:
        """The outlook of a generation that the subscription would submit for that engine now."""
        ...


class UsageLedger(Protocol):
    """Store of usage by day, which counts in the transactions of submits and of ends."""

    async def usage_days(self, first: date, last: date, subscription_id: str | None = None) -> Sequence[UsageEntry]:
        """The entries of a subscription, or of all, from the first day to the last, in no order.

        They tell of deleted generations too.
        """
        ...
