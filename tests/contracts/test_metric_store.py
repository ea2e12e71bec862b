"""The contract of `MetricStore`, and of the listener to ends."""

from datetime import timedelta

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.metrics import Sample, StoredGauges
from stillmotion.application.ports.store import Submission
from stillmotion.domain.uploads import Upload
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import a_generation, a_request, some_assets
from tests.contracts.conftest import keep_subscription

HOOK = "https://hooks.example.com/hook"


@pytest.fixture
def ended():
    return []


@pytest.fixture(params=["memory", "sqlite"])
def watched(request, tmp_path, clock, ended):
    in_memory = request.param == "memory"
    opened = (
        MemoryStore(clock, ended=ended.append)
        if in_memory
        else open_store(tmp_path / "stillmotion.db", clock, ended=ended.append)
    )
    yield opened
    opened.close()


async def queued(store, subscription, **parts):
    generation = a_generation(subscription, **parts)
    await store.submit(Submission(generation, subscription.product))
    return generation


async def test_samples_add_up_by_name_and_labels(store):
    await store.add_samples([Sample("a_total", ("x", 'say "hi"'), 1), Sample("b_sum", (), 0.25)])
    await store.add_samples([Sample("a_total", ("x", 'say "hi"'), 2), Sample("a_total", ("y", ""), 1)])
    assert list(await store.samples()) == [
        Sample("a_total", ("x", 'say "hi"'), 3),
        Sample("a_total", ("y", ""), 1),
        Sample("b_sum", (), 0.25),
    ]


async def test_an_empty_store_measures_nothing(store):
    gauges = await store.gauges()
    nothing = dict.fromkeys(("videos", "thumbnails", "posters", "preview_videos", "uploads"), 0)
    assert gauges == StoredGauges(stored={**nothing, "database": gauges.stored["database"]})


async def test_the_queue_is_measured_by_engine(store, subscription, clock):
    first = clock.now()
    await queued(store, subscription, engine="one/1")
    clock.advance(seconds=7)
    for _ in range(2):
        await queued(store, subscription, engine="two/1", created_at=clock.now())
    gauges = await store.gauges()
    assert (dict(gauges.depth), gauges.oldest) == ({"one/1": 1, "two/1": 2}, first)
    await store.claim_next(lambda each: each.claimed(clock.now()))
    gauges = await store.gauges()
    assert (dict(gauges.depth), gauges.oldest) == ({"two/1": 2}, clock.now())


async def test_undelivered_callbacks_are_measured(store, subscription, clock):
    await queued(store, subscription, request=a_request(callback_url=HOOK))
    await store.claim_next(lambda each: each.claimed(clock.now()))
    gauges = await store.gauges()
    assert (gauges.pending, gauges.due) == (1, clock.now())


async def test_what_is_kept_is_measured_in_bytes(store, subscription, clock):
    generation = await queued(store, subscription)
    await store.claim_next(lambda each: each.claimed(clock.now()))
    assets = some_assets(generation.id)
    await store.change(generation.id, lambda each: each.completed(each.lease, assets, "{}", clock.now()))
    await store.add_upload(Upload("u", subscription.id, "uploads/u", 40, clock.now()))
    stored = (await store.gauges()).stored
    sizes = {f"{each.kind}s": each.size for each in assets if each is not None}
    assert stored == {**sizes, "uploads": 40, "database": stored["database"]}


async def test_an_end_is_told_once(watched, ended, clock):
    generation = await queued(watched, await keep_subscription(watched))
    await watched.claim_next(lambda each: each.claimed(clock.now() + timedelta(seconds=15)))
    assert ended == []
    assets = some_assets(generation.id)
    done = await watched.change(generation.id, lambda each: each.completed(each.lease, assets, "{}", clock.now()))
    await watched.change(generation.id, lambda each: each)
    await watched.delete(generation.id)
    assert ended == [done]


async def test_a_deletion_ends_what_had_not_ended(watched, ended):
    generation = await queued(watched, await keep_subscription(watched))
    await watched.delete(generation.id)
    assert [(each.id, each.state) for each in ended] == [(generation.id, "cancelled")]
