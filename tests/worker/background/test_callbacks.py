"""Deliveries: each is made at its time, independently for each receiver."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from stillmotion.adapters.callbacks import GuardedCallbackSender, sign
from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_callback_secret, new_uuid7
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.callbacks.delivery import Callbacks, DeliveryLog
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.application.ports.store import Submission
from stillmotion.application.subscriptions import SECRET_OVERLAP
from stillmotion.domain.callbacks import ANSWER_DEADLINE, SCHEDULE, CallbackResponse, DeliveryState
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import GenerationRequest
from stillmotion.domain.subscriptions import RetiredSecret, Subscription
from stillmotion.worker.background.callbacks import OWNER_SHARE, SHARE, Deliverer
from tests.builders import NOON, ManualClock
from tests.timing import tries
from tests.waiting import eventually_async
from tests.worker.conftest import PRODUCT
from tests.worker.receiver import OK, receiving

LOOPBACK = Connections(UrlGuard(AddressPolicy(parse_networks(["127.0.0.0/8"]), ()), None))
SECRET = new_callback_secret()
GENEROUS = replace(PRODUCT, submits_per_minute=10_000, concurrent_generations=10_000)
AT_ONCE = 0.8
"""Seconds until a delivery that a signal begins. Without a signal it would begin after a second."""
BEFORE_A_HANG_ENDS = ANSWER_DEADLINE.total_seconds() * 0.8
DIALECTS = {"gateway": lambda generation: b'{"state":"%b"}' % generation.state.encode()}


class Elsewhere:
    """A fake sender, whose result is written in the address."""

    def __init__(self):
        self.heard = []
        self.under_way = Counter()
        self.most = Counter()

    async def post(self, url, headers, body, deadline):
        host = url.split("/")[2]
        self.under_way[host] += 1
        self.most[host] = max(self.most[host], self.under_way[host])
        try:
            if "hangs" in host:
                await asyncio.sleep(deadline.total_seconds())
                raise CallbackUndeliverable("callback_timeout: no answer came in time")
            await asyncio.sleep(0)
            self.heard.append(host)
            return CallbackResponse(204)
        finally:
            self.under_way[host] -= 1


class Office:
    """A store on disk with one subscription, and its deliverer."""

    def __init__(self, database, sender=None):
        self.clock = ManualClock()
        self.store = open_store(database, self.clock)
        self.signal = InProcessSignal()
        self.sender = sender or GuardedCallbackSender(LOOPBACK)
        callbacks = Callbacks(self.store, self.sender, sign, self.clock, lambda: 0.0)
        self.deliverer = Deliverer(callbacks, DIALECTS, self.signal)
        self.log = DeliveryLog(self.store, self.store, self.signal, self.clock)

    async def announce(self, url, owner="s"):
        """Submit and claim a generation, which announces it. Returns the id of the delivery."""
        request = GenerationRequest(prompt="a walk", frame0=None, callback_url=url)
        generation = Generation(new_uuid7(), owner, "gateway", request, "fake/1", self.clock.now())
        await self.store.submit(Submission(generation, GENEROUS))
        until = self.clock.now() + timedelta(seconds=15)
        await self.store.change(generation.id, lambda each: each.claimed(until))
        self.signal.notify()
        return f"msg_{generation.id}_dreaming"

    async def tried(self, delivery_id, times=1, within=20.0):
        """Wait until so many attempts are in the log."""

        async def are_tried():
            return len(await self.store.attempts(delivery_id)) >= times

        await eventually_async(are_tried, within)
        return await self.store.find_delivery(delivery_id)

    async def until_due(self, delivery_id):
        """Advance the clock to the next attempt."""
        delivery = await self.store.find_delivery(delivery_id)
        self.clock.advance(seconds=(delivery.due_at - self.clock.now()).total_seconds())
        self.signal.notify()


@asynccontextmanager
async def at_work(database, sender=None):
    office = Office(database, sender)
    if not await office.store.subscriptions():
        await office.store.add_product(PRODUCT)
        await office.store.add_subscription(Subscription("s", "tests", PRODUCT, NOON, SECRET), [])
    task = asyncio.create_task(office.deliverer.run())
    try:
        yield office
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        office.store.close()


async def test_a_callback_is_signed_and_posted_at_once(database):
    took = []
    for _ in tries(took, AT_ONCE):
        async with receiving() as receiver, at_work(database) as office:
            began = time.monotonic()
            delivery = await office.tried(await office.announce(receiver.url("/ok")))
            took.append(time.monotonic() - began)
    assert took[-1] < AT_ONCE
    [(path, headers, body)] = receiver.heard
    assert (path, body) == ("/ok", b'{"state":"dreaming"}')
    assert (delivery.state, delivery.attempts, delivery.last_answer) == (DeliveryState.DELIVERED, 1, "204")
    assert headers["webhook-id"] == delivery.id
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert headers["webhook-signature"] == Webhook(SECRET).sign(delivery.id, NOON, body.decode())


async def test_a_replaced_secret_signs_beside_the_new_one_until_its_end(database):
    new = new_callback_secret()

    def renewed(subscription):
        return replace(subscription, callback_secret=new, retired_secret=RetiredSecret(SECRET, NOON + SECRET_OVERLAP))

    async with receiving() as receiver, at_work(database) as office:
        await office.store.change_subscription("s", renewed)
        await office.tried(await office.announce(receiver.url("/ok")))
        office.clock.advance(seconds=SECRET_OVERLAP.total_seconds())
        await office.tried(await office.announce(receiver.url("/ok")))
    signed = [
        [Webhook(secret).sign(headers["webhook-id"], sent_at, body.decode()) for secret in (new, SECRET)]
        for (_, headers, body), sent_at in zip(receiver.heard, (NOON, NOON + SECRET_OVERLAP), strict=True)
    ]
    sent = [headers["webhook-signature"] for _, headers, _ in receiver.heard]
    assert sent == [" ".join(signed[0]), signed[1][0]]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/broken", "500"),
        ("/moved", "307"),
        ("/closes", "callback_broken: the answer was broken off or could not be understood"),
    ],
)
async def test_what_was_not_taken_is_tried_again_on_the_schedule_under_one_id(database, path, answer):
    async with receiving() as receiver, at_work(database) as office:
        delivery_id = await office.announce(receiver.url(path))
        for number in range(1, len(SCHEDULE) + 1):
            delivery = await office.tried(delivery_id, number)
            await office.until_due(delivery_id)
        attempts = await office.store.attempts(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.last_answer) == (DeliveryState.GAVE_UP, 8, answer)
    assert [each.started_at - NOON for each in attempts] == list(SCHEDULE)
    assert {each.answer for each in attempts} == {answer}
    assert [path for path, *_ in receiver.heard] == [path] * 8
    assert {headers["webhook-id"] for _, headers, _ in receiver.heard} == {delivery_id}
    assert len({headers["webhook-signature"] for _, headers, _ in receiver.heard}) == 8


@pytest.mark.parametrize("path", ["/created", "/drips", "/cut"])
async def test_a_2xx_counts_whatever_becomes_of_its_body(database, path):
    async with receiving() as receiver, at_work(database) as office:
        delivery = await office.tried(await office.announce(receiver.url(path)))
    assert delivery.state is DeliveryState.DELIVERED


async def test_a_receiver_that_is_gone_is_asked_once(database):
    async with receiving() as receiver, at_work(database) as office:
        delivery = await office.tried(await office.announce(receiver.url("/gone")))
        office.clock.advance(days=2)
        office.signal.notify()
        await office.tried(await office.announce(receiver.url("/ok")))
    assert (delivery.state, delivery.last_answer) == (DeliveryState.GAVE_UP, "410")
    assert [path for path, *_ in receiver.heard] == ["/gone", "/ok"]


async def test_a_receiver_is_left_alone_as_long_as_it_asks(database):
    async with receiving() as receiver, at_work(database) as office:
        delivery = await office.tried(await office.announce(receiver.url("/busy")))
    assert delivery.due_at == NOON + timedelta(minutes=10)


async def test_a_receiver_that_recovers_gets_what_it_missed(database):
    async with receiving() as receiver, at_work(database) as office:
        delivery_id = await office.announce(receiver.url("/broken"))
        await office.tried(delivery_id)
        receiver.answers["/broken"] = OK
        await office.until_due(delivery_id)
        delivery = await office.tried(delivery_id, 2)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 2)


async def test_schedule_and_log_survive_a_restart(database):
    async with receiving() as receiver:
        async with at_work(database) as office:
            delivery_id = await office.announce(receiver.url("/broken"))
            before = await office.tried(delivery_id)
        async with at_work(database) as office:
            assert await office.store.find_delivery(delivery_id) == before
            office.clock.advance(seconds=6)
            office.signal.notify()
            await office.tried(delivery_id, 2)
            numbers = [each.number for each in await office.store.attempts(delivery_id)]
    assert numbers == [1, 2]


async def test_what_is_cut_off_is_made_again_under_the_same_id(database):
    async with receiving() as receiver:
        async with at_work(database) as office:
            delivery_id = await office.announce(receiver.url("/hangs"))
            await eventually_async(lambda: receiver.heard)
        async with at_work(database) as office:
            assert await office.store.attempts(delivery_id) == []
            await eventually_async(lambda: len(receiver.heard) >= 2)
    assert [headers["webhook-id"] for _, headers, _ in receiver.heard] == [delivery_id] * 2


async def test_a_replay_is_posted_at_once_under_the_same_id(database):
    took = []
    for _ in tries(took, AT_ONCE):
        async with receiving() as receiver, at_work(database) as office:
            delivery_id = await office.announce(receiver.url("/gone"))
            await office.tried(delivery_id)
            receiver.answers["/gone"] = OK
            began = time.monotonic()
            await office.log.replay(delivery_id)
            delivery = await office.tried(delivery_id, 2)
            took.append(time.monotonic() - began)
            attempts = await office.store.attempts(delivery_id)
    assert took[-1] < AT_ONCE
    assert (delivery.state, delivery.replays) == (DeliveryState.DELIVERED, 1)
    assert [(each.replay, each.number, each.status) for each in attempts] == [(0, 1, 410), (1, 1, 204)]
    assert {headers["webhook-id"] for _, headers, _ in receiver.heard} == {delivery_id}


async def test_one_dead_endpoint_delays_none_of_a_thousand_good_deliveries(database):
    """The dead endpoint has a thousand deliveries of its own, all due before the good ones."""
    elsewhere = Elsewhere()
    async with at_work(database, elsewhere) as office:
        await asyncio.gather(*(office.announce("https://hangs.example/hook") for _ in range(1000)))
        office.clock.advance(seconds=1)
        good = await asyncio.gather(*(office.announce(f"https://good{n % 7}.example/hook") for n in range(1000)))
        await eventually_async(lambda: len(elsewhere.heard) >= 1000, BEFORE_A_HANG_ENDS)
        delivered = [await office.tried(each) for each in good]
        assert {each.state for each in delivered} == {DeliveryState.DELIVERED}
    assert elsewhere.most["hangs.example"] == SHARE
    assert sorted(elsewhere.heard) == sorted(f"good{n % 7}.example" for n in range(1000))


async def with_strangers(office, count):
    """The ids of further subscriptions."""
    owners = [f"stranger-{number}" for number in range(count)]
    for owner in owners:
        await office.store.add_subscription(Subscription(owner, owner, PRODUCT, NOON, SECRET), [])
    return owners


async def test_three_thousand_callbacks_to_as_many_dead_endpoints_delay_no_other_subscriptions(database):
    elsewhere = Elsewhere()
    async with at_work(database, elsewhere) as office:
        for owner in await with_strangers(office, 3):
            hooks = [f"https://hangs{number}.{owner}.example/hook" for number in range(1000)]
            await asyncio.gather(*(office.announce(hook, owner) for hook in hooks))
        office.clock.advance(seconds=1)
        await office.tried(await office.announce("https://good.example/hook"), within=BEFORE_A_HANG_ENDS)
        of_each = [sum(n for host, n in elsewhere.under_way.items() if f"stranger-{k}." in host) for k in range(3)]
    assert of_each == [OWNER_SHARE] * 3


async def test_one_subscriptions_hanging_path_delays_no_others_path_on_the_same_host(database):
    async with receiving() as receiver, at_work(database) as office:
        (stranger,) = await with_strangers(office, 1)
        for _ in range(2 * SHARE):
            await office.announce(receiver.url("/hangs"), stranger)
        await eventually_async(lambda: len(receiver.heard) >= SHARE)
        office.clock.advance(seconds=1)
        delivery = await office.tried(await office.announce(receiver.url("/ok")), within=BEFORE_A_HANG_ENDS)
    assert delivery.state is DeliveryState.DELIVERED
