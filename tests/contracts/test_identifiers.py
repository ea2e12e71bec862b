"""Ids that sort, tokens that cannot be guessed, a clock that says UTC."""

import base64
import threading
import uuid
from datetime import timedelta

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import Uuid7Source, new_callback_secret, new_token, new_uuid7
from tests.builders import NOON, ManualClock


def test_an_id_is_a_version_7_uuid_of_the_present():
    before = SystemClock().now()
    made = uuid.UUID(new_uuid7())
    after = SystemClock().now()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert int(before.timestamp() * 1000) <= made.int >> 80 <= int(after.timestamp() * 1000) + 1


def test_ids_of_all_threads_sort_as_they_were_made():
    made = [[] for _ in range(4)]

    def make(into):
        into += [new_uuid7() for _ in range(5000)]

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({each for ids in made for each in ids}) == 20_000


def test_ids_go_on_rising_when_the_clock_stands_still_or_steps_back():
    clock = ManualClock()
    new_id = Uuid7Source(clock)
    ids = [new_id() for _ in range(1000)]
    clock.time -= timedelta(hours=1)
    ids += [new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(each).int >> 80 for each in ids} == {int(NOON.timestamp() * 1000)}


def test_a_token_is_256_bits_in_43_url_safe_characters():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)


def test_a_callback_secret_is_written_as_standard_webhooks_does():
    secret = new_callback_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_the_present_is_in_utc_and_the_monotonic_clock_never_steps_back():
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
