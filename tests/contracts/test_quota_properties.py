"""Limits and quotas in every store, compared with a model over random runs of submits and ends."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import (
    ConcurrencyLimitExceeded,
    GenerationFailed,
    QuotaSpent,
    RateLimitExceeded,
)
from stillmotion.domain.quotas import period
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import NOON, ManualClock, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

QUOTA, AT_ONCE, A_MINUTE = 40, 6, 8
ENDS = ("complete", "fail", "fail for now", "release", "cancel", "abandon")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from([1.0, 2.5, 3.3, 5.0, 10.0])),
        st.tuples(st.just("claim"), st.none()),
        st.tuples(st.sampled_from(ENDS), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 60, 8 * 86400])),
    ),
    min_size=10,
    max_size=60,
)


class Customer:
    """Model of a customer, which submits and ends generations and counts the expected use."""

    def __init__(self, store, subscription):
        self.store, self.subscription, self.now = store, subscription, NOON
        self.paid = {}
        self.unfinished = []
        self.window, self.in_window = NOON, 0

    async def take(self, kind, value):
        if kind == "submit":
            await self.submit(value)
        elif kind == "wait":
            self.now += timedelta(seconds=value)
        elif kind == "claim":
            await self.store.claim_next(lambda each: each.claimed(self.now))
        elif self.unfinished:
            await self.end(kind, self.unfinished[value % len(self.unfinished)])

    async def submit(self, seconds):
        if self.now >= self.window + timedelta(minutes=1) or not self.in_window:
            self.window, self.in_window = self.now, 0
        generation = a_generation(self.subscription, seconds=seconds, created_at=self.now)
        submission, due = Submission(generation, self.subscription.product), self.due(seconds)
        if due is not None:
            with pytest.raises(due):
                await self.store.submit(submission)
            return
        await self.store.submit(submission)
        self.in_window += 1
        self.paid[generation.id] = (period(self.now), seconds)
        self.unfinished.append(generation.id)

    def due(self, seconds):
        """The refusal that a submit should meet."""
        if self.in_window >= A_MINUTE:
            return RateLimitExceeded
        if len(self.unfinished) >= AT_ONCE:
            return ConcurrencyLimitExceeded
        return QuotaSpent if self.spent(period(self.now)) + seconds > QUOTA + 1e-9 else None

    def spent(self, month):
        return sum(seconds for paid_in, seconds in self.paid.values() if paid_in == month)

    async def end(self, kind, generation_id):
        failure = GenerationFailed("engine", "No.", permanent=kind == "fail")

        def change(each):
            if kind == "cancel":
                return each.cancelled(self.now)
            if kind == "abandon":
                return each.abandoned(self.now)
            if kind == "release":
                return each.released(each.lease)
            if kind == "complete":
                return each.completed(each.lease, some_assets(each.id), "", self.now)
            return each.attempt_failed(each.lease, failure, self.now)

        before = await self.store.find(generation_id)
        if kind != "cancel" and before.state != "dreaming":
            return
        after = await self.store.change(generation_id, change)
        if after.is_terminal:
            self.unfinished.remove(generation_id)
            if after.state != "completed":
                del self.paid[generation_id]

    async def check(self):
        for month in {period(self.now), *(paid_in for paid_in, _ in self.paid.values())}:
            usage = await self.store.usage(self.subscription.id, month)
            assert abs(usage.video_seconds - self.spent(month)) < 1e-6
            assert self.spent(month) <= QUOTA + 1e-6
            assert usage.unfinished == len(self.unfinished) <= AT_ONCE
            counts = await self.store.counts()
            assert usage.queued == counts["queued"]


async def lived(store, steps):
    subscription = await keep_subscription(
        store, video_seconds_per_month=QUOTA, concurrent_generations=AT_ONCE, submits_per_minute=A_MINUTE
    )
    customer = Customer(store, subscription)
    for kind, value in steps:
        await customer.take(kind, value)
        await customer.check()
    store.close()


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_no_run_of_events_spends_more_than_there_is_or_loses_a_refund_in_memory(steps):
    asyncio.run(lived(MemoryStore(ManualClock()), steps))


@given(STEPS)
@settings(max_examples=15, deadline=None)
def test_no_run_of_events_spends_more_than_there_is_or_loses_a_refund_in_sqlite(tmp_path_factory, steps):
    database = tmp_path_factory.mktemp("quota") / "stillmotion.db"
    asyncio.run(lived(open_store(database, ManualClock()), steps))
