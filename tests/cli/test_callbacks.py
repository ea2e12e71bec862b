"""`stillmotion callbacks` over a data directory that a server has used."""

import asyncio
from datetime import timedelta

from stillmotion.adapters.directory.data_directory import open_data_directory
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.callbacks import DeliveryAttempt
from tests.builders import CALLBACK_URL, NOON, ManualClock, a_generation
from tests.contracts.conftest import keep_subscription


async def announced(directory):
    """A subscription and a generation whose callback was tried once, by their ids."""
    place = open_data_directory(directory)
    place.make_secret()
    store = open_store(place.database, ManualClock())
    subscription = await keep_subscription(store)
    generation = a_generation(subscription, callback_url=CALLBACK_URL)
    await store.submit(Submission(generation, subscription.product))
    await store.change(generation.id, lambda each: each.claimed(NOON + timedelta(seconds=15)))
    (delivery,) = await store.deliveries(generation.id)
    attempt = DeliveryAttempt(0, 1, NOON, timedelta(milliseconds=41), None, "callback_timeout: no answer came in time")
    await store.record(delivery.attempted(attempt, None, 0.0), attempt)
    store.close()
    return subscription.id, generation.id


def test_what_was_tried_is_listed_and_replayed(commands):
    subscription, generation = asyncio.run(announced(commands.directory))
    [callback] = commands.json("callbacks", "list", generation)
    assert callback["id"] == f"msg_{generation}_dreaming"
    assert (callback["state"], callback["next_attempt_at"]) == ("pending", "2026-11-22T12:00:05.041000+00:00")
    [attempt] = callback["attempts"]
    assert attempt == {
        "replay": 0,
        "number": 1,
        "at": NOON.isoformat(),
        "seconds": 0.041,
        "status": None,
        "reason": "callback_timeout: no answer came in time",
    }
    assert commands.json("callbacks", "list", "--subscription", subscription) == [callback]
    replayed = commands.json("callbacks", "replay", callback["id"])
    assert (replayed["replays"], replayed["state"], replayed["attempts"]) == (1, "pending", [attempt])
    assert commands.noted[0] == "callbacks replay"
    shown = commands.run("callbacks", "list", generation)
    assert shown.startswith(f"2026-11-22 12:00:00  {callback['id']}  pending")
    assert "attempt 1: callback_timeout: no answer came in time (0.041 s)" in shown


def test_what_is_not_there_is_said_in_a_sentence(commands):
    commands.run("keys", "create")
    assert commands.run("callbacks", "list", "nothing", code=1) == "stillmotion: there is no generation nothing\n"
    assert commands.run("callbacks", "replay", "msg_x", code=1) == "stillmotion: there is no callback msg_x\n"
    both = commands.run("callbacks", "list", "nothing", "--subscription", "nobody", code=2)
    assert "Give the id of a generation" in both
    assert "This needs a server" in commands.run("callbacks", "list", code=1)
