"""Callbacks are made as they fall due, each receiver for itself."""

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from stillmotion.adapters.callbacks import sign
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_callback_secret, new_uuid7
from stillmotion.adapters.queue_signal import InProcessSignal
from stillmotion.adapters.store.memory import MemoryStore
from stillmotion.application.callbacks import Callbacks
from stillmotion.application.ports import CallbackUndeliverable, Submission
from stillmotion.domain.callbacks import DeliveryState
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import GenerationRequest
from stillmotion.domain.subscriptions import Subscription
from stillmotion.worker.deliverer import Deliverer
from tests.worker.conftest import PRODUCT


class Receivers:
    """Where callbacks are posted to: what the address says becomes of them."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Mapping[str, str], bytes]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> int:
        self.heard.append((url, headers, body))
        if "hangs" in url:
            await asyncio.sleep(60)
        if "dead" in url:
            raise CallbackUndeliverable("callback_unreachable: no connection could be made")
        return 500 if "angry" in url else 204


class Office:
    """A store with one subscription, and the deliverer that serves it."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.store = MemoryStore(self.clock)
        self.receivers = Receivers()
        self.signal = InProcessSignal()
        dialects = {"gateway": lambda generation: generation.state.encode()}
        callbacks = Callbacks(self.store, self.receivers, dialects, sign, self.clock)
        self.deliverer = Deliverer(callbacks, self.signal)

    async def announce(self, url: str) -> str:
        """A generation that is claimed, and so announced; its id."""
        request = GenerationRequest(prompt="a walk", frame0=None, callback_url=url)
        generation = Generation(new_uuid7(), "s", "gateway", request, "fake/1", self.clock.now())
        await self.store.submit(Submission(generation, PRODUCT))
        until = self.clock.now() + timedelta(seconds=15)
        await self.store.claim_next(lambda each: each.claimed(until))
        self.signal.notify()
        return generation.id

    async def ended(self, generation_id: str, timeout: float = 5.0):
        async with asyncio.timeout(timeout):
            while (delivery := (await self.store.deliveries(generation_id))[0]).state is DeliveryState.PENDING:
                await asyncio.sleep(0.005)
        return delivery


@asynccontextmanager
async def at_work():
    office = Office()
    owner = Subscription("s", "tests", PRODUCT, office.clock.now(), new_callback_secret())
    await office.store.add_product(PRODUCT)
    await office.store.add_subscription(owner, [])
    task = asyncio.create_task(office.deliverer.run())
    try:
        yield office
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_callback_is_signed_and_posted_at_once():
    async with at_work() as office:
        delivery = await office.ended(await office.announce("https://example.com/hook"), timeout=0.5)
    [(url, headers, body)] = office.receivers.heard
    assert (delivery.state, delivery.attempts, delivery.last_answer) == (DeliveryState.DELIVERED, 1, "204")
    assert url == "https://example.com/hook"
    assert headers["webhook-id"] == delivery.id
    assert body == b"dreaming"


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("https://example.com/dead", "callback_unreachable: no connection could be made"),
        ("https://example.com/angry", "500"),
    ],
)
async def test_what_was_not_taken_is_written_down(url, answer):
    async with at_work() as office:
        delivery = await office.ended(await office.announce(url))
    assert (delivery.state, delivery.last_answer) == (DeliveryState.GAVE_UP, answer)


async def test_receivers_that_hang_delay_nobody():
    async with at_work() as office:
        for _ in range(90):
            await office.announce("https://example.com/hangs")
        while len(office.receivers.heard) < 90:
            await asyncio.sleep(0.005)
        delivery = await office.ended(await office.announce("https://example.com/hook"), timeout=0.5)
    assert delivery.state is DeliveryState.DELIVERED


async def test_what_is_cut_off_is_made_again_under_the_same_id():
    async with at_work() as office:
        generation_id = await office.announce("https://example.com/hangs")
        while not office.receivers.heard:
            await asyncio.sleep(0.005)
    [delivery] = await office.store.deliveries(generation_id)
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
    again = asyncio.create_task(Deliverer(office.deliverer._callbacks, office.signal).run())
    while len(office.receivers.heard) < 2:
        await asyncio.sleep(0.005)
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert office.receivers.heard[0][1]["webhook-id"] == office.receivers.heard[1][1]["webhook-id"]
